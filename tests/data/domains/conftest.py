"""The files of HumanEva, 3DPW and AIST++ in miniature, as their descriptions have them, of somebody who walks about."""

import io
import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from data.domains.humaneva import CAMERA_NAMES, camera_at
from data.domains.three_dpw import FROM_SMPL
from kinematics.camera import screen_to_pixels
from kinematics.skeleton import Skeleton
from tests.data.walking import walk_in_a_circle

STANDING = {
    "Hip": (0, 0, 0.95), "RHip": (0.13, 0, 0.95), "RKnee": (0.13, 0.02, 0.5), "RAnkle": (0.13, 0, 0.08),
    "LHip": (-0.13, 0, 0.95), "LKnee": (-0.13, 0.02, 0.5), "LAnkle": (-0.13, 0, 0.08), "Spine": (0, 0, 1.2),
    "Thorax": (0, 0, 1.45), "Head": (0, 0, 1.7), "LShoulder": (-0.18, 0, 1.42), "LElbow": (-0.2, 0, 1.12),
    "LWrist": (-0.2, 0.1, 0.9), "RShoulder": (0.18, 0, 1.42), "RElbow": (0.2, 0, 1.12), "RWrist": (0.2, 0.1, 0.9),
    "Nose": (0, 0.12, 1.62), "LEye": (-0.03, 0.08, 1.66), "REye": (0.03, 0.08, 1.66), "LEar": (-0.07, 0, 1.64),
    "REar": (0.07, 0, 1.64),
}  # fmt: skip


@pytest.fixture
def walk() -> Callable[..., np.ndarray]:
    """(frames, layout or joint names, frames a second) -> (F, J, 3) metres, z up: a walk in a circle, arms swinging."""

    def make(frames: int, layout: str | list[str], fps: float = 60) -> np.ndarray:
        joints = Skeleton(layout).joints if isinstance(layout, str) else layout
        body = np.array([STANDING.get(name, (0.02, 0.05, 1.0)) for name in joints])
        return walk_in_a_circle(body, joints, fps, frames)

    return make


@pytest.fixture
def write_humaneva(walk: Callable[..., np.ndarray]) -> Callable[..., dict[str, np.ndarray]]:
    """(folder, frames) -> the 3D chunks that were written with their projections and a detector's COCO keypoints."""

    def write(folder: Path, frames: int = 24) -> dict[str, np.ndarray]:
        chunks = {
            f"{part}/{person} {action} chunk{number}": walk(frames, "humaneva_15") * (1 + 0.02 * number) + [shift, 0, 0]
            for number, part in enumerate(("Train", "Validate"))
            for shift, person in enumerate(("S1", "S2"))
            for action in ("Walking 1", "Box 1")
        }
        draw = np.random.default_rng(0)
        world, pixels, coco = ({name: {} for name in sorted({c.split()[0] for c in chunks})} for _ in range(3))
        for chunk, joints in chunks.items():
            subject, _, name = chunk.partition(" ")
            world[subject][name] = joints.astype(np.float32)
            faces = walk(frames, "coco_17") * (1 + 0.02 * ("Val" in chunk)) + [int(subject[-1]) - 1, 0, 0]
            pixels[subject][name] = [humaneva_pixels(joints, subject[-2:], i) for i in range(len(CAMERA_NAMES))]
            seen = np.stack([humaneva_pixels(faces, subject[-2:], i) for i in range(len(CAMERA_NAMES))])
            coco[subject][name] = list(seen + draw.normal(0, 1, seen.shape).astype(np.float32))
        folder.mkdir(exist_ok=True)
        np.savez(folder / "data_3d_humaneva15.npz", positions_3d=np.array(world, dtype=object))
        for keypoints, content in (("gt", pixels), ("detectron_pt_coco", coco)):
            np.savez(folder / f"data_2d_humaneva15_{keypoints}.npz", positions_2d=np.array(content, dtype=object))
        return chunks

    return write


LENS = [2.39, 2.39, -0.06, -0.03, -0.289, 0.106, 0, 0.0011, -0.0014]


def humaneva_pixels(joints_world: np.ndarray, person: str, number: int) -> np.ndarray:
    camera = camera_at(person, number)
    camera.intrinsics[:] = torch.tensor(LENS)
    seen = camera.project(camera.world_to_camera(torch.from_numpy(joints_world)))
    return screen_to_pixels(seen, 640, 480).float().numpy()


class Python2Pickler(pickle._Pickler):
    """Writes what Python 2's NumPy wrote: bytes and words as its one kind of string, modules by their old names."""

    dispatch: ClassVar[dict[Any, Any]] = dict(pickle._Pickler.dispatch)
    write: Callable[[bytes], object]
    memoize: Callable[[object], None]

    def save_string(self, value: str | bytes) -> None:
        raw = value if isinstance(value, bytes) else value.encode("latin1")
        self.write((b"U" + bytes([len(raw)]) if len(raw) < 256 else b"T" + struct.pack("<i", len(raw))) + raw)
        self.memoize(value)

    dispatch[bytes] = dispatch[str] = save_string


def python_2_pickle(content: object) -> bytes:
    file = io.BytesIO()
    Python2Pickler(file, 2).dump(content)
    return file.getvalue().replace(b"cnumpy._core.", b"cnumpy.core.")


@pytest.fixture
def write_3dpw(walk: Callable[..., np.ndarray]) -> Callable[..., dict]:
    """(path, frames) -> a sequence of two people before a phone that moves, the second one there for 20 frames only."""

    def write(path: Path, frames: int = 40, **changes: object) -> dict:
        names = [""] * 24
        for name, joint in FROM_SMPL.items():
            names[joint] = name
        people = [walk(frames, names, 30) + [shift, 0, 0] for shift in (0.0, 1.0)]
        clock = np.linspace(0, 1, frames)
        turned = Rotation.from_euler("yx", np.stack([0.2 * clock, 0.05 + 0.1 * clock], axis=1)).as_matrix()
        poses = np.repeat(np.eye(4)[None], frames, axis=0)
        poses[:, :3, :3] = turned @ np.array([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]])  # the file's world has y up
        poses[:, :3, 3] = [0, 1.2, 6]
        matrix = np.array([[1961.0, 0, 540], [0, 1969, 960], [0, 0, 1]])
        y_up = [joints @ np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]) for joints in people]
        seen = [np.einsum("fab,fjb->fja", poses[:, :3, :3], joints) + poses[:, None, :3, 3] for joints in y_up]
        pixels = [joints @ matrix.T / joints[..., 2:] for joints in seen]
        order = [FROM_SMPL.get(name, 15) for name in Skeleton("openpose_18").joints]
        keypoints = [np.concatenate([p[:, order, :2], np.full((frames, 18, 1), 0.8)], axis=2) for p in pixels]
        keypoints[1][20:] = 0
        content = {
            "sequence": path.stem, "jointPositions": [joints.reshape(frames, 72) for joints in y_up],
            "cam_poses": poses, "cam_intrinsics": matrix, "campose_valid": [np.ones(frames, dtype=np.uint8)] * 2,
            "poses2d": [k.swapaxes(1, 2) for k in keypoints], "genders": ["m", "f"], "betas": [np.zeros(10)] * 2,
            "img_frame_ids": np.arange(frames), "texture_maps": [],
        }  # fmt: skip
        content |= changes
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(python_2_pickle(content))
        return content | {"camera_frame": seen, "pixels": pixels}

    return write


SEQUENCES = {
    "gBR_sBM_cAll_d04_mBR0_ch03": "train",
    "gPO_sFM_cAll_d01_mPO1_ch02": "val",
    "gHO_sBM_cAll_d03_mHO5_ch01": "test",
}
AIST_SIZE, SETTING = (1920, 1080), "setting1"


def aist_cameras(count: int = 3) -> list[dict]:
    """Around the dancer, 5 m away, y of the file's world up, centimetres."""
    cameras = []
    for number in range(count):
        about = Rotation.from_euler("yx", [2 * np.pi * number / count + 0.3, np.pi])  # y down, looking inwards
        cameras.append({
            "name": f"c{number + 1:02}", "size": list(AIST_SIZE), "rotation": about.inv().as_rotvec().tolist(),
            "matrix": [[1600.0 + number, 0, 960], [0, 1601, 540], [0, 0, 1]], "translation": [0.0, 110.0, 500.0],
            "distortions": [-0.02, 0.001, 0.002, -0.001, 0.0],
        })  # fmt: skip
    return cameras


def aist_pixels(camera: dict, centimetres: np.ndarray) -> np.ndarray:
    """Projected by OpenCV's formula, written out."""
    turned = centimetres @ Rotation.from_rotvec(camera["rotation"]).as_matrix().T + camera["translation"]
    x, y = turned[..., 0] / turned[..., 2], turned[..., 1] / turned[..., 2]
    k1, k2, p1, p2, k3 = camera["distortions"]
    r2 = x * x + y * y
    bend = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    u, v = x * bend + 2 * p1 * x * y + p2 * (r2 + 2 * x * x), y * bend + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    matrix = np.array(camera["matrix"])
    return np.stack([u, v], axis=-1) * matrix[[0, 1], [0, 1]] + matrix[:2, 2]


@pytest.fixture
def write_aist(walk: Callable[..., np.ndarray]) -> Callable[..., Path]:
    """(folder, frames, detector) -> the release's folder. detector: (9, F, 17, 2) pixels -> (9, F, 17, 3)."""

    def write(folder: Path, frames: int = 30, detector: Callable[..., np.ndarray] | None = None) -> Path:
        root = folder / "aist_plusplus"
        for name in ("cameras", "keypoints2d", "keypoints3d", "splits"):
            (root / name).mkdir(parents=True, exist_ok=True)
        cameras = aist_cameras()
        (root / "cameras" / f"{SETTING}.json").write_text(json.dumps(cameras))
        (root / "cameras" / "mapping.txt").write_text("".join(f"{name} {SETTING}\n" for name in SEQUENCES))
        (root / "ignore_list.txt").write_text("gBR_failed\n")
        for name, split in SEQUENCES.items():
            (root / "splits" / f"pose_{split}.txt").write_text(f"{name}\ngBR_failed")
            y_up = 100 * walk(frames, "coco_17") @ np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
            pixels = np.stack([aist_pixels(camera, y_up) for camera in cameras])
            scored = np.concatenate([pixels, np.full((*pixels.shape[:-1], 1), 0.9)], axis=-1)
            seen = (detector(pixels) if detector else scored).astype(np.float32)
            content_3d = {"keypoints3d": y_up, "keypoints3d_optim": y_up}
            content_2d = {"keypoints2d": seen, "det_scores": seen[:, :, 0, 2], "timestamps": np.arange(frames)}
            for name_of, content in (("keypoints3d", content_3d), ("keypoints2d", content_2d)):
                (root / name_of / f"{name}.pkl").write_bytes(pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL))
        return root

    return write
