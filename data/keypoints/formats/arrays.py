"""Plain tables of pixels: npy of (frames, joints, 2 or 3) or (frames, people, joints, 2 or 3), csv of a row per frame.

A csv row is x1 y1 x2 y2 ... or x1 y1 score1 x2 y2 score2 ...; a first line of names is skipped, and a first column
called frame numbers the frames. NaN, or nothing between two commas, is a joint that was not found.
"""

import csv
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from data.files.npz import load_npy_restricted
from data.files.present import require_file
from data.keypoints.clip import (
    Hints,
    KeypointClip,
    detection,
    layout_by_count,
    number_array,
    refuse_unscored,
    whole_number,
)
from kinematics.errors import PoseFKError
from kinematics.skeleton import Skeleton

# 17 joints are COCO's or Human3.6M's: only the user knows
LAYOUTS_BY_COUNT = {16: "h36m_16", 18: "openpose_18", 25: "body_25", 26: "halpe_26", 33: "mediapipe_33"}
AMBIGUOUS = 17


def read_npy(path: Path, content: Any, hints: Hints) -> KeypointClip:
    """The clip of an npy file."""
    return clip_of_array(number_array(load_npy_restricted(path), str(path)), path, hints)


def read_csv(path: Path, content: Any, hints: Hints) -> KeypointClip:
    """The clip of a csv file."""
    with open(require_file(path), newline="", encoding="utf-8-sig") as stream:
        try:
            rows = [row for row in csv.reader(stream) if row]
        except (csv.Error, UnicodeDecodeError) as error:
            raise PoseFKError(f"{path} is not a csv file ({error}). Copy or make it again.") from error
    names = [word.strip().lower() for word in rows[0]] if rows and not _is_numeric(rows[0]) else []
    rows = rows[1:] if names else rows
    if not rows or len({len(row) for row in rows}) != 1:
        raise PoseFKError(f"{path} has {len(rows)} rows, not all as long as the first: expected a row for each frame.")
    table = number_array([[word.strip() or "nan" for word in row] for row in rows], str(path))
    numbers = None
    if names[:1] == ["frame"]:
        if np.isnan(table[:, 0]).any() or len(set(table[:, 0])) != len(table):
            raise PoseFKError(f"{path} has frame numbers that repeat or are missing, expected one for each row.")
        numbers = np.array([whole_number(number, str(path)) for number in table[:, 0].tolist()])
        table = table[:, 1:]
    joints = _joints_of_columns(table.shape[1], path, hints.layout)
    return clip_of_array(table.reshape(len(table), joints, -1), path, hints, numbers=numbers)


def clip_of_array(
    pixels: np.ndarray, path: Path, hints: Hints, layout: str | None = None, numbers: np.ndarray | None = None
) -> KeypointClip:
    """A clip from (frames, [people,] joints, 2 or 3). layout: what the file says it is; numbers: of the frames."""
    if pixels.ndim not in (3, 4) or pixels.shape[-1] not in (2, 3) or not pixels.size:
        raise PoseFKError(
            f"{path} has an array of shape {pixels.shape}, expected (frames, joints, 2 or 3): x, y and score, in "
            "pixels; several people: (frames, people, joints, 2 or 3)."
        )
    people = pixels[:, None] if pixels.ndim == 3 else pixels
    joints = pixels.shape[-2]
    wanted = hints.layout or layout
    if wanted is None and joints == AMBIGUOUS:
        raise PoseFKError(f"{path} has 17 joints, which coco_17 and h36m_17 have: say which with --layout.")
    skeleton = layout_by_count({joints}, LAYOUTS_BY_COUNT, str(path), wanted)
    frames = {}
    for place, persons in enumerate(people):
        number = place if numbers is None else int(numbers[place])
        frames[number] = [detection(person[: skeleton.num_joints], f"{path}, frame {number}") for person in persons]
    refuse_unscored(chain(*frames.values()), str(path))
    for number, seen in frames.items():
        frames[number] = [person for person in seen if not np.isnan(person.keypoints).all()]
    return KeypointClip(skeleton, dict(sorted(frames.items())))


def _is_numeric(row: list[str]) -> bool:
    try:
        [float(word) for word in row if word.strip()]
    except ValueError:
        return False
    return True


def _joints_of_columns(columns: int, path: Path, layout: str | None) -> int:
    """How many joints so many columns are, of two or three each."""
    known = [Skeleton(layout).num_joints] if layout else [*LAYOUTS_BY_COUNT, AMBIGUOUS]
    for joints in known:
        if columns in (2 * joints, 3 * joints):
            return joints
    raise PoseFKError(
        f"{path} has {columns} columns, expected 2 or 3 for each of {' or '.join(map(str, known))} joints."
    )
