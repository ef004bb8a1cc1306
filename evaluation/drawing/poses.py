"""Draw poses on the screen (2D) and in space (3D): a row of them is one plot, left and right in two colours."""

import math

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from evaluation.drawing.colours import FAINT, FLOOR, bone_colours
from kinematics.skeleton import Skeleton

COLUMNS = 6
HALF_SIZE_M = 1.0  # half the side of the floor under a person
TURN, TILT = math.radians(30), math.radians(15)  # from where space is looked at: from the right, and from above
ROW_INCHES, TITLE_INCHES = 1.9, 0.5


def seen_from_the_side(points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
    """Project points in camera axes (x right, y down, z away) obliquely, so that depth is visible; metres."""
    x, up, depth = points[..., 0], -points[..., 1], points[..., 2]
    right = math.cos(TURN) * x + math.sin(TURN) * depth
    away = math.cos(TURN) * depth - math.sin(TURN) * x
    return np.stack([right, math.cos(TILT) * up + math.sin(TILT) * away], axis=-1)


def draw_screens(axes: Axes, poses: Float[np.ndarray, "poses joints 2"], skeleton: Skeleton) -> None:
    """Draw poses side by side as lifters see them, each in the frame of a square image, 2 screen units wide."""
    pitch = 2.1
    flat = poses * np.array([1.0, -1.0])  # screen y points down
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
    frames = [corners + [pitch * i, 0] for i in range(len(poses))]
    axes.add_collection(LineCollection(frames, colors=FAINT, linewidths=0.8))
    _draw_bones(axes, flat, skeleton, pitch)
    axes.set(xlim=(-1.05, pitch * (COLUMNS - 1) + 1.05), ylim=(-1.05, 1.05))


def draw_spaces(
    axes: Axes, poses: Float[np.ndarray, "poses joints 3"], skeleton: Skeleton,
    target: Float[np.ndarray, "poses joints 3"] | None = None,
) -> None:  # fmt: skip
    """Draw poses in camera axes side by side, seen from the right and above, on a floor of 2 m. target: in grey."""
    pitch, size = 2.9 * HALF_SIZE_M, HALF_SIZE_M
    lowest = (poses if target is None else target)[..., 1].max(axis=1)
    corners = np.array([[-size, 0, -size], [size, 0, -size], [size, 0, size], [-size, 0, size], [-size, 0, -size]])
    floors = [seen_from_the_side(corners + [0, y, 0]) + [pitch * i, 0] for i, y in enumerate(lowest)]
    axes.add_collection(LineCollection(floors, colors=FLOOR, linewidths=1.0))
    if target is not None:
        _draw_bones(axes, seen_from_the_side(target), skeleton, pitch, faint=True)
    _draw_bones(axes, seen_from_the_side(poses), skeleton, pitch)
    axes.set(xlim=(-1.45, pitch * (COLUMNS - 1) + 1.45), ylim=(-1.35, 1.15))


def _draw_bones(
    axes: Axes, poses: Float[np.ndarray, "poses joints 2"], skeleton: Skeleton, pitch: float, faint: bool = False
) -> None:
    bones = bone_colours(skeleton)
    lines = [pose[[parent, child]] + [pitch * i, 0] for i, pose in enumerate(poses) for parent, child, _ in bones]
    colours = FAINT if faint else [colour for _ in poses for *_, colour in bones]
    width = 3.2 if faint else 1.8
    axes.add_collection(LineCollection(lines, colors=colours, linewidths=width, capstyle="round"))


def figure_of_lines(lines: int, title: str) -> tuple[Figure, list[Axes]]:
    """Make a figure with one frameless plot with equal axes per line."""
    height = ROW_INCHES * lines + TITLE_INCHES
    figure = Figure(figsize=(ROW_INCHES * COLUMNS, height), dpi=100)
    figure.subplots_adjust(left=0.05, right=0.995, top=1 - TITLE_INCHES / height, bottom=0.01, hspace=0.03)
    figure.suptitle(f"{title}  (right: orange, left: blue)", fontsize=11, y=1 - 0.2 / height, va="center")
    panels = list(figure.subplots(lines, 1, squeeze=False).flat)
    for axes in panels:
        axes.set(xticks=[], yticks=[], aspect="equal")
        axes.spines[:].set_visible(False)
        axes.yaxis.label.set_size(9)
    return figure, panels
