"""MediaPipe's pose landmarks, saved as JSON: a list with an entry for each frame.

An entry is what the detector returned: 33 landmarks {"x", "y", "z", "visibility"}, or a list of people of 33 each, or
a result with these under "landmarks", "pose_landmarks" or "poseLandmarks" (itself maybe {"landmark": [...]}); None or
an empty list where nobody was found. x and y are fractions of the image's width and height, so its size is needed.
"""

from pathlib import Path
from typing import Any

from data.files.json_file import is_number
from data.keypoints.clip import Detection, Hints, KeypointClip, detection, number_array, whole_number
from kinematics.errors import PoseFKError
from kinematics.skeleton import Skeleton

LAYOUT = Skeleton("mediapipe_33")
KEYS = ("poseLandmarks", "pose_landmarks", "landmarks", "landmark")


def looks_like(content: Any) -> bool:
    """Whether a JSON file is this."""
    if isinstance(content, dict) and isinstance(content.get("frames"), list):
        content = content["frames"]
    if isinstance(content, dict):
        content = [content]
    return isinstance(content, list) and any(_people(entry) for entry in content)


def read(path: Path, content: Any, hints: Hints) -> KeypointClip:
    """The clip; the order of the entries numbers its frames."""
    head = content if isinstance(content, dict) else {}
    entries = head.get("frames", [content] if head else content)
    size: tuple[int, int] | None = hints.size
    width, height = head.get("width", ""), head.get("height", "")
    if size is None and is_number(width) and is_number(height):
        size = whole_number(width, str(path)), whole_number(height, str(path))
    if size is None:
        raise PoseFKError(
            f"{path} has MediaPipe's landmarks, fractions of the image: give its --image_size WIDTH HEIGHT in pixels."
        )
    frames = {}
    for number, entry in enumerate(entries):
        people = _people(entry)
        if entry and not people and not isinstance(entry, dict):
            raise PoseFKError(f"{path}, entry {number} has no 33 landmarks with x and y, as MediaPipe gives them.")
        frames[number] = [_detection(person, size, f"{path}, frame {number}") for person in people]
    return KeypointClip(LAYOUT, frames, size, float(head["fps"]) if is_number(head.get("fps")) else None)


def _people(entry: Any) -> list[list[Any]]:
    """The people of a frame, 33 landmarks each; none where there are no such."""
    while isinstance(entry, dict):
        entry = next((entry[key] for key in KEYS if key in entry), None)
    if not isinstance(entry, list):
        return []
    if _is_person(entry):
        return [entry]
    people = [person.get("landmark", []) if isinstance(person, dict) else person for person in entry]
    return people if all(map(_is_person, people)) else []


def _is_person(person: Any) -> bool:
    return isinstance(person, list) and len(person) == LAYOUT.num_joints and all(map(_is_landmark, person))


def _is_landmark(point: Any) -> bool:
    if isinstance(point, list):
        return len(point) in (2, 3, 4) and all(map(is_number, point))
    return isinstance(point, dict) and is_number(point.get("x")) and is_number(point.get("y"))


def _detection(person: list[Any], size: tuple[int, int], where: str) -> Detection:
    rows = [
        [point["x"], point["y"], point.get("visibility", 1.0)] if isinstance(point, dict)
        else [*point[:2], point[3] if len(point) == 4 else 1.0]  # x y z visibility
        for point in person
    ]  # fmt: skip
    table = number_array(rows, where)
    # A landmark out of sight still has its place: visibility 0 lowers the score and does not make it missing.
    return detection(table[:, :2] * size, where, scores=table[:, 2].clip(1e-3, 1))
