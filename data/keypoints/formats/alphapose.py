"""AlphaPose's results: COCO's, with names of image files; the "open" and "cmu" forms and its tracker's by image.

[{"image_id": "12.jpg", "category_id": 1, "keypoints": [x, y, score, ...], "score": 2.9, "box": [x, y, w, h],
"idx": 1}, ...], or {"12.jpg": {"version": ..., "people": [{"pose_keypoints_2d": [...]}]}, ...} (18 keypoints in
OpenPose's order), or {"12.jpg": [{"keypoints": [...], "scores": [...], "idx": 1}, ...], ...}. idx: the tracker's.
"""

from typing import Any

from data.keypoints.json_people import find_people, walk
from data.keypoints.registry import OPENPOSE_BY_COUNT, Format


def looks_like(content: Any) -> bool:
    """Whether JSON is this."""
    if isinstance(content, dict):
        return bool(content) and all("." in key for key in content) and any(find_people(content))
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and isinstance(first.get("image_id"), str) and "keypoints" in first


FORMAT = Format(
    "alphapose", walk, looks_like,
    "`alphapose-results.json`, also `--format open` and `cmu`, and its tracker's",
    "coco_17, halpe_26 (26, 136 keypoints), openpose_18 (`open`); whole body (133): its first 17", "no / no",
    OPENPOSE_BY_COUNT,
)  # fmt: skip
