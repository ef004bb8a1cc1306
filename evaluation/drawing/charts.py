"""Charts of pose sets beside each other: joint angles and camera views. Each returns a Figure."""

from collections.abc import Collection, Iterable, Mapping
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from data import PoseBatch
from data.files.writing import atomic_write
from evaluation.drawing.colours import MIDDLE, REAL_COLOUR, SYNTHETIC_COLOUR
from kinematics import JOINT_ANGLES
from kinematics.limits import JointLimits

SYNTHETIC_SET = "synthetic"
# Okabe and Ito's, for the real sets in turn.
_REAL_COLOURS = (REAL_COLOUR, "#0072B2", "#E69F00", "#56B4E9", "#D55E00", "#000000")


def set_colours(names: Iterable[str]) -> dict[str, str]:
    """Choose a colour for each set of poses: the synthetic one has a fixed colour, real ones follow each other."""
    turn = cycle(_REAL_COLOURS)
    return {name: SYNTHETIC_COLOUR if name == SYNTHETIC_SET else next(turn) for name in names}


def save_figure(figure: Figure, path: str | Path) -> None:
    with atomic_write(path) as part:
        figure.savefig(part, dpi=110)


def joint_angle_histograms(
    angles: Mapping[str, Float[Tensor, "poses 28"]], limits: JointLimits | None = None
) -> Figure:
    """Plot the distribution of the 28 joint angles, degrees, with limits in grey. angles: name of the set -> rad."""
    colours = set_colours(angles)
    figure = Figure(figsize=(14, 8), dpi=100)
    figure.subplots_adjust(left=0.01, right=0.99, top=0.92, bottom=0.03, wspace=0.06, hspace=0.3)
    panels = figure.subplots(4, 7).flat
    for i, (axes, joint_angle) in enumerate(zip(panels, JOINT_ANGLES, strict=True)):
        for name, values in angles.items():
            degrees, bins = np.rad2deg(values[:, i].cpu().numpy()), np.linspace(-180, 180, 61)
            _shares(axes, degrees, bins, colours[name], name, _filled(name, angles))
        for bound in () if limits is None else (limits.lower[i], limits.upper[i]):
            axes.axvline(float(np.rad2deg(float(bound))), color=MIDDLE, linewidth=0.8, linestyle="--")
        axes.set_title(joint_angle.replace("_", " "), fontsize=8)
        axes.set(xlim=(-185, 185), xticks=[-120, -60, 0, 60, 120], yticks=[])
        axes.tick_params(labelsize=6)
    figure.axes[0].legend(fontsize=7)
    figure.suptitle("Joint angles in degrees, share of poses (dashed: limits)", fontsize=11)
    return figure


def camera_views(batches: Mapping[str, PoseBatch]) -> Figure:
    """Plot the distribution of views: focal length, distance, direction, place in the image."""
    colours = set_colours(batches)
    figure = Figure(figsize=(14, 3.4), dpi=100, layout="constrained")
    panels = figure.subplots(1, 6)
    for name, batch in batches.items():
        views = view_numbers(batch)
        for axes, values, bins in (
            (panels[0], views["focal"], np.linspace(0.8, 3.6, 41)),
            (panels[1], views["distance"], np.linspace(0, 10, 41)),
            (panels[2], views["elevation_deg"], np.linspace(-60, 60, 41)),
            (panels[3], views["azimuth_deg"], np.linspace(-180, 180, 37)),
            (panels[5], views["height"], np.linspace(0, 2, 41)),
        ):
            _shares(axes, values, bins, colours[name], name, _filled(name, batches))
        panels[4].plot(*views["root_screen"][:1500].T, ".", markersize=2.5, alpha=0.5, color=colours[name], label=name)
    titles = ("focal length (half widths)", "camera to hip (m)", "camera above the hip (deg)",
              "camera to the right of ahead (deg)", "hip on screen (half widths)",
              "height on screen (half widths)")  # fmt: skip
    for axes, title in zip(panels, titles, strict=True):
        axes.set_title(title, fontsize=9)
        axes.tick_params(labelsize=7)
    for axes in (*panels[:4], panels[5]):
        axes.set_yticks([])
    panels[3].set_xticks([-180, -90, 0, 90, 180])
    ticks = [-1, -0.5, 0, 0.5, 1]
    panels[4].set(xlim=(-1.05, 1.05), ylim=(1.05, -1.05), xticks=ticks, yticks=ticks, aspect="equal")
    panels[0].legend(fontsize=8)
    return figure


def view_numbers(batch: PoseBatch) -> dict[str, np.ndarray]:
    """Describe the views of a batch (centre frame): (B,) each, root_screen (B, 2). Needs cameras.

    azimuth_deg: of the camera about the vertical, 0 ahead of the hips, 90 on the person's right.
    """
    assert batch.camera is not None
    centre, root = batch.frames // 2, batch.skeleton.root
    hip = batch.joints_3d[:, centre, root]  # (B, 3) camera frame
    world = batch.joints_world()[:, centre]
    above = batch.camera.translation - world[:, root]  # from the hip to the camera, z up
    right = (world[:, batch.skeleton.joints.index("RHip")] - world[:, root])[:, :2]  # so ahead is (-y, x) of it
    to_right = (above[:, :2] * right).sum(-1)
    ahead = right[:, 0] * above[:, 1] - right[:, 1] * above[:, 0]
    screen = batch.joints_2d[:, centre]
    numbers = {
        "focal": batch.camera.intrinsics[:, 0],
        "distance": hip.norm(dim=-1),
        "elevation_deg": (above[:, 2] / above.norm(dim=-1)).asin().rad2deg(),
        "azimuth_deg": torch.atan2(to_right, ahead).rad2deg(),
        "root_screen": screen[:, root],
        "height": screen[..., 1].amax(-1) - screen[..., 1].amin(-1),
    }
    return {name: values.detach().cpu().numpy() for name, values in numbers.items()}


def _filled(name: str, names: Collection[str]) -> bool:
    """Whether to fill a set's shape: more than two filled shapes cannot be told apart."""
    return name == SYNTHETIC_SET or len(names) < 3


def _shares(axes: Axes, values: np.ndarray, bins: np.ndarray, colour: str, label: str, fill: bool) -> None:
    """Outline the share of values per bin; values outside count in the outer bins."""
    if not len(values):
        return
    counts, _ = np.histogram(np.clip(values, bins[0], bins[-1]), bins)
    if fill:
        axes.stairs(counts / len(values), bins, fill=True, color=colour, alpha=0.35)
    axes.stairs(counts / len(values), bins, color=colour, linewidth=1.2, label=label)
