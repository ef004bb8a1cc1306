"""MediaPipe's pose landmarks, saved as JSON: a list with an entry for each frame, or an object with frames as keys.

An entry is what the detector returned: 33 landmarks {"x", "y", "z", "visibility"}, or a list of people of 33 each, or
a result with these under "landmarks", "pose_landmarks" or "poseLandmarks" (itself maybe {"landmark": [...]}); None or
an empty list where nobody was found; "frame" numbers it. x and y are fractions of the image's width and height, so its
size is needed; they are pixels where they are larger.
"""

from typing import Any

import numpy as np

from data.keypoints.json_people import LANDMARKS, find_people, walk
from data.keypoints.labels import Place
from data.keypoints.pieces import NORMALISED
from data.keypoints.raw import RawClip
from data.keypoints.registry import Format

LAYOUTS = {33: "mediapipe_33"}
LEAST_VISIBLE = 1e-3  # a landmark out of sight has its place: visibility 0 lowers the score and loses nothing


def looks_like(content: Any) -> bool:
    """Whether JSON is this."""
    for person in find_people(content):
        points = person if isinstance(person, list) else next((person[key] for key in LANDMARKS if key in person), None)
        return isinstance(points, list) and len(points) in LAYOUTS
    return False


def read(raw: RawClip, content: Any, place: Place) -> None:
    """Add the people; an entry's own frame, else the order, numbers its frames."""
    known, raw.depth = len(raw.people), True
    walk(raw, content, place)
    as_landmarks(raw, known)


def as_landmarks(raw: RawClip, known: int = 0) -> None:
    """Take people for MediaPipe's: fractions of the image, if not pixels; visibilities. known: others, before."""
    for person in raw.people[known:]:
        if person.table.shape[1] == 3:
            person.table[:, 2] = person.table[:, 2].clip(LEAST_VISIBLE, 1)
    largest = max((np.nanmax(np.abs(person.table[:, :2]), initial=0) for person in raw.people), default=0)
    middle = np.median([np.nanmedian(np.abs(person.table[:, :2])) for person in raw.people]) if raw.people else 0
    raw.fractions = bool(largest <= NORMALISED or middle <= 1)


FORMAT = Format(
    "mediapipe", read, looks_like, "JSON with each frame's landmarks, in a list or by frame number",
    "mediapipe_33", "only if you put `width`, `height`, `fps` beside `frames`", LAYOUTS,
)  # fmt: skip
