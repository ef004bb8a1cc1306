"""MMPose's JSON: the inferencer's predictions, or what its demo scripts save.

[{"frame_id": 0, "instances": [{"keypoints": [[x, y], ...], "keypoint_scores": [...], "bbox": [[x1, y1, x2, y2]],
"bbox_score": 0.9}, ...]}, ...] (of an image: the instances alone), or {"meta_info": {"dataset_name": "coco", ...},
"instance_info": the same list}, or {"predictions": the same list}. Its .pkl files are not read: a pickle can run code.
"""

from pathlib import Path
from typing import Any

from data.files.json_file import is_number
from data.keypoints.clip import (
    BODIES_BY_COUNT,
    Detection,
    Hints,
    KeypointClip,
    detection,
    layout_by_count,
    whole_number,
)
from kinematics.errors import PoseFKError

# MMPose's names of data sets whose first joints are a layout of ours
LAYOUTS_BY_NAME = {
    "coco": "coco_17", "coco_wholebody": "coco_17", "ubody2d": "coco_17", "h36m": "h36m_17", "halpe": "halpe_26",
    "halpe26": "halpe_26", "body26": "halpe_26",
}  # fmt: skip


def looks_like(content: Any) -> bool:
    """Whether a JSON file is this."""
    if isinstance(content, dict):
        return "instance_info" in content or "predictions" in content
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and ("instances" in first or "keypoint_scores" in first)


def read(path: Path, content: Any, hints: Hints) -> KeypointClip:
    """The clip; frame_id numbers its frames, their order where there is none."""
    entries, dataset = content, None
    if isinstance(content, dict):
        entries = content.get("instance_info", content.get("predictions"))
        dataset = (content.get("meta_info") or {}).get("dataset_name")
    if not isinstance(entries, list):
        raise PoseFKError(f"{path} has no list of frames, expected 'instance_info' or 'predictions' of MMPose.")
    people = _people(entries, path)
    counts = {len(person["keypoints"]) for _, persons in people for person in persons}
    known = BODIES_BY_COUNT
    if dataset is not None:
        known = dict.fromkeys(counts, LAYOUTS_BY_NAME[dataset]) if dataset in LAYOUTS_BY_NAME else {}
    if not known and hints.layout is None:
        raise PoseFKError(
            f"{path} has keypoints of {dataset!r}, a layout that is not known: expected one of "
            f"{', '.join(LAYOUTS_BY_NAME)}; use a detector of these, or --layout."
        )
    layout = layout_by_count(counts, known, str(path), hints.layout)
    frames: dict[int, list[Detection]] = {}
    for number, persons in people:
        seen = frames.setdefault(number, [])
        seen += [_detection(person, layout.num_joints, f"{path}, frame {number}") for person in persons]
    return KeypointClip(layout, frames)


def _people(entries: list[Any], path: Path) -> list[tuple[int, list[dict[str, Any]]]]:
    """(frame number, instances) of every frame. The results of one image are its instances alone."""
    if entries and all(isinstance(entry, dict) and "keypoints" in entry for entry in entries):
        entries = [{"instances": entries}]
    people = []
    for place, entry in enumerate(entries):
        instances = entry.get("instances") if isinstance(entry, dict) else entry
        if not isinstance(instances, list) or not all(
            isinstance(person, dict) and isinstance(person.get("keypoints"), list) for person in instances
        ):
            raise PoseFKError(f"{path}, frame {place} has no list of instances with 'keypoints', as MMPose has.")
        number: Any = entry.get("frame_id") if isinstance(entry, dict) else None
        people.append((whole_number(number, str(path)) if is_number(number) else place, instances))
    return people


def _detection(person: dict[str, Any], joints: int, where: str) -> Detection:
    scores = person.get("keypoint_scores")
    return detection(
        person["keypoints"][:joints], where, person.get("bbox_score"), person.get("bbox"),
        person.get("track_id", person.get("instance_id")), None if scores is None else scores[:joints],
    )  # fmt: skip
