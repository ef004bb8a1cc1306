"""Any other JSON of people: frames in a list, JSON lines, an object of frames, of people, or of both.

People are objects with "keypoints" (or a word like it): x y score in a row, rows of 2 to 4 numbers, objects with x and
y, with or without the joints' names. Frames say "frame", "frame_id", "image_id", "timestamp" or the like, or are keys.
"""

from typing import Any

from data.keypoints.json_people import find_people, walk
from data.keypoints.registry import OPENPOSE_BY_COUNT, Format


def looks_like(content: Any) -> bool:
    """Whether JSON holds people that data.keypoints.json_people finds."""
    return isinstance(content, dict | list) and any(True for _ in find_people(content))


FORMAT = Format(
    "json", walk, looks_like, "other JSON or JSON lines: people with `keypoints` in frames, by list or by key",
    "by joint names, else by number of keypoints", "`width`, `height` / `fps`",
    {**OPENPOSE_BY_COUNT, 33: "mediapipe_33"},    order=9,
)  # fmt: skip
