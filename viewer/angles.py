"""Joint angles of a lifted clip as a table and as curves (HTML and SVG). Imports no viser."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from evaluation.drawing.colours import FAINT, FLOOR, LEFT, MIDDLE, REAL_COLOUR, RIGHT
from evaluation.predict.files.angles import angle_columns
from evaluation.predict.lifted import LiftedClip
from kinematics import JOINT_ANGLES, joint_limits
from kinematics.limits import limits_source, motion_of

COLOURS = LEFT, RIGHT, REAL_COLOUR  # of a joint's angles
MOST_POINTS = 300  # of a curve that wide; all of it is sent again with every frame
WIDTH, HEIGHT, LEFT_EDGE, RIGHT_EDGE, TOP, BOTTOM = 300, 170, 28, 294, 8, 152  # pixels; edges of the curves
STEPS_DEG = (1, 2, 5, 10, 20, 30, 60, 90)


class AngleRange(NamedTuple):
    """How one angle moves in a clip, degrees. motion: what a positive angle is; opposite: a negative one.

    limits: the anatomical table's, and source: where that has them from.
    """

    motion: str
    opposite: str
    lowest: float
    mean: float
    highest: float
    limits: tuple[float, float]
    source: str


def joints_of_angles() -> dict[str, list[int]]:
    """Return joint -> the numbers of its angles, in the order of angle_columns."""
    joints: dict[str, list[int]] = {}
    for index, (joint, _, _) in enumerate(angle_columns()):
        joints.setdefault(joint.replace("_", " "), []).append(index)
    return joints


def angle_ranges(angles: Float[np.ndarray, "frames 28"]) -> list[AngleRange]:
    """Summarize the angles of a clip. angles: degrees, as clip_angles has them."""
    limits = joint_limits("anatomical")
    ends = torch.stack([limits.lower, limits.upper], dim=-1).rad2deg().numpy()
    ranges = []
    for name, (_, motion, sign), column, end in zip(JOINT_ANGLES, angle_columns(), angles.T, ends, strict=True):
        opposite = next(word for word in motion_of(name) if word != motion)
        low, high = sorted((sign * end).tolist())
        numbers = (float(column.min()), float(column.mean()), float(column.max()))
        ranges.append(AngleRange(motion, opposite, *numbers, (low, high), limits_source(name)))
    return ranges


def table_of_joint(ranges: list[AngleRange], now: Float[np.ndarray, "angles"]) -> str:
    """Write the HTML table of one joint, whole degrees, in the colours of its curves. now: at the frame shown."""
    rows = ""
    for angle, value, colour in zip(ranges, now.tolist(), COLOURS, strict=False):
        title = f'<td style="text-align:left;color:{colour}"><b>{angle.motion}</b></td>'
        rows += f"<tr>{title}<td><b>{round(value)}</b></td>{_cells(angle)}</tr>"
        note = f"negative: {angle.opposite}; limits: {angle.source}"
        rows += f'<tr><td colspan="7" style="text-align:left;color:#808080;white-space:normal">{note}</td></tr>'
    return _table(("degrees", "now", *_HEAD), rows)


def table_of_all(ranges: list[AngleRange]) -> str:
    """Write the HTML table of all joints, whole degrees."""
    rows = ""
    for joint, indices in joints_of_angles().items():
        rows += f'<tr><th colspan="6" style="text-align:left">{joint}</th></tr>'
        for angle in (ranges[index] for index in indices):
            rows += f'<tr><td style="text-align:left">{angle.motion}</td>{_cells(angle)}</tr>'
    return _table(("degrees", *_HEAD), rows)


_HEAD = ("min", "mean", "max", "range", "limits")


def _table(head: tuple[str, ...], rows: str) -> str:
    style = "width:100%;padding:0 8px;font-size:11px;line-height:1.5;text-align:right;border-spacing:0"
    heads = "".join(
        f'<th style="text-align:{"right" if place else "left"}">{word}</th>' for place, word in enumerate(head)
    )
    return f'<table style="{style};white-space:nowrap"><tr>{heads}</tr>{rows}</table>'


def _cells(angle: AngleRange) -> str:
    """Write the cells of _HEAD; an end beyond its limit by half a degree is in red."""
    (low, high), red = angle.limits, ' style="color:#C00000"'
    beyond = (angle.lowest < low - 0.5, False, angle.highest > high + 0.5)
    numbers = zip((angle.lowest, angle.mean, angle.highest), beyond, strict=True)
    cells = "".join(f"<td{red * wrong}>{round(number)}</td>" for number, wrong in numbers)
    return f"{cells}<td>{round(angle.highest - angle.lowest)}</td><td>{round(low)} … {round(high)}</td>"


class Curves:
    """Angles over the frame numbers of a clip, as SVG: thinned to MOST_POINTS, with gaps between the pieces."""

    def __init__(self, angles: Float[np.ndarray, "frames angles"], clip: LiftedClip) -> None:
        self._angles, self._frames = angles, clip.frames.astype(float)
        low, high = float(angles.min()), float(angles.max())
        step = next((step for step in STEPS_DEG if high - low <= 5 * step), STEPS_DEG[-1])
        self._low, self._high = step * np.floor(low / step), step * np.ceil(high / step + 1e-6)
        ticks = [self._tick(value) for value in np.arange(self._low, self._high + 0.5 * step, step).tolist()]
        rows = np.unique(np.linspace(0, len(clip) - 1, min(len(clip), MOST_POINTS)).round().astype(int))
        parts = np.split(rows, np.flatnonzero(np.diff(clip.pieces[rows])) + 1)
        lines = [
            f'<path d="{"".join(self._path(column, part) for part in parts)}" stroke="{colour}" stroke-width="1.5"/>'
            for column, colour in zip(angles.T, COLOURS, strict=False)
        ]
        ends = "".join(
            f'<text x="{x}" y="{BOTTOM + 14}" text-anchor="{anchor}" fill="#606060">{text}{clip.frames[row]}</text>'
            for x, anchor, text, row in ((LEFT_EDGE, "start", "frame ", 0), (RIGHT_EDGE, "end", "", -1))
        )
        self._still = "".join([*ticks, ends, *lines])

    def at(self, row: int) -> str:
        """Draw the curves with a line at a row of the clip."""
        x = self._x(float(self._frames[row]))
        dots = "".join(
            f'<circle cx="{x:.1f}" cy="{self._y(value):.1f}" r="3" fill="{colour}" stroke="none"/>'
            for value, colour in zip(self._angles[row].tolist(), COLOURS, strict=False)
        )
        marker = f'<path class="now" d="M{x:.1f} {TOP}V{BOTTOM}" stroke="{MIDDLE}" stroke-width="0.8"/>'
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" xmlns="http://www.w3.org/2000/svg" fill="none" font-size="9" '
            f'style="display:block;width:100%" stroke-linecap="round" stroke-linejoin="round">{self._still}{marker}'
            f"{dots}</svg>"
        )

    def _x(self, frame: float) -> float:
        first, last = self._frames[[0, -1]].tolist()
        return LEFT_EDGE + (RIGHT_EDGE - LEFT_EDGE) * (frame - first) / max(last - first, 1)

    def _y(self, angle: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (angle - self._low) / (self._high - self._low)

    def _path(self, column: Float[np.ndarray, "frames"], rows: np.ndarray) -> str:
        """Draw one piece; h0 makes a dot of a single frame."""
        places = zip(self._frames[rows].tolist(), column[rows].tolist(), strict=True)
        points = [f"{self._x(frame):.1f} {self._y(angle):.1f}" for frame, angle in places]
        return f"M{'L'.join(points)}h0"

    def _tick(self, value: float) -> str:
        y = self._y(value)
        return (
            f'<path d="M{LEFT_EDGE} {y:.1f}H{RIGHT_EDGE}" stroke="{FLOOR if value else FAINT}" stroke-width="0.8"/>'
            f'<text x="{LEFT_EDGE - 4}" y="{y + 3:.1f}" text-anchor="end" fill="#606060">{value:.0f}°</text>'
        )
