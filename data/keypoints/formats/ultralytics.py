"""Ultralytics' (YOLO pose) results: JSON of `result.to_json()`, frame by frame, or its folder of labels (save_txt).

[{"name": "person", "class": 0, "confidence": 0.9, "box": {"x1": ...}, "keypoints": {"x": [...], "y": [...],
"visible": [...]}, "track_id": 3}, ...] of each frame, in a list or under "detections". A line of a label file is
class, x y w h of the box, x y (score) of each keypoint, all fractions of the image, and the number of the track.
"""

import re
from typing import Any

import numpy as np

from data.keypoints.json_people import find_people, walk
from data.keypoints.labels import Place
from data.keypoints.raw import RawClip
from data.keypoints.registry import BODIES_BY_COUNT, Format

HEAD = 5  # numbers before the keypoints
_LINE = re.compile(r"\d+( +-?[\d.]+(e[-+]?\d+)?){20,}\s*", re.IGNORECASE)


def looks_like(content: Any) -> bool:
    """Whether JSON, or the text of a label file, is this."""
    if isinstance(content, str):
        return bool(_LINE.fullmatch(content.partition("\n")[0]))
    people = list(find_people(content))[:1]
    return any(isinstance(person, dict) and _columns(person) for person in people)


def _columns(person: dict[str, Any]) -> bool:
    return isinstance(person.get("keypoints"), dict) and isinstance(person["keypoints"].get("x"), list)


def read(raw: RawClip, content: Any, place: Place) -> None:
    """Add the people of JSON, or of one label file."""
    if not isinstance(content, str):
        walk(raw, content, place)
        return
    raw.fractions = True
    raw.frames.append(place)
    for number, line in enumerate(content.splitlines(), start=1):
        where = f"{raw.path}, {place.frame or ''} line {number}"
        try:
            numbers = np.array([float(word) for word in line.split()])
        except ValueError:
            numbers = np.empty(0)
        rest = len(numbers) - HEAD
        axes, tracked = next(
            ((axes, tracked) for axes in (3, 2) for tracked in (0, 1) for joints in raw.layouts
             if rest - tracked == axes * joints), (0, 0),
        )  # fmt: skip
        if not axes:
            raw.skip("lines of another length than a person's", where)
            continue
        track = Place(place.video, place.frame, int(numbers[-1]) if tracked else None)
        raw.add(track, numbers[HEAD : len(numbers) - tracked].reshape(-1, axes), where)


FORMAT = Format(
    "ultralytics", read, looks_like, "JSON of `result.to_json()` per frame, or the folder of labels of `save_txt=True`",
    "coco_17 (and by number of keypoints)", "no / no", BODIES_BY_COUNT, (".json", ".jsonl", ".txt"),
)  # fmt: skip
