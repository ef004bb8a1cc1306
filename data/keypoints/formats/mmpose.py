"""MMPose's JSON: the inferencer's predictions, one file or a folder of one for each image, or its demo scripts'.

[{"frame_id": 0, "instances": [{"keypoints": [[x, y], ...], "keypoint_scores": [...], "bbox": [[x1, y1, x2, y2]],
"bbox_score": 0.9}, ...]}, ...] (of an image: the instances alone), or {"meta_info": {"dataset_name": "coco", ...},
"instance_info": the same list}, or {"predictions": the same list}. Its .pkl files are not read: a pickle can run code.
"""

from typing import Any

from data.keypoints.json_people import find_people, walk
from data.keypoints.labels import Place
from data.keypoints.raw import RawClip
from data.keypoints.registry import BODIES_BY_COUNT, Format
from kinematics.errors import PoseFKError

# MMPose's names of data sets whose first joints are a layout of ours
LAYOUTS_BY_NAME = {
    "coco": "coco_17", "coco_wholebody": "coco_17", "ubody2d": "coco_17", "h36m": "h36m_17", "halpe": "halpe_26",
    "halpe26": "halpe_26", "body26": "halpe_26", "mpii": "mpii_16",
}  # fmt: skip


def looks_like(content: Any) -> bool:
    """Whether JSON is this."""
    if isinstance(content, dict):
        return "instance_info" in content or ("predictions" in content and "frame" not in content)
    first = content[0] if isinstance(content, list) and content else None
    if isinstance(first, dict) and "instances" in first:
        return True
    return isinstance(content, list) and any("keypoint_scores" in person for person in find_people(content))


def read(raw: RawClip, content: Any, place: Place) -> None:
    """Add the people; frame_id numbers their frames, their order where there is none."""
    about = content.get("meta_info") if isinstance(content, dict) else None
    if isinstance(about, dict) and (dataset := about.get("dataset_name")) is not None and raw.hints.layout is None:
        names = about.get("keypoint_id2name")
        if dataset in LAYOUTS_BY_NAME:
            raw.layout = LAYOUTS_BY_NAME[dataset]
        elif not isinstance(names, dict):
            raise PoseFKError(
                f"{raw.path} has keypoints of {dataset!r}, a layout that is not known: expected one of "
                f"{', '.join(LAYOUTS_BY_NAME)}; use a detector of these, or --layout."
            )
    walk(raw, content, place)
    if raw.layout is None and isinstance(about, dict) and isinstance(names := about.get("keypoint_id2name"), dict):
        for person in raw.people:
            person.names = tuple(str(names.get(str(joint), joint)) for joint in range(len(person.table)))


FORMAT = Format(
    "mmpose", read, looks_like,
    "JSON of the inferencer (`--pred-out-dir`: a file, or a folder of one per image) or the demo scripts "
    "(`--save-predictions`)",
    "coco_17, halpe_26; h36m_17, mpii_16 and others by `dataset_name` or names", "no / no", BODIES_BY_COUNT, order=1,
)  # fmt: skip
