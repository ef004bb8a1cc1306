"""COCO keypoint annotations (2D) in one JSON file, images 1,000 pixels wide; 0 0 0 for joints outside the image."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from augment.export.formats.chunk import Chunks, Shard
from augment.export.formats.format import Format
from data.files.writing import atomic_write
from kinematics import Skeleton

FILE = "person_keypoints.json"
WIDTH = 1000
LAYOUT = "coco_17"
_PERSON_BYTES = 600  # of text, its image included


def write(chunks: Chunks, shard: Shard) -> list[str]:
    """Write the shard's file atomically, chunk by chunk; return its name."""
    images: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []
    for chunk in chunks:
        for index, clip in enumerate(chunk.joints_screen):
            aspect = float(chunk.camera.aspect[index])
            pixels = (clip + [1.0, aspect]) * WIDTH / 2
            for frame, points in enumerate(pixels):
                number = (chunk.first + index) * shard.frames + frame + 1
                name = f"{chunk.first + index:08d}_{frame:06d}.jpg"
                images.append({"id": number, "file_name": name, "width": WIDTH, "height": round(WIDTH * aspect)})
                people.append(_person(number, points, aspect))
    content = {
        "info": {"description": "Synthetic poses of PoseFK", "version": "1.0"}, "licenses": [],
        "images": images, "annotations": people, "categories": [_category()],
    }  # fmt: skip
    with atomic_write(shard.folder / FILE, synced=False) as part:
        part.write_text(json.dumps(content))
    return [FILE]


def size(shard: Shard, kept: Sequence[int]) -> int:
    return shard.poses * shard.frames * _PERSON_BYTES


def _person(number: int, points: np.ndarray, aspect: float) -> dict[str, Any]:
    points = points.astype(np.float64).round(2)
    inside = np.all((points >= 0) & (points <= [WIDTH, round(WIDTH * aspect)]), axis=1)
    within = points[inside] if inside.any() else np.zeros((1, 2))
    low, high = within.min(axis=0), within.max(axis=0)
    seen = np.column_stack([points, np.full(len(points), 2)]) * inside[:, None]
    keypoints = seen.ravel().tolist()
    box = [*low, *(high - low)]
    return {
        "id": number, "image_id": number, "category_id": 1, "iscrowd": 0, "num_keypoints": int(inside.sum()),
        "keypoints": keypoints, "bbox": [round(float(side), 2) for side in box],
        "area": round(float(np.prod(high - low)), 2),
    }  # fmt: skip


def _category() -> dict[str, Any]:
    skeleton = Skeleton(LAYOUT)
    names = [_coco_name(joint) for joint in skeleton.joints]
    limbs = [[parent + 1, child + 1] for parent, child in skeleton.bones]
    return {"id": 1, "name": "person", "supercategory": "person", "keypoints": names, "skeleton": limbs}


def _coco_name(joint: str) -> str:
    """LEye -> left_eye."""
    side = {"L": "left_", "R": "right_"}.get(joint[0], "") if joint != "Nose" else ""
    return side + joint.removeprefix("L" if side == "left_" else "R" if side else "").lower()


FORMAT = Format(
    write, size, (LAYOUT,),
    "person_keypoints.json: COCO keypoint annotations, images 1,000 wide",
)  # fmt: skip
