"""COCO keypoints: a results list, as detectors write it, or an annotation file.

[{"image_id": 12, "category_id": 1, "keypoints": [x, y, score, ...], "score": 0.9, "bbox": [x, y, w, h]}, ...]
{"images": [{"id": 12, "width": 640, "height": 480, "file_name": "0012.jpg"}, ...], "annotations": [...],
"categories": [{"id": 1, "keypoints": ["nose", ...]}]}
"""

from typing import Any

from data.files.json_file import is_number, read_json
from data.keypoints.clip import with_bar
from data.keypoints.json_people import FRAME, VIDEO, walk
from data.keypoints.labels import Place
from data.keypoints.raw import RawClip
from data.keypoints.registry import Format
from kinematics.errors import PoseFKError


def looks_like(content: Any) -> bool:
    """Whether JSON is this."""
    if isinstance(content, dict):
        return "annotations" in content and "images" in content
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and is_number(first.get("image_id")) and "keypoints" in first


def read(raw: RawClip, content: Any, place: Place) -> None:
    """Add the people; frames have the numbers in the images' names, or the images' ids."""
    images = _images(raw, content)
    labels = _labels(images)
    for image in images:
        if image.get("id") in labels:
            raw.frames.append(labels[image["id"]])
    people = content["annotations"] if isinstance(content, dict) else content
    if not isinstance(people, list):
        raise PoseFKError(f"{raw.path} has no list of annotations, expected COCO's.")
    categories = content.get("categories") if isinstance(content, dict) else None
    names = {
        category["id"]: category["keypoints"]
        for category in (categories if isinstance(categories, list) else [])
        if isinstance(category, dict) and isinstance(category.get("keypoints"), list) and "id" in category
    }
    for number, person in enumerate(with_bar(people, "Reading", "people")):
        where = f"entry {number}"
        at = person.get("image_id") if isinstance(person, dict) else None
        if isinstance(person, dict) and at is None:
            at = next((person[key] for key in FRAME if key in person), None)
        if not is_number(at):
            raw.skip("entries without the number of an image", where)
            continue
        known = len(raw.people)
        about = {key: value for key, value in person.items() if key not in FRAME and key not in VIDEO}
        walk(raw, about, labels.get(at, Place(frame=at)), where)
        for added in raw.people[known:]:
            joints = names.get(person.get("category_id"))
            added.names = tuple(map(str, joints)) if joints and len(joints) == len(added.table) else added.names
    used = {person.place.frame for person in raw.people}
    for image in images:
        if image.get("id") in labels and labels[image["id"]].frame in used:
            raw.add_size(image.get("width"), image.get("height"))


def _images(raw: RawClip, content: Any) -> list[dict[str, Any]]:
    """The images a file tells of: its own, or those of the annotation file beside it."""
    listed = content
    if raw.hints.annotations is not None:
        listed = read_json(raw.hints.annotations, "a COCO annotation file")
        if not isinstance(listed, dict) or not isinstance(listed.get("images"), list):
            raise PoseFKError(
                f"{raw.hints.annotations} has no 'images', expected a COCO annotation file (--annotations)."
            )
    images = listed.get("images") if isinstance(listed, dict) else None
    return [image for image in images if isinstance(image, dict)] if isinstance(images, list) else []


def _labels(images: list[dict[str, Any]]) -> dict[Any, Place]:
    """Where each image stands, by its id: its video and frame as it says them, the number in its name, or its id."""
    listed = [image for image in images if is_number(image.get("id"))]
    for key in ("frame_id", "frame_index", "frame_number", "file_name", "id"):
        if all(_is_label(image.get(key)) for image in listed):
            return {
                image["id"]: Place(str(next((image[name] for name in VIDEO if name in image), "")), image[key])
                for image in listed
            }
    return {}


def _is_label(value: Any) -> bool:
    return is_number(value) or (isinstance(value, str) and any(letter.isdigit() for letter in value))


FORMAT = Format(
    "coco", read, looks_like,
    "results list `[{image_id, keypoints, score, bbox}]`, or an annotation file (joints by the category's names)",
    "coco_17; halpe_26 (26, 136 keypoints); whole body (133): its first 17",
    "annotation file, or `--annotations FILE` / no",
)  # fmt: skip
