"""Make the example files in this folder: a person of CMU-X walks past a camera, as a detector sees them.

    python -m examples.make

Two seconds at 30 frames a second, 1280 x 720 pixels: COCO's 17 keypoints with the errors of DetectorNoise.default, in
the form that each tool writes. The person is one of CMU-X's test people, whom no lifter that ships has seen.
"""

import csv
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from augment.detector_noise.model import DetectorNoise
from data import DataSettings, load_test_set
from kinematics.camera import Camera, look_at, screen_to_pixels
from kinematics.head import from_body
from kinematics.skeleton import Skeleton

FOLDER = Path(__file__).parent
SEQUENCE, FIRST, SIZE, FPS, FRAMES = "16_32", 20, (1280, 720), 30, 60
COCO = Skeleton("coco_17")
# The joint of COCO's that stands in where a tool has more keypoints.
STAND_INS = {"Inner": "Eye", "Outer": "Eye", "Mouth": "Nose", "Pinky": "Wrist", "Index": "Wrist", "Thumb": "Wrist",
             "Heel": "Ankle", "Toe": "Ankle"}  # fmt: skip
Points = Float[np.ndarray, "frames joints 3"]  # x, y in pixels, score


@functools.cache
def walk() -> Float[Tensor, "frames joints 3"]:
    """Return a walk of a test person, world, metres, 16 joints, at FPS."""
    recordings = load_test_set("cmux2_a", DataSettings(), 1)
    recording = next(
        r for r in recordings if r.group.get("sequence") == SEQUENCE and len(r) > FIRST + FRAMES * r.fps / FPS
    )
    view = recording.views[0]
    assert view.camera is not None
    body = Camera.stack([view.camera]).camera_to_world(torch.from_numpy(view.joints_3d).float()[None])[0]
    times = FIRST + torch.arange(FRAMES) * recording.fps / FPS
    before = times.long()
    return torch.lerp(body[before], body[(before + 1).clamp_max(len(body) - 1)], (times - before)[:, None, None])


def seen(body: Float[Tensor, "frames joints 3"], noise: bool = True) -> Points:
    """Project the walk to a camera at its side, with a detector's errors."""
    middle = body[:, 0].mean(dim=0)
    along = body[-1, 0, :2] - body[0, 0, :2]
    side = torch.stack([along[1], -along[0]]) / along.norm()
    position = torch.cat([middle[:2] + 3.6 * side + 0.6 * along / along.norm(), torch.tensor([1.5])])
    aspect = SIZE[1] / SIZE[0]
    intrinsics = torch.tensor([[1.4, 1.4, *[0.0] * 7]])
    camera = Camera(look_at(position, middle)[None], position[None], intrinsics, torch.tensor([aspect]))
    screen = camera.project(from_body(camera.world_to_camera(body[None]), COCO))
    score = torch.ones(screen.shape[:-1])
    if noise:
        screen, score = DetectorNoise.default(COCO.name, FPS).apply(screen, torch.Generator().manual_seed(0))
    return _rounded(torch.cat([screen_to_pixels(screen, *SIZE), score[..., None]], dim=-1)[0].numpy())


def in_layout(points: Points, layout: str) -> Points:
    """Arrange keypoints in another tool's order; what COCO does not have is where its nearest joint is."""
    return _rounded(np.stack([_point(points, name) for name in Skeleton(layout).joints], axis=1))


def _rounded(points: Points) -> Points:
    """A tenth of a pixel, a hundredth of a score."""
    points = points.astype(np.float64)
    return np.concatenate([points[..., :2].round(1), points[..., 2:].round(2)], axis=-1)


def _point(points: Points, name: str) -> np.ndarray:
    if name == "Thorax":  # OpenPose's neck
        return (_point(points, "LShoulder") + _point(points, "RShoulder")) / 2
    nearest = name if name in COCO.joints else next(
        joint for part, joint in STAND_INS.items() if part in name
    )  # fmt: skip
    nearest = nearest if nearest in COCO.joints else name[0] + nearest
    return points[:, COCO.joints.index(nearest)]


def coco_annotations(points: Points) -> dict[str, Any]:
    """COCO's annotation file: size and names of the keypoints are in it."""
    width, height = SIZE
    images = [dict(id=i, file_name=f"walk_{i:06d}.jpg", width=width, height=height) for i in range(len(points))]
    people = [
        dict(id=i, image_id=i, category_id=1, num_keypoints=17, bbox=_box(frame),
             keypoints=[v for x, y, score in frame.tolist() for v in ((x, y, 2) if score > 0.1 else (0, 0, 0))])
        for i, frame in enumerate(points)
    ]  # fmt: skip
    category = dict(id=1, name="person", keypoints=list(_COCO_NAMES), skeleton=[])
    return dict(images=images, annotations=people, categories=[category])


_COCO_NAMES = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip


def coco_results(points: Points) -> list[dict[str, Any]]:
    return [
        dict(image_id=i, category_id=1, keypoints=frame.flatten().tolist(), score=_score(frame))
        for i, frame in enumerate(points)
    ]


def mmpose(points: Points) -> dict[str, Any]:
    """The inferencer's predictions of a video (--pred-out-dir)."""
    frames = [
        dict(frame_id=i, instances=[dict(keypoints=frame[:, :2].tolist(), keypoint_scores=frame[:, 2].tolist(),
                                         bbox=[_corners(frame)], bbox_score=_score(frame))])
        for i, frame in enumerate(points)
    ]  # fmt: skip
    return dict(meta_info=dict(dataset_name="coco", num_keypoints=17), instance_info=frames)


def alphapose(points: Points) -> list[dict[str, Any]]:
    return [
        dict(image_id=f"{i}.jpg", category_id=1, keypoints=frame.flatten().tolist(), score=_score(frame),
             box=_box(frame), idx=[1])
        for i, frame in enumerate(points)
    ]  # fmt: skip


def ultralytics(points: Points) -> list[list[dict[str, Any]]]:
    """`[json.loads(result.to_json()) for result in results]`."""
    corners = [dict(zip(("x1", "y1", "x2", "y2"), _corners(frame), strict=True)) for frame in points]
    return [
        [dict(name="person", **{"class": 0}, confidence=_score(frame), box=box, track_id=1,
              keypoints=dict(x=frame[:, 0].tolist(), y=frame[:, 1].tolist(), visible=frame[:, 2].tolist()))]
        for frame, box in zip(points, corners, strict=True)
    ]  # fmt: skip


def mediapipe(points: Points) -> dict[str, Any]:
    """Landmarks as fractions of the image; its size and the rate beside them."""
    landmarks = in_layout(points, "mediapipe_33") / np.array([*SIZE, 1.0])
    frames = [
        [dict(x=x, y=y, z=0.0, visibility=score) for x, y, score in frame.round(4).tolist()] for frame in landmarks
    ]
    return dict(width=SIZE[0], height=SIZE[1], fps=FPS, frames=frames)


def write_openpose(points: Points, folder: Path) -> None:
    """OpenPose's --write_json with its COCO model (18 keypoints), one file a frame: the first half second."""
    folder.mkdir(exist_ok=True)
    for i, frame in enumerate(in_layout(points[: FPS // 2], "openpose_18")):
        content = dict(version=1.3, people=[dict(person_id=[-1], pose_keypoints_2d=frame.flatten().tolist())])
        (folder / f"walk_{i:012d}_keypoints.json").write_text(json.dumps(content) + "\n")


def write_table(points: Points, path: Path) -> None:
    """A row a frame, columns named for joint and axis, and the time in seconds."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["time", *(f"{name}_{axis}" for name in _COCO_NAMES for axis in ("x", "y", "score"))])
        table.writerows([round(i / FPS, 4), *frame.flatten().tolist()] for i, frame in enumerate(points))


def _score(frame: np.ndarray) -> float:
    return round(float(frame[:, 2].mean()), 3)


def _corners(frame: np.ndarray) -> list[float]:
    return [*frame[:, :2].min(axis=0).tolist(), *frame[:, :2].max(axis=0).tolist()]


def _box(frame: np.ndarray) -> list[float]:
    left, top, right, bottom = _corners(frame)
    return [left, top, round(right - left, 2), round(bottom - top, 2)]


JSON_FILES = {
    "walk": coco_annotations, "walk_coco_results": coco_results, "walk_mmpose": mmpose, "walk_alphapose": alphapose,
    "walk_ultralytics": ultralytics, "walk_mediapipe": mediapipe,
}  # fmt: skip


def main() -> None:
    points = seen(walk())
    for name, form in JSON_FILES.items():
        (FOLDER / f"{name}.json").write_text(json.dumps(form(points), separators=(",", ":")) + "\n")
    write_openpose(points, FOLDER / "walk_openpose")
    write_table(points, FOLDER / "walk.csv")


if __name__ == "__main__":
    main()
