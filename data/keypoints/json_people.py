"""People in JSON, whatever lists and objects a tool puts around them: frames of people, people of frames, both named.

A person is an object with keypoints, or a list of points. Frames are objects that hold people, lists of people, or the
keys of an object. What is neither is counted (RawClip.skip), never passed for an empty frame.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from data.files.json_file import is_number
from data.keypoints.clip import number_array, with_bar
from data.keypoints.labels import Place, label_or_none
from data.keypoints.raw import RawClip, number_table
from kinematics.errors import PoseFKError

KEYPOINTS = (
    "keypoints", "pose_keypoints_2d", "pose_keypoints", "keypoints_2d", "poseLandmarks", "pose_landmarks", "landmarks",
    "landmark", "joints", "kpts", "kps", "points",
)  # fmt: skip
LANDMARKS = ("poseLandmarks", "pose_landmarks", "landmarks", "landmark")  # empty: nobody is there
SCORES = ("keypoint_scores", "keypoints_scores", "keypoint_score", "kp_scores", "keypoints_conf", "scores")
PEOPLE = (
    *KEYPOINTS, "people", "instances", "instance_info", "predictions", "annotations", "detections", "persons", "poses",
    "bodies", "frames", "results", "data", "person", "pose", "body",
)  # fmt: skip
FRAME = (
    "frame_id", "frame_index", "frame_idx", "frame_number", "frame_num", "frameNumber", "frameIndex", "frame",
    "image_id", "image_name", "img_name", "imgname", "image", "file_name", "filename", "image_path", "img_path", "path",
    "timestamp_ms", "timestamp_us", "timestamp", "time",
)  # fmt: skip
VIDEO = ("video_id", "vid_id", "video_name", "video", "camera_id", "camera", "cam_id", "cam", "view")
TRACK = ("track_id", "trackId", "tracking_id", "idx", "person_id", "personId", "instance_id", "track", "tid")
SCORE = ("score", "bbox_score", "confidence", "conf", "person_score")
POINT_SCORE = ("visibility", "score", "confidence", "conf", "visible", "v", "likelihood", "presence")
RATE = ("fps", "frame_rate", "frameRate", "framerate", "video_fps")
FEWEST_POINTS = 5  # a person has


def walk(raw: RawClip, node: Any, place: Place, where: str = "") -> None:
    """Add everybody below a node. place: what is known of where they are; where: the same for messages."""
    if node in ([], {}, None):
        if place.frame is not None:
            raw.frames.append(place)
    elif is_person(node):
        _add_person(raw, node, _placed(raw, node, place), where)
    elif isinstance(node, dict):
        _walk_object(raw, node, place, where)
    elif isinstance(node, list):
        _walk_list(raw, node, place, where)
    else:
        raw.skip("entries that are no people", f"{where or 'the file'}: {type(node).__name__}")


def _walk_object(raw: RawClip, node: dict[str, Any], place: Place, where: str) -> None:
    note_facts(raw, node)
    place = _placed(raw, node, place)
    if place.frame is not None:
        raw.frames.append(place)
    if inside := [key for key in PEOPLE if key in node]:
        for key in inside[:1]:
            walk(raw, node[key], place, where)
    elif node and all(re.search(r"\d", key) for key in node):
        _walk_keys(raw, node, place, where)
    elif node:
        listed = ", ".join(list(node)[:4])
        raw.skip("entries without keypoints that are known here", f"{where or 'the file'}: {{{listed}}}")


def _walk_keys(raw: RawClip, node: dict[str, Any], place: Place, where: str) -> None:
    """The keys of an object are frames or, inside a frame, people; of two such levels the longer one is the frames."""
    below = [child for child in node.values() if isinstance(child, dict) and not is_person(child)]
    keys = {key for child in below for key in child if re.search(r"\d", key)}
    nested = bool(below) and all(_has_keys(child) for child in below)
    by_person = place.frame is None and nested and len(keys) > len(node)
    if by_person:
        raw.notes.append(
            f"{raw.path}: an object of {len(node)} keys holds {len(keys)} others: read as people of frames."
        )
    elif place.frame is None and nested and len(keys) == len(node) > 1:
        raise PoseFKError(
            f"{raw.path} has {len(node)} keys with {len(keys)} in each, so that nothing tells frames from people: save "
            "a list of frames."
        )
    for key, child in node.items():
        if by_person or place.frame is not None:
            walk(raw, child, replace(place, track=key), ", ".join(filter(None, [where, f"person {key}"])))
        else:
            walk(raw, child, replace(place, frame=key), f"frame {key}")


def _has_keys(node: dict[str, Any]) -> bool:
    """Whether an object's keys are numbers or names with numbers, and not those of what is known."""
    return bool(node) and not any(key in PEOPLE for key in node) and all(re.search(r"\d", key) for key in node)


def _walk_list(raw: RawClip, node: list[Any], place: Place, where: str) -> None:
    """People of a frame, people of all frames, or frames."""
    if place.frame is not None:
        raw.frames.append(place)
    stated = any(isinstance(child, dict) and _first(child, FRAME) is not None for child in node)
    alone = any(is_person(child) and isinstance(child, dict) and not {*LANDMARKS} & child.keys() for child in node)
    for number, child in enumerate(with_bar(node, "Reading", "entries")):
        of_file = place.frame if isinstance(place.frame, str) else ""
        called = ", ".join(filter(None, [where or of_file, f"entry {number}"]))
        if place.frame is None and stated and not (isinstance(child, dict) and _first(child, FRAME) is not None):
            if child:
                raw.skip("entries without the frame that others have", called)
        elif place.frame is not None or stated:
            walk(raw, child, place, called)
        else:
            walk(raw, child, replace(place, frame=0 if alone else number), called)


def is_person(node: Any) -> bool:
    """Whether a node is one person: an object with a person's keypoints, or these alone."""
    if isinstance(node, dict):
        return any(
            is_points(node[key]) or (node[key] == [] and key not in LANDMARKS) for key in KEYPOINTS if key in node
        )
    return is_points(node)


def find_people(node: Any, most: int = 5) -> Iterator[Any]:
    """Some of the people below a node, to tell formats by; of long lists the beginning is looked at."""
    if is_person(node):
        yield node
    elif isinstance(node, dict | list):
        children = list(node.values()) if isinstance(node, dict) else node
        for child in children[:most]:
            yield from find_people(child, most)


def is_points(value: Any) -> bool:
    """Whether a value is one person's keypoints, in one of the forms of points_table."""
    if isinstance(value, dict):
        columns = isinstance(value.get("x"), list) and isinstance(value.get("y"), list)
        return columns or (len(value) >= FEWEST_POINTS and all(_is_point(point) for point in value.values()))
    if not isinstance(value, list) or len(value) < FEWEST_POINTS:
        return False
    if all(item is None or isinstance(item, int | float | str) for item in value):
        return len(value) >= 2 * FEWEST_POINTS
    return all(item is None or _is_point(item) for item in value)


def _is_point(value: Any) -> bool:
    if isinstance(value, dict):
        return "x" in value and "y" in value
    return isinstance(value, list) and 2 <= len(value) <= 4 and not any(isinstance(item, list | dict) for item in value)


def points_table(
    value: Any, where: str, scores: Any, known: Mapping[int, str], depth: bool = False
) -> tuple[np.ndarray, Any]:
    """(K, 2 or 3) numbers of one person, and the joints' names where they are said.

    Forms: x y score x y score ...; rows of 2 to 4 numbers; objects with x and y; x, y and scores in lists of their own;
    any of the last two by the joint's name. known: numbers of keypoints, which tell pairs from threes; depth: whether
    the third number of a row is z.
    """
    names = None
    if isinstance(value, dict) and isinstance(value.get("x"), list):
        scores = next((value[key] for key in POINT_SCORE if isinstance(value.get(key), list)), scores)
        value = list(zip(value["x"], value["y"], strict=False))
    elif isinstance(value, dict):
        names, value = tuple(map(str, value)), list(value.values())
    first = next((point for point in value if point is not None), None)
    if any(isinstance(point, dict) for point in value):
        said = [point.get("name", point.get("label")) if isinstance(point, dict) else None for point in value]
        if all(isinstance(name, str) for name in said):
            names = tuple(said)
        value = [_row(point) if isinstance(point, dict) else point for point in value]
    if not any(isinstance(point, list | tuple) for point in value):
        return _flat(value, where, scores, known), names
    width = max(len(point) for point in value if point is not None)
    if depth and width == 3 and isinstance(first, list):
        value, width = [point and point[:2] for point in value], 2
    rows = [[*point, *[None] * (width - len(point))] if point is not None else [None] * width for point in value]
    return number_table(rows, where, scores), names


def _row(point: dict[str, Any]) -> list[Any]:
    score = next((point[key] for key in POINT_SCORE if key in point), None)
    return [point.get("x"), point.get("y"), *([] if score is None else [score])]


def _flat(value: list[Any], where: str, scores: Any, known: Mapping[int, str]) -> np.ndarray:
    """x y score ... or, where the number of keypoints tells, x y ... as a table."""
    numbers = number_array(value, where).ravel()
    threes = len(numbers) % 3 == 0
    pairs = len(numbers) % 2 == 0 and (len(numbers) // 2 in known and not (threes and len(numbers) // 3 in known))
    if isinstance(scores, list) and len(scores) in (len(numbers) / 2, len(numbers) / 3):
        pairs = 2 * len(scores) == len(numbers)
    if not len(numbers) or not (threes or pairs):
        raise PoseFKError(f"{where} has {len(numbers)} numbers, expected three for each keypoint: x, y and score.")
    return number_table(numbers.reshape(-1, 2 if pairs else 3), where, scores)


def _add_person(raw: RawClip, node: Any, place: Place, where: str) -> None:
    about = node if isinstance(node, dict) else {}
    points = next((about[key] for key in KEYPOINTS if key in about and is_points(about[key])), node)
    raw.frames.append(replace(place, track=None))
    if points is about or all(point is None for point in points):
        raw.skip("people without body keypoints", where)
        return
    scores = next((about[key] for key in SCORES if isinstance(about.get(key), list)), None)
    try:
        table, names = points_table(points, f"{raw.path}, {where}", scores, raw.layouts, raw.depth)
    except PoseFKError as error:
        raw.skip("people whose keypoints cannot be read", str(error).rstrip("."))
        return
    raw.add(place, table, f"{raw.path}, {where}", names, _first(about, SCORE), _box(about))


def _placed(raw: RawClip, node: Any, place: Place) -> Place:
    """The place with what a node says of it itself."""
    if not isinstance(node, dict):
        return place
    frame = _first(node, FRAME)
    video = _first(node, VIDEO)
    track = next((node[key] for key in TRACK if key in node), None)
    while isinstance(track, list):  # as some tools wrap it
        track = track[0] if track else None
    if not isinstance(track, str) and not (isinstance(track, int | float) and track >= 0):  # OpenPose: -1
        track = None
    return Place(
        place.video if video is None else str(video), place.frame if frame is None else frame,
        place.track if track is None else track,
    )  # fmt: skip


def _first(node: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    """The first of a node's values that is a number or a name; some tools wrap one in a list."""
    for key in keys:
        value = node.get(key)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if (label := label_or_none(value)) is not None:
            return label
    return None


def _box(about: dict[str, Any]) -> list[Any] | None:
    """x1 y1 x2 y2 of a box: x y width height in one list (COCO, AlphaPose), corners in two (MMPose) or named."""
    box = about.get("bbox", about.get("box"))
    if isinstance(box, dict):
        return [box.get(key) for key in ("x1", "y1", "x2", "y2")]
    if isinstance(box, list) and len(box) == 1:
        return box[0]
    if isinstance(box, list) and len(box) == 4 and all(map(is_number, box)):
        return [box[0], box[1], box[0] + box[2], box[1] + box[3]]
    return None


def note_facts(raw: RawClip, node: Mapping[str, Any]) -> None:
    """Note the rate and the image's size that an object states, itself or in what it says of the video."""
    inside = [node[key] for key in ("info", "video_info", "meta_info", "metadata", "video", "meta") if key in node]
    for about in [node, *(child for child in inside if isinstance(child, dict))]:
        rate = next((about[key] for key in RATE if is_number(about.get(key))), None)
        raw.fps = float(rate) if rate is not None else raw.fps
        raw.add_size(about.get("width", about.get("image_width")), about.get("height", about.get("image_height")))
        for key in ("image_size", "resolution", "img_size"):
            if isinstance(size := about.get(key), list) and len(size) == 2:
                raw.add_size(*size)
        if isinstance(shape := about.get("orig_shape"), list) and len(shape) >= 2:
            raw.add_size(shape[1], shape[0])
