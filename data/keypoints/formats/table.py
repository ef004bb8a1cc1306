"""Tables of pixels, csv and tsv: a row for each frame or person (wide), or for each keypoint (long).

Columns are named for a joint and an axis in any order ("nose_x", "x_nose", "LShoulder.y", "x0", "3_score"), or, of a
long table, "joint", "x", "y", "score". "frame" (or time), "person" (or track) and "video" say whose row it is. Columns
of z are left out. Without names a row is x1 y1 x2 y2 ... or x1 y1 score1 x2 y2 score2 .... An empty cell: not found.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.files.archive import in_short
from data.files.present import require_file
from data.keypoints.formats.mediapipe import as_landmarks
from data.keypoints.formats.npy import LAYOUTS_BY_COUNT
from data.keypoints.labels import Place
from data.keypoints.raw import RawClip
from data.keypoints.registry import Format
from kinematics.errors import PoseFKError
from kinematics.skeleton import Skeleton

DELIMITERS = ",;\t"
COUNTS = (*LAYOUTS_BY_COUNT, 17)
AXES = {
    "x": "x", "y": "y", "z": "z", **dict.fromkeys(
        "score s conf c confidence likelihood visibility visible vis v prob p".split(), "score",
    ),
}  # fmt: skip
FRAME = (
    "frame frame_id frame_number frame_index frame_idx framenumber image image_id image_name filename file_name "
    "timestamp timestamp_ms time time_s time_ms"
).split()
PERSON, VIDEO = "person person_id track track_id id idx pid".split(), "video video_id camera camera_id cam view".split()
JOINT = "joint joint_name joint_id keypoint keypoint_name keypoint_id bodypart landmark landmark_id part name".split()


@dataclass(frozen=True)
class Columns:
    """Where things stand in a row; joints: (name or number, axis) -> column."""

    frame: int | None
    person: int | None
    video: int | None
    joint: int | None
    joints: dict[tuple[str, str], int]


def read(raw: RawClip, content: Path, place: Place) -> None:
    """Add the people of a csv or tsv file."""
    rows = _rows(content)
    names = [word.strip() for word in rows[0]] if rows and not _is_numeric(rows[0]) else []
    rows = rows[1:] if names else rows
    if not rows:
        raise PoseFKError(f"{content} has {len(rows)} rows, expected a row for each frame.")
    width = len(names) or len(rows[0])
    odd = [number for number, row in enumerate(rows) if len(row) != width]
    if len(odd) * 2 > len(rows) or (not names and odd):
        raise PoseFKError(
            f"{content} has {len(rows)} rows, not all as long as the first: expected a row for each frame."
        )
    for number in odd:
        raw.skip(f"rows that have no {width} columns", f"row {number}")
    rows = [row for row in rows if len(row) == width]
    columns = _columns(names)
    if columns.joint is not None:
        _read_long(raw, rows, columns, place)
    else:
        _read_wide(raw, rows, columns, bool(names), width, place)
    if len(raw.people) and len(raw.people[0].table) == 33 and _are_fractions(raw):
        as_landmarks(raw)


def _are_fractions(raw: RawClip) -> bool:
    values = np.concatenate([person.table[:, :2] for person in raw.people[:1000]])
    return bool(np.nanmedian(np.abs(values)) <= 1)


def _rows(path: Path) -> list[list[str]]:
    """The cells of a table, by the delimiter that its first line has most of; empty lines left out."""
    with open(require_file(path), newline="", encoding="utf-8-sig") as stream:
        try:
            first = stream.readline()
            stream.seek(0)
            delimiter = max(DELIMITERS, key=first.count)
            return [row for row in csv.reader(stream, delimiter=delimiter) if any(map(str.strip, row))]
        except (csv.Error, UnicodeDecodeError) as error:
            raise PoseFKError(f"{path} is not a csv file ({in_short(error)}). Copy or make it again.") from error


def _is_numeric(row: list[str]) -> bool:
    try:
        [float(word) for word in row if word.strip()]
    except ValueError:
        return False
    return True


def _columns(names: Sequence[str]) -> Columns:
    """What a header says."""
    small = [re.sub(r"[\W_]+", "_", name.lower()).strip("_") for name in names]
    at = {role: next((small.index(word) for word in words if word in small), None)
          for role, words in (("frame", FRAME), ("person", PERSON), ("video", VIDEO), ("joint", JOINT))}  # fmt: skip
    joints: dict[tuple[str, str], int] = {}
    for column, name in enumerate(names):
        if column not in at.values() and (key := _joint_and_axis(name)) is not None:
            joints.setdefault(key, column)
    is_long = ("", "x") in joints and ("", "y") in joints
    return Columns(at["frame"], at["person"], at["video"], at["joint"] if is_long else None, joints)


def _joint_and_axis(name: str) -> tuple[str, str] | None:
    """A column's joint and axis: the axis is the last word or the first, before or after a number too (x0, 0_x)."""
    words = re.findall(r"[^\W\d_]+|\d+", name)
    for axis, rest in ((words[-1:], words[:-1]), (words[:1], words[1:])):
        if axis and (known := AXES.get(axis[0].lower())) is not None:
            return "_".join(rest), known
    last = re.fullmatch(r"(.+?)([XYZxyz])", name.strip())  # noseX
    return (last[1], last[2].lower()) if last and last[2].isupper() else None


def _read_wide(
    raw: RawClip, rows: list[list[str]], columns: Columns, names_given: bool, width: int, place: Place
) -> None:
    """A row for each frame, or for each person in it."""
    joints = list(dict.fromkeys(joint for joint, axis in columns.joints if axis == "x"))
    if not joints or any((joint, "y") not in columns.joints for joint in joints):
        joints, order = [], _order_without_names(raw, columns, width)
        if columns.joints or names_given:
            raw.notes.append(f"{raw.path}: its columns do not name joints: taken in their order.")
    else:
        if any(axis == "z" for _, axis in columns.joints):
            raw.notes.append(f"{raw.path}: its columns of z are not used.")
        numbered = all(joint.rpartition("_")[2].isdigit() for joint in joints)
        if numbered:
            joints.sort(key=lambda joint: int(joint.rpartition("_")[2]))
        axes = ("x", "y", "score") if any(axis == "score" for _, axis in columns.joints) else ("x", "y")
        order = [[columns.joints.get((joint, axis), -1) for axis in axes] for joint in joints]
        joints = [] if numbered else joints
    for number, row in enumerate(rows):
        at = _place(raw, row, columns, number, place)
        try:
            table = np.array([[_number(row[column]) if column >= 0 else np.nan for column in cells] for cells in order])
        except ValueError as error:
            raw.skip("rows that hold something that is not a number", f"row {number}: {in_short(error)}")
            continue
        raw.frames.append(at)
        if not np.isnan(table).all():
            raw.add(at, table, f"{raw.path}, row {number}", tuple(joints) or None)


def _number(cell: str) -> float:
    return float(cell) if cell.strip() else np.nan


def _order_without_names(raw: RawClip, columns: Columns, width: int) -> list[list[int]]:
    """The columns of each joint of a table whose header does not name them: in their order."""
    about = (columns.frame, columns.person, columns.video)
    free = [column for column in range(width) if column not in about]
    known = [Skeleton(raw.hints.layout).num_joints] if raw.hints.layout else COUNTS
    for joints in known:
        for axes in (2, 3, 4):
            if len(free) == axes * joints:
                cells = np.array(free).reshape(joints, axes)
                return (cells[:, [0, 1, 3]] if axes == 4 else cells).tolist()  # x y z visibility
    raise PoseFKError(
        f"{raw.path} has {len(free)} columns, expected 2 or 3 for each of {' or '.join(map(str, known))} joints."
    )


def _read_long(raw: RawClip, rows: list[list[str]], columns: Columns, place: Place) -> None:
    """A row for each keypoint: those of one frame and person are gathered, in the order of the joints' names."""
    axes = [columns.joints[("", axis)] for axis in ("x", "y", "score") if ("", axis) in columns.joints]
    assert columns.joint is not None
    names = list(dict.fromkeys(row[columns.joint].strip() for row in rows))
    numbered = all(name.isdigit() for name in names)
    if numbered:
        names = list(map(str, range(max(map(int, names)) + 1)))
    index = {name: number for number, name in enumerate(names)}
    tables: dict[Place, np.ndarray] = {}
    for number, row in enumerate(rows):
        at = _place(raw, row, columns, 0, place)
        try:
            values = [_number(row[column]) for column in axes]
        except ValueError as error:
            raw.skip("rows that hold something that is not a number", f"row {number}: {in_short(error)}")
            continue
        table = tables.setdefault(at, np.full((len(names), len(axes)), np.nan))
        joint = row[columns.joint].strip()
        table[index[str(int(joint)) if numbered else joint]] = values
    for at, table in tables.items():
        raw.frames.append(at)
        if not np.isnan(table).all():
            raw.add(at, table, f"{raw.path}, frame {at.frame}", None if numbered else tuple(names))


def _place(raw: RawClip, row: list[str], columns: Columns, number: int, place: Place) -> Place:
    """Where a row says it is; its number where it says no frame."""
    frame, person, video = (
        None if column is None else row[column].strip() for column in (columns.frame, columns.person, columns.video)
    )
    label: int | float | str = number
    if frame is not None:
        try:
            label = float(frame)
            label = int(label) if label == int(label) else label
        except (ValueError, OverflowError):
            label = frame
    return Place(video or place.video, label, person or None)


FORMAT = Format(
    "csv", read, None,
    "csv or tsv: a row per frame, person or keypoint; columns named for joint and axis in any order, or x y (score) "
    "... in a layout's; `frame`, `person`, `video` columns",
    "by joint names, else by joint count; 17: `--layout`", "no / `time` column", LAYOUTS_BY_COUNT, (".csv", ".tsv"),
)  # fmt: skip
