"""OpenPifPaf's predictions: a folder of IMAGE.predictions.json, or of a video one line of JSON for each frame.

[{"keypoints": [x, y, score, ...], "bbox": [x, y, w, h], "score": 0.9, "category_id": 1}, ...] of an image;
{"frame": 1, "predictions": the same} of a video's frame.
"""

from typing import Any

from data.keypoints.json_people import find_people, walk
from data.keypoints.registry import Format


def looks_like(content: Any) -> bool:
    """Whether JSON is this."""
    first = content[0] if isinstance(content, list) and content else content
    if isinstance(first, dict) and "frame" in first and isinstance(first.get("predictions"), list):
        return True
    people = list(find_people(content))[:1]
    return any({"keypoints", "bbox", "score", "category_id"} <= person.keys() and "image_id" not in person
               for person in people if isinstance(person, dict))  # fmt: skip


FORMAT = Format(
    "openpifpaf", walk, looks_like, "`--json-output`: a folder of a file per image, or a video's JSON lines",
    "coco_17; whole body (133): its first 17", "no / no",
)  # fmt: skip
