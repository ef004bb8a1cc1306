"""AlphaPose's results: COCO's, with the names of image files and the box under other keys.

[{"image_id": "12.jpg", "category_id": 1, "keypoints": [x, y, score, ...], "score": 2.9, "box": [x, y, w, h],
"idx": 1}, ...]; 17 keypoints are COCO's, 26 and 136 Halpe's, 133 COCO's whole body. idx: the tracker's number.
"""

from pathlib import Path
from typing import Any

from data.keypoints.clip import Hints, KeypointClip, frame_numbers
from data.keypoints.formats import coco
from kinematics.errors import PoseFKError


def looks_like(content: Any) -> bool:
    """Whether a JSON file is this."""
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and isinstance(first.get("image_id"), str) and "keypoints" in first


def read(path: Path, content: Any, hints: Hints) -> KeypointClip:
    """The clip; frame numbers are those in the images' names."""
    if not isinstance(content, list) or not all(isinstance(person, dict) for person in content):
        raise PoseFKError(f"{path} is not a list of people, expected what AlphaPose writes.")
    numbers = frame_numbers(sorted({str(person.get("image_id")) for person in content}))
    people = []
    for person in content:
        track = person.get("idx")
        while isinstance(track, list):  # as some versions write it
            track = track[0] if track else None
        number = numbers[str(person.get("image_id"))]
        people.append({**person, "image_id": number, "bbox": person.get("box"), "track_id": track})
    return coco.read(path, people, hints)
