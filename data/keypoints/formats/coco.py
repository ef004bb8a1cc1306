"""COCO keypoints: a results list, as detectors write it, or an annotation file.

[{"image_id": 12, "category_id": 1, "keypoints": [x, y, score, ...], "score": 0.9, "bbox": [x, y, w, h]}, ...]
{"images": [{"id": 12, "width": 640, "height": 480}, ...], "annotations": [...], ...}
"""

from collections import Counter
from pathlib import Path
from typing import Any

from data.files.json_file import is_number, read_json
from data.keypoints.clip import (
    BODIES_BY_COUNT,
    Detection,
    Hints,
    KeypointClip,
    Size,
    detection,
    layout_by_count,
    triples,
    whole_number,
)
from kinematics.errors import PoseFKError


def looks_like(content: Any) -> bool:
    """Whether a JSON file is this."""
    if isinstance(content, dict):
        return "annotations" in content and "images" in content
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and is_number(first.get("image_id")) and "keypoints" in first


def read(path: Path, content: Any, hints: Hints) -> KeypointClip:
    """The clip; image ids are its frame numbers."""
    people = content["annotations"] if isinstance(content, dict) else content
    tables = [triples(_get(person, "keypoints", path, i), f"{path}, entry {i}") for i, person in enumerate(people)]
    layout = layout_by_count({len(table) for table in tables}, BODIES_BY_COUNT, str(path), hints.layout)
    values = {value for table in tables for value in table[:, 2].tolist()}
    full = 2.0 if values <= {0.0, 1.0, 2.0} and 2.0 in values else 1.0  # annotations: 2 is seen, 1 hidden
    frames: dict[int, list[Detection]] = {}
    for index, (person, table) in enumerate(zip(people, tables, strict=True)):
        where = f"{path}, entry {index}"
        table = table[: layout.num_joints] / [1.0, 1.0, full]
        box = person.get("bbox")
        if isinstance(box, list) and len(box) == 4:
            box = [box[0], box[1], box[0] + box[2], box[1] + box[3]]
        number = _get(person, "image_id", path, index)
        if not is_number(number):
            raise PoseFKError(f"{where} has image_id {number!r}, expected a whole number.")
        seen = detection(table, where, person.get("score"), box, person.get("track_id"))
        frames.setdefault(whole_number(number, where), []).append(seen)
    images = _images(path, content, hints)
    for image in images:
        if is_number(image.get("id")):
            frames.setdefault(whole_number(image["id"], str(path)), [])
    return KeypointClip(layout, frames, _size(images, set(frames), path))


def _images(path: Path, content: Any, hints: Hints) -> list[dict[str, Any]]:
    """The images a file tells of: its own, or those of the annotation file beside it."""
    if hints.annotations is None:
        return content["images"] if isinstance(content, dict) else []
    listed = read_json(hints.annotations, "a COCO annotation file")
    if not isinstance(listed, dict) or not isinstance(listed.get("images"), list):
        raise PoseFKError(f"{hints.annotations} has no 'images', expected a COCO annotation file (--annotations).")
    return listed["images"]


def _size(images: list[dict[str, Any]], used: set[int], path: Path) -> Size | None:
    sizes = Counter(
        (whole_number(image["width"], str(path)), whole_number(image["height"], str(path)))
        for image in images
        if image.get("id") in used and is_number(image.get("width")) and is_number(image.get("height"))
    )
    if len(sizes) > 1:
        listed = ", ".join(f"{width} x {height}" for width, height in list(sizes)[:3])
        raise PoseFKError(f"{path} has images of {len(sizes)} sizes ({listed}), expected the frames of one video.")
    return next(iter(sizes), None)


def _get(person: Any, key: str, path: Path, index: int) -> Any:
    if not isinstance(person, dict) or key not in person:
        raise PoseFKError(f"{path}, entry {index} has no '{key}', expected what COCO results have.")
    return person[key]
