"""Joint angles of a lifted clip as a table and as curves. Imports no viser."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from evaluation.predict.files.angles import angles_deg as angles_deg
from kinematics import JOINT_ANGLES, joint_limits
from kinematics.limits import limits_source, motion_of

MOST_POINTS = 500  # of a curve 300 pixels wide; the whole of it is sent again with every frame
_TURNS = ("twist", "abduction", "flexion", "lean")


class AngleRange(NamedTuple):
    """How one angle moves in a clip, degrees; limits: the anatomical table's."""

    name: str
    lowest: float
    mean: float
    highest: float
    limits: tuple[float, float]

    @property
    def motion(self) -> float:
        """The range of motion."""
        return self.highest - self.lowest


def joints_of_angles() -> dict[str, list[int]]:
    """Return joint -> the numbers of its angles, in the order of JOINT_ANGLES."""
    joints: dict[str, list[int]] = {}
    for index, name in enumerate(JOINT_ANGLES):
        words = name.split("_")
        joints.setdefault(" ".join(words[:-1] if words[-1] in _TURNS else words), []).append(index)
    return joints


def motions_of(angle: str) -> str:
    """Describe a joint angle: its positive and negative motion, and the source of its limits."""
    positive, negative = motion_of(angle)
    return f"+ {positive}, - {negative} ({limits_source(angle)})"


def angle_ranges(angles: Float[np.ndarray, "frames 28"]) -> list[AngleRange]:
    """Summarize the angles of a clip, degrees, in the order of JOINT_ANGLES."""
    limits = joint_limits("anatomical")
    ends = torch.stack([limits.lower, limits.upper], dim=-1).rad2deg().tolist()
    columns = zip(JOINT_ANGLES, angles.min(axis=0), angles.mean(axis=0), angles.max(axis=0), ends, strict=True)
    return [AngleRange(name, *map(float, numbers), (low, high)) for name, *numbers, (low, high) in columns]


def table_of(ranges: list[AngleRange], meaning: bool = False) -> str:
    """Write an HTML table, whole degrees; an end beyond the anatomical limit is bold. meaning: add what + and - are."""
    head = "".join(f"<th>{word}</th>" for word in ("degrees", "min", "mean", "max", "range", "limits"))
    rows = []
    for angle in ranges:
        low, high = angle.limits
        beyond = angle.lowest < low - 0.5, angle.highest > high + 0.5
        cells = [
            _cell(angle.lowest, beyond[0]), _cell(angle.mean), _cell(angle.highest, beyond[1]), _cell(angle.motion),
            f"<td>{round(low)} … {round(high)}</td>",
        ]  # fmt: skip
        motions, _, source = motions_of(angle.name).partition(" (")
        name = f'<td style="text-align:left" title="{motions} ({source}">{angle.name.replace("_", " ")}</td>'
        rows.append(f"<tr>{name}{''.join(cells)}</tr>")
        if meaning:
            rows.append(f'<tr><td colspan="6" style="text-align:left;color:#808080">{motions}</td></tr>')
    style = "width:100%;font-size:11px;text-align:right;border-spacing:0;white-space:nowrap"
    return f'<table class="posefk-angles" style="{style}"><tr>{head}</tr>{"".join(rows)}</table>'


def _cell(degrees: float, beyond: bool = False) -> str:
    return f"<td><b>{round(degrees)}</b></td>" if beyond else f"<td>{round(degrees)}</td>"


class Curves:
    """Angles over the frame numbers of a clip: thinned to MOST_POINTS, with gaps between the pieces."""

    def __init__(
        self, angles: Float[np.ndarray, "frames angles"], frames: Int[np.ndarray, "frames"],
        pieces: Int[np.ndarray, "frames"],
    ) -> None:  # fmt: skip
        self._angles, self._frames = angles, frames
        rows = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), MOST_POINTS)).round().astype(int))
        cuts = np.flatnonzero(np.diff(pieces[rows])) + 1  # a gap before these
        x, y = frames[rows].astype(float), angles[rows].astype(float)
        self._x = np.insert(x, cuts, (x[cuts - 1] + x[cuts]) / 2)
        self._y = np.insert(y, cuts, np.nan, axis=0)
        self._ends = float(angles.min()), float(angles.max())

    def at(self, row: int) -> tuple[Float[np.ndarray, "points"], ...]:
        """Return x, the angles, and last a vertical line at the clip's frame of that row, as uPlot takes them."""
        place = int(np.searchsorted(self._x, self._frames[row]))
        x = np.insert(self._x, place, [self._frames[row]] * 2)
        y = np.insert(self._y, [place] * 2, self._angles[row], axis=0)
        marker = np.full(len(x), np.nan)
        marker[place : place + 2] = self._ends
        return x, *y.T.copy(), marker
