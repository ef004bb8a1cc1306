"""What every keypoint file becomes: frames with the people a detector saw in them."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float
from tqdm import tqdm

from data.files.archive import in_short
from data.plausible import MOST_PIXELS, MOST_SCORE
from kinematics.errors import PoseFKError
from kinematics.skeleton import Skeleton

Size = tuple[int, int]
T = TypeVar("T")
MANY = 20_000  # frames, people or entries: some seconds, during which a bar shows how far reading is
LARGEST_WHOLE = 2**53  # that a double holds: frame and track numbers


@dataclass(frozen=True)
class Detection:
    """One person in one frame, in the joints of the clip's layout.

    keypoints: (K, 2) pixels, NaN where a keypoint was not found; scores: (K,) 0 to 1, 0 where it was not found.
    score: of the whole person, as the file has it; box: x, y of its corners, pixels; track: the file's own number.
    """

    keypoints: Float[np.ndarray, "joints 2"]
    scores: Float[np.ndarray, "joints"]
    score: float
    box: Float[np.ndarray, "4"]
    track: int | None = None


@dataclass
class KeypointClip:
    """A video's detections. frames: frame number -> people, in order; a frame without anyone may be there or not.

    size: width and height in pixels, fps: frames a second, each None where the file does not say; notes: one sentence
    for everything that was guessed or left out.
    """

    layout: Skeleton
    frames: dict[int, list[Detection]]
    size: Size | None = None
    fps: float | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def step(self) -> int:
        """What the numbers of following frames differ by: 1, or more where every n-th frame of a video was kept."""
        numbers = sorted(self.frames)
        if len(numbers) < 3:  # two frames have no rhythm
            return 1
        return math.gcd(*(later - number for number, later in pairwise(numbers))) or 1


def with_bar(items: Collection[T], what: str, unit: str, count: int = 0) -> Iterable[T]:
    """Yield items with a progress bar, where they, or what they hold (count), are many."""
    return tqdm(items, what, unit=f" {unit}", disable=max(len(items), count) < MANY)


@dataclass(frozen=True)
class Hints:
    """What the user says about a file. layout, size, fps, video: None where the file itself has to tell.

    annotations: a COCO annotation file with the images' sizes; format: auto where the content has to tell it;
    ignore_scores: whether every keypoint with a place counts as seen; check_bodies: whether keypoints that no body has
    are refused.
    """

    layout: str | None = None
    size: Size | None = None
    fps: float | None = None
    video: str | None = None
    annotations: Path | None = None
    format: str = "auto"
    ignore_scores: bool = False
    check_bodies: bool = True


def detection(
    numbers: Any, where: str, score: Any = None, box: Any = None, track: Any = None, scores: Any = None
) -> Detection:
    """A checked Detection. numbers: (K, 2) x y, or (K, 3) x y score; box: x1 y1 x2 y2, else around the keypoints.

    A keypoint is missing where it is NaN, at the very corner of the image (0, 0), or its score is 0.
    """
    table = number_array(numbers, where)
    if table.ndim != 2 or table.shape[1] not in (2, 3):
        raise PoseFKError(f"{where} has keypoints of shape {table.shape}, expected (joints, 2 or 3): x, y and score.")
    keypoints = table[:, :2].copy()
    confidence = table[:, 2] if table.shape[1] == 3 else np.ones(len(table))
    if scores is not None:
        confidence = number_array(scores, where).ravel()
    if len(confidence) != len(keypoints):
        raise PoseFKError(f"{where} has {len(keypoints)} keypoints and {len(confidence)} scores, expected one each.")
    missing = ~is_placed(keypoints) | ~(confidence > 0)
    keypoints[missing] = np.nan
    confidence = np.where(missing, 0.0, confidence)
    _refuse_wild(keypoints, confidence, where)
    confidence = confidence.clip(0, 1)
    corners = number_array(box, where).ravel()[:4] if box is not None else np.empty(0)
    if len(corners) < 4 or not (np.abs(corners) <= MOST_PIXELS).all():
        known = keypoints[~missing]
        corners = np.concatenate([known.min(axis=0), known.max(axis=0)]) if len(known) else np.zeros(4)
    person_score = first_number(score, where) if score is not None else float(confidence.mean())
    number = None if track is None else whole_number(first_number(track, where), where)
    return Detection(keypoints, confidence, person_score if np.isfinite(person_score) else 0.0, corners, number)


def is_placed(keypoints: Float[np.ndarray, "*batch 2"]) -> Bool[np.ndarray, "*batch"]:
    """Whether a keypoint has a place: neither NaN nor the very corner of the image, where tools put what is missing."""
    return np.asarray(~np.isnan(keypoints).any(axis=-1) & keypoints.any(axis=-1))


def _refuse_wild(keypoints: Float[np.ndarray, "joints 2"], scores: Float[np.ndarray, "joints"], where: str) -> None:
    """Refuse places that are in no image, and scores that no detector gives. Missing keypoints are NaN."""
    wild = (np.abs(keypoints) > MOST_PIXELS).any(axis=1)
    if wild.any():
        joint = int(wild.argmax())
        place = ", ".join(f"{value:.4g}" for value in keypoints[joint].tolist())
        raise PoseFKError(f"{where} has keypoint {joint} at ({place}), expected pixels up to {MOST_PIXELS:g}, or NaN.")
    if (np.abs(scores) > MOST_SCORE).any():
        raise PoseFKError(
            f"{where} has a score of {scores[np.abs(scores) > MOST_SCORE][0]:.4g}, expected at most {MOST_SCORE:g}: "
            "scores from 0 to 1 are told apart, more counts as 1."
        )


def number_array(value: Any, where: str) -> np.ndarray:
    """Numbers as float64; a table with holes or words is refused. None counts as NaN."""
    if isinstance(value, np.ndarray) and value.dtype.kind not in "fiubOU":
        raise PoseFKError(f"{where} holds numbers of type {value.dtype}, expected plain ones.")
    try:
        return np.asarray(value, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise PoseFKError(f"{where} holds something that is not a table of numbers ({in_short(error)}).") from error


def first_number(value: Any, where: str) -> float:
    """The number, or the first of a list: some detectors wrap single values."""
    numbers = number_array(value, where).ravel()
    return float(numbers[0]) if len(numbers) else float("nan")


def whole_number(value: float | int, where: str) -> int:
    """A frame or track number."""
    if not abs(value) <= LARGEST_WHOLE:
        raise PoseFKError(f"{where} has the number {value:.4g}, expected a whole one of at most 2^53.")
    return int(value)
