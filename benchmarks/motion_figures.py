"""Figures of benchmarks/motion.py: how speeds and accelerations are spread, and clips frame by frame."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from torch import Tensor

from evaluation.drawing.colours import FAINT, FLOOR, bone_colours
from evaluation.drawing.poses import seen_from_the_side
from evaluation.motion import about_root, joint_accelerations, joint_speeds
from kinematics import Skeleton
from training.reporting.figures import CURVES

STEP = 4  # frames between the poses of a strip
PITCH_M = 1.5
POINTS = np.linspace(0.005, 0.995, 199)


def motion_curves(clips: Mapping[str, Tensor], fps: float) -> Figure:
    """Share of joints that move slower, over speed, speed about the hip and acceleration. The first line is black."""
    figure = Figure(figsize=(13, 4), dpi=100, layout="constrained")
    kinds = (
        ("speed (m/s)", lambda c: joint_speeds(c, fps), (0.01, 30)),
        ("speed about the hip (m/s)", lambda c: joint_speeds(about_root(c)[:, :, 1:], fps), (0.01, 30)),
        ("acceleration (m/s²)", lambda c: joint_accelerations(c, fps), (0.2, 2000)),
    )
    panels = figure.subplots(1, len(kinds), sharey=True)
    for axes, (title, numbers, limits) in zip(panels, kinds, strict=True):
        for i, (name, of_set) in enumerate(clips.items()):
            values = np.quantile(numbers(of_set).flatten().numpy(), POINTS)
            colour, style = ("black", "-") if i == 0 else CURVES[(i - 1) % len(CURVES)]
            width = 2.4 if i == 0 else 1.3 if i <= len(CURVES) else 0.7
            axes.plot(values, 100 * POINTS, style, color=colour, linewidth=width, label=name)
        axes.set(xscale="log", xlabel=title, xlim=limits, ylim=(0, 100))
        axes.grid(color=FAINT, linewidth=0.4)
    panels[0].set_ylabel("part of joints and frames below (%)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8)
    return figure


def clip_strips(clips: Mapping[str, Tensor]) -> Figure:
    """A clip of every line, every STEP-th frame.

    The bar is the same half metre of floor in all frames, under the hip of the middle one: feet that stand keep their
    place over it.
    """
    figure = Figure(figsize=(8, 1.2 * len(clips)), dpi=100)
    figure.subplots_adjust(left=0.005, right=0.995, top=0.99, bottom=0.01, hspace=0.05)
    for axes, (name, of_set) in zip(figure.subplots(len(clips), 1), clips.items(), strict=True):
        _strip(axes, _typical(of_set)[::STEP].numpy())
        axes.text(0.0, 1.0, name, transform=axes.transAxes, fontsize=8, va="top")
    return figure


def _typical(clips: Tensor) -> Tensor:
    """(T, 16, 3): the clip whose mean speed is the median of the first hundred."""
    speeds = joint_speeds(clips[:100], 1).mean(dim=(1, 2))
    return clips[int(speeds.argsort()[len(speeds) // 2])]


def _strip(axes: Axes, poses: np.ndarray) -> None:
    """One clip, (T, 16, 3) world, side by side. Who flies off is held at 2.5 m."""
    bones = bone_colours(Skeleton("h36m_16"))
    middle = poses[len(poses) // 2, 0].copy()
    middle[2] = poses[..., 2].min()
    poses = np.clip(poses - middle, -2.5, 2.5)
    camera = np.stack([poses[..., 0], -poses[..., 2], poses[..., 1]], axis=-1)
    flat = seen_from_the_side(camera)
    shift = np.arange(len(flat))[:, None] * np.array([PITCH_M, 0.0])
    bar = seen_from_the_side(np.array([[-0.25, 0, 0], [0.25, 0, 0]]))
    axes.add_collection(LineCollection([bar + place for place in shift], colors=FLOOR, linewidths=4))
    lines = [pose[[a, b]] + place for pose, place in zip(flat, shift, strict=True) for a, b, _ in bones]
    colours = [colour for _ in flat for *_, colour in bones]
    axes.add_collection(LineCollection(lines, colors=colours, linewidths=1.6, capstyle="round"))
    axes.set(xlim=(-1.2, PITCH_M * (len(flat) - 1) + 1.2), ylim=(-0.4, 1.95), xticks=[], yticks=[], aspect="equal")
    axes.spines[:].set_visible(False)
