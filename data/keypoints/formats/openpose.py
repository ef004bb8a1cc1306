"""OpenPose's folder (--write_json): a file per frame, <video>_000000000012_keypoints.json.

{"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": [x, y, score, ...]}, ...]}; 25 keypoints are
BODY_25, 18 the older COCO model. A keypoint that was not found is 0, 0, 0.
"""

from pathlib import Path
from typing import Any

from data.files.json_file import read_json
from data.keypoints.clip import Hints, KeypointClip, detection, frame_numbers, layout_by_count, triples
from kinematics.errors import PoseFKError

LAYOUTS_BY_COUNT = {25: "body_25", 18: "openpose_18"}


def looks_like(content: Any) -> bool:
    """Whether a JSON file is one frame of such a folder."""
    return isinstance(content, dict) and isinstance(content.get("people"), list)


def read(path: Path, content: Any, hints: Hints) -> KeypointClip:
    """The clip of a folder, or of one frame's file."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise PoseFKError(f"{path} has no JSON files, expected OpenPose's, one for each frame.")
    contents = {file.name: read_json(file, "a frame of OpenPose's") if content is None else content for file in files}
    numbers = frame_numbers(list(contents))
    tables: dict[int, list[tuple[Any, Any]]] = {}
    for name, frame in contents.items():
        if not looks_like(frame):
            raise PoseFKError(f"{path / name} has no 'people', expected a frame of OpenPose's.")
        tables[numbers[name]] = [_table(person, f"{path}, {name}") for person in frame["people"]]
    counts = {len(table) for people in tables.values() for table, _ in people}
    layout = layout_by_count(counts, LAYOUTS_BY_COUNT, str(path), hints.layout)
    frames = {
        number: [detection(table[: layout.num_joints], f"{path}, frame {number}", track=t) for table, t in people]
        for number, people in sorted(tables.items())
    }
    return KeypointClip(layout, frames)


def _table(person: Any, where: str) -> tuple[Any, Any]:
    """(K, 3) and the tracker's number, None where there is no tracker (-1)."""
    flat = person.get("pose_keypoints_2d", person.get("pose_keypoints")) if isinstance(person, dict) else None
    if flat is None:
        raise PoseFKError(f"{where} has a person without 'pose_keypoints_2d', expected OpenPose's.")
    track = person.get("person_id")
    return triples(flat, where), None if track in (None, [], [-1], -1) else track
