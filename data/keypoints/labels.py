"""Frame numbers from what a file calls its frames: numbers, names of images, time stamps; one camera of several."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from data.files.json_file import is_number
from data.keypoints.clip import whole_number
from kinematics.errors import PoseFKError

Label = int | float | str
SUFFIX = re.compile(r"\.(json|txt|npy|jpe?g|png|bmp|tiff?|webp)$", re.IGNORECASE)
LARGEST_STAMP = 2.0**63  # nanoseconds of 292 years
LISTED = 6  # cameras in a message
CAMERA = re.compile(r"(cam|camera|view|kinect|device)[\W_]*$", re.IGNORECASE)  # before a number that is no frame's
FEWEST = 8  # frames whose distances tell a clock from a counter
NOT_EPOCH = 1e9  # counters end before, clocks since 1970 begin there (seconds)
UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
RATES = (5.0, 250.0)  # frames a second that tell the unit of a clock
COMMON_RATES = (10, 12, 15, 20, 24, 25, 29.97, 30, 48, 50, 59.94, 60, 90, 100, 120, 200, 240)


@dataclass(frozen=True)
class Place:
    """Where in a file somebody is. video: of several; frame: None where the file has only one; track: a person's."""

    video: str = ""
    frame: Label | None = None
    track: int | float | str | None = None


def label_or_none(value: Any) -> Label | None:
    """A frame's label: a number, or a name that is not a whole picture in text."""
    if is_number(value):
        return value if abs(value) < float("inf") else None
    return value if isinstance(value, str) and 0 < len(value) <= 1000 else None


def natural_key(name: str) -> list[tuple[bool, int, str]]:
    """What to sort by so that 10 comes after 9."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]


def number_frames(labels: Iterable[Label], where: str) -> tuple[dict[Label, tuple[str, float]], list[str]]:
    """(camera or video, number) of every label, and what was guessed. Names of files: what they differ in is counted.

    Of a name's several numbers the one that differs is the frame's. Where two differ, or the words around them, the
    names are those of several cameras: the rest of the name tells them.
    """
    numbers: dict[Label, tuple[str, float]] = {}
    names: list[str] = []
    for label in dict.fromkeys(labels):
        value = _plain_number(label)
        if value is None:
            names.append(str(label))
        elif abs(value) < LARGEST_STAMP:
            numbers[label] = "", value
        else:
            raise PoseFKError(f"{where} has the frame {value:.4g}, expected a number, or a time in s, ms, us or ns.")
    families: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in names:
        families[tuple(_parts(name)[::2])].append(name)
    if not families:
        return numbers, []
    if len(names) > 1 and (len(families) == len(names) or not any(len(words) > 1 for words in families)):
        return numbers | {name: ("", float(place)) for place, name in enumerate(sorted(names, key=natural_key))}, [
            "the names of its frames do not number them: taken in alphabetical order."
        ]
    for words, members in families.items():
        patterns, counted, mixed = _numbers_of_family(words, members)
        for name, pattern, number in zip(members, patterns, counted, strict=True):
            numbers[name] = pattern if mixed or len(families) > 1 else "", number
    return numbers, []


def _plain_number(label: Label) -> float | None:
    """The number that a label is, as it is or as text."""
    if isinstance(label, str):
        try:
            return float(int(label)) if label.strip().lstrip("-").isdigit() else None
        except ValueError:  # digits of another script, or thousands of them
            return None
    return float(label)


def _parts(name: str) -> list[str]:
    """Words and numbers in turn, beginning with a word."""
    path = PurePosixPath(name.replace("\\", "/"))
    stem = SUFFIX.sub("", str(path))
    return re.split(r"(\d{1,19})", stem)


def _numbers_of_family(words: tuple[str, ...], names: list[str]) -> tuple[list[str], list[float], bool]:
    """Names that have the same words: each one's pattern, its frame's number, and whether they are several cameras'."""
    digits = [_parts(name)[1::2] for name in names]
    table = np.array(digits, dtype=float)  # (names, numbers)
    if not table.size:
        return ["".join(words)] * len(names), [0.0] * len(names), False
    varied = [column for column in range(table.shape[1]) if len(set(table[:, column])) > 1]
    counters = [column for column in varied if not CAMERA.search(words[column])] or varied
    column = _frame_column(table, counters) if counters else table.shape[1] - 1
    order = np.argsort(table[:, column])
    unique = len(set(table[:, column])) == len(names)
    rising = {other for other in counters if unique and (np.diff(table[order, other]) >= 0).all()}  # clocks, parts
    mixed = bool({*varied} - rising - {column})
    patterns = []
    for row in digits:
        shown = ["*" if place == column or place in rising else number for place, number in enumerate(row)]
        patterns.append("".join(word + number for word, number in zip(words, [*shown, ""], strict=True)))
    return patterns, table[:, column].astype(float).tolist(), mixed


def _frame_column(table: np.ndarray, varied: list[int]) -> int:
    """Which of a name's numbers is the frame's: one that is never the same, the least spread of these; else the most
    varied, the last of these."""
    counts = {column: len(set(table[:, column])) for column in varied}
    unique = [column for column in varied if counts[column] == len(table)]
    if unique:
        return min(unique, key=lambda column: (np.ptp(table[:, column]), -column))
    return max(varied, key=lambda column: (counts[column], column))


def choose_video(videos: Iterable[str], wanted: str | None, where: str) -> str:
    """The one video in a place, or the one that --video names: in full, or by what no other name has."""
    listed = sorted(set(videos), key=natural_key)
    if wanted is None and len(listed) == 1:
        return listed[0]
    shown = ", ".join(name or "(no name)" for name in listed[:LISTED]) + (", ..." if len(listed) > LISTED else "")
    chosen = [name for name in listed if name == wanted] or [
        name for name in listed if wanted and name.startswith(f"{wanted}/")
    ] or [name for name in listed if wanted and wanted in name]  # fmt: skip
    if len(chosen) != 1:
        asked = "" if wanted is None else f", {len(chosen)} of them as --video {wanted} asks"
        raise PoseFKError(
            f"{where} has {len(listed)} cameras, videos or clips{asked}: choose one of {shown} with --video."
        )
    return chosen[0]


@dataclass(frozen=True)
class Clock:
    """numbers: of the frames, whole; fps: of these numbers, None where unknown; notes: what was guessed."""

    numbers: dict[float, int]
    fps: float | None
    notes: list[str]


def read_clock(values: Iterable[float], fps: float | None, where: str) -> Clock:
    """Whole frame numbers of counters, as they are, or of time stamps, by their mean distance.

    Time stamps are told by fractions, by distances that differ by a little, or by their size (clocks since 1970).
    fps: frames a second that the file or the user says.
    """
    ordered = sorted(set(values))
    if not np.isfinite(ordered).all():
        raise PoseFKError(f"{where} has a frame whose number or time is NaN or infinite, expected finite ones.")
    steps = np.diff(ordered)
    are_integers = all(value == int(value) for value in ordered)
    if len(ordered) < 2 or (are_integers and not _is_clock(ordered, steps)):
        if not are_integers:
            raise PoseFKError(f"{where} has the frame {ordered[0]:g}, expected whole numbers, or times of many frames.")
        return Clock({value: whole_number(value, where) for value in ordered}, fps, [])
    period = _period(steps)
    numbers = {value: whole_number(round((value - ordered[0]) / period), where) for value in ordered}
    if len(set(numbers.values())) < len(numbers):
        raise PoseFKError(
            f"{where} has frames at times that no frame rate has: expected about the same between any two."
        )
    rate, unit = fps, ""
    if fps is None:
        rates = {unit: scale / period for unit, scale in UNITS.items() if RATES[0] <= scale / period <= RATES[1]}
        if len(rates) != 1:
            raise PoseFKError(f"{where} has frames {period:.4g} apart, as clocks count and no counter: give --fps.")
        unit, measured = next(iter(rates.items()))
        near = min(COMMON_RATES, key=lambda common: abs(common - measured))
        rate = float(near) if abs(near - measured) < 0.01 * near else measured
    said = f" ({unit})" if unit else ""
    return Clock(numbers, rate, [
        f"its frames are called by time stamps{said}, {period:.4g} apart: {rate:.4g} frames a second, numbered from 0."
    ])  # fmt: skip


def _is_clock(ordered: list[float], steps: np.ndarray) -> bool:
    """Whether whole numbers are times: they differ by about the same and not by the same."""
    if ordered[-1] >= NOT_EPOCH and np.median(steps) > 1:
        return True
    if len(ordered) < FEWEST or np.median(steps) < 8 or 2 * np.gcd.reduce(steps.astype(np.int64)) >= np.median(steps):
        return False
    period = _period(steps)
    return bool((np.abs(steps - period * np.round(steps / period)) <= max(1.0, 0.1 * period)).all())


def _period(steps: np.ndarray) -> float:
    """Mean distance of following frames, where some may be missing."""
    period = float(np.median(steps))
    for _ in range(3):
        counts = np.maximum(np.round(steps / period), 1)
        period = float(steps.sum() / counts.sum())
    return period


def rhythm_note(step: int, fps: float) -> list[str]:
    """A sentence where only every n-th frame is there. fps: frame numbers a second."""
    if step < 2:
        return []
    clock = " If the numbers are milliseconds: --fps 1000." if step >= 10 else ""
    return [f"its frames are {step} apart: {fps / step:.3g} of {fps:g} frames a second.{clock}"]
