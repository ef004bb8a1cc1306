"""What every keypoint file becomes: frames with the people a detector saw in them."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from data.plausible import MOST_PIXELS, MOST_SCORE
from kinematics.errors import PoseFKError
from kinematics.skeleton import Skeleton

Size = tuple[int, int]
# Of a body with face and hands (133: COCO's whole body, 136: Halpe's) the first keypoints are the body's layout.
BODIES_BY_COUNT = {17: "coco_17", 26: "halpe_26", 133: "coco_17", 136: "halpe_26"}
LARGEST_WHOLE = 2**53  # that a double holds: frame and track numbers


@dataclass(frozen=True)
class Detection:
    """One person in one frame, in the joints of the clip's layout.

    keypoints: (K, 2) pixels, NaN where a keypoint was not found; scores: (K,) 0 to 1, 0 where it was not found.
    score: of the whole person, as the file has it; box: x, y of its corners, pixels; track: the file's own number;
    unscored: missing for no other reason than that all scores are 0.
    """

    keypoints: Float[np.ndarray, "joints 2"]
    scores: Float[np.ndarray, "joints"]
    score: float
    box: Float[np.ndarray, "4"]
    track: int | None = None
    unscored: bool = False


@dataclass
class KeypointClip:
    """A video's detections. frames: frame number -> people, in order; a frame without anyone may be there or not.

    size: width and height in pixels, fps: frames a second, each None where the file does not say.
    """

    layout: Skeleton
    frames: dict[int, list[Detection]]
    size: Size | None = None
    fps: float | None = None

    @property
    def step(self) -> int:
        """What the numbers of following frames differ by: 1, or more where every n-th frame of a video was kept."""
        numbers = sorted(self.frames)
        return math.gcd(*(later - number for number, later in pairwise(numbers))) or 1


@dataclass(frozen=True)
class Hints:
    """What the user says about a file. layout, size, fps, video: None where the file itself has to tell.

    annotations: a COCO annotation file with the images' sizes; format: auto where the content has to tell it.
    """

    layout: str | None = None
    size: Size | None = None
    fps: float | None = None
    video: str | None = None
    annotations: Path | None = None
    format: str = "auto"


def detection(
    numbers: Any, where: str, score: Any = None, box: Any = None, track: Any = None, scores: Any = None
) -> Detection:
    """A checked Detection. numbers: (K, 2) x y, or (K, 3) x y score; box: x1 y1 x2 y2, else around the keypoints.

    A keypoint is missing where it is NaN, or its score is 0, or, without scores, at the very corner of the image.
    """
    table = number_array(numbers, where)
    if table.ndim != 2 or table.shape[1] not in (2, 3):
        raise PoseFKError(f"{where} has keypoints of shape {table.shape}, expected (joints, 2 or 3): x, y and score.")
    keypoints = table[:, :2].copy()
    confidence = table[:, 2] if table.shape[1] == 3 else keypoints.any(axis=1).astype(float)
    if scores is not None:
        confidence = number_array(scores, where).ravel()
    if len(confidence) != len(keypoints):
        raise PoseFKError(f"{where} has {len(keypoints)} keypoints and {len(confidence)} scores, expected one each.")
    placed = ~np.isnan(keypoints).any(axis=1)
    missing = ~placed | ~(confidence > 0)
    unscored = bool(keypoints[placed].any() and not confidence[placed].any())
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
    return Detection(
        keypoints, confidence, person_score if np.isfinite(person_score) else 0.0, corners, number, unscored
    )


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


def refuse_unscored(people: Iterable[Detection], where: str) -> None:
    """One sentence for a tool that writes keypoints and the score 0 for all of them."""
    held = [person.unscored for person in people if person.unscored or not np.isnan(person.keypoints).all()]
    if held and all(held):
        raise PoseFKError(
            f"{where}: all scores are 0, which is what a keypoint has that was not found. Write the detector's own "
            "scores, or 1 where it gives none."
        )


def number_array(value: Any, where: str) -> np.ndarray:
    """Numbers as float64; a table with holes or words is refused. None counts as NaN."""
    if isinstance(value, np.ndarray) and value.dtype.kind not in "fiubOU":
        raise PoseFKError(f"{where} holds numbers of type {value.dtype}, expected plain ones.")
    try:
        return np.asarray(value, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise PoseFKError(f"{where} holds something that is not a table of numbers ({error}).") from error


def first_number(value: Any, where: str) -> float:
    """The number, or the first of a list: some detectors wrap single values."""
    numbers = number_array(value, where).ravel()
    return float(numbers[0]) if len(numbers) else float("nan")


def whole_number(value: float | int, where: str) -> int:
    """A frame or track number."""
    if not abs(value) <= LARGEST_WHOLE:
        raise PoseFKError(f"{where} has the number {value:.4g}, expected a whole one of at most 2^53.")
    return int(value)


def triples(flat: Any, where: str) -> np.ndarray:
    """x1 y1 score1 x2 y2 score2 ... as (K, 3)."""
    numbers = number_array(flat, where).ravel()
    if not len(numbers) or len(numbers) % 3:
        raise PoseFKError(f"{where} has {len(numbers)} numbers, expected three for each keypoint: x, y and score.")
    return numbers.reshape(-1, 3)


def layout_by_count(counts: set[int], known: dict[int, str], where: str, wanted: str | None) -> Skeleton:
    """The layout of people with so many keypoints; of longer ones (hands, face) the first points are the body's.

    counts: those of all people, which must be one; known: number of keypoints -> layout; wanted: what the user says.
    """
    if not counts:
        raise PoseFKError(f"{where} has nobody in it, expected at least one person in one frame.")
    if len(counts) > 1:
        listed = " and ".join(map(str, sorted(counts)))
        raise PoseFKError(f"{where} has people with {listed} keypoints, expected one layout in a file.")
    count = min(counts)
    if wanted is None and count not in known:
        listed = ", ".join(f"{number} ({name})" for number, name in known.items())
        raise PoseFKError(f"{where} has {count} keypoints, which no layout here has: expected {listed}; see --layout.")
    layout = Skeleton(known[count] if wanted is None else wanted)
    if layout.num_joints > count:
        raise PoseFKError(
            f"{where} has {count} keypoints, --layout {wanted} has {layout.num_joints}: choose the detector's."
        )
    return layout


def frame_numbers(names: list[str]) -> dict[str, int]:
    """Frame number of each image or file: the last digits in its name; its place in the order where these do not do."""
    digits = [re.findall(r"\d+", Path(name).stem) for name in names]
    if all(digits) and len({int(groups[-1]) for groups in digits}) == len(names):
        return {name: int(groups[-1]) for name, groups in zip(names, digits, strict=True)}
    return {name: place for place, name in enumerate(sorted(names))}
