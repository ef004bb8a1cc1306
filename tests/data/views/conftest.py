"""A person who walks about among synchronised cameras."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from data.takes import Take, View, view_from_world
from kinematics.camera import Camera, look_at
from kinematics.skeleton import Skeleton

STANDING = {
    "Hip": (0, 0, 0.95), "RHip": (0.13, 0, 0.95), "RKnee": (0.13, 0, 0.5), "RAnkle": (0.13, 0, 0.08),
    "LHip": (-0.13, 0, 0.95), "LKnee": (-0.13, 0, 0.5), "LAnkle": (-0.13, 0, 0.08), "Spine": (0, 0, 1.2),
    "Thorax": (0, 0, 1.45), "NeckNose": (0, 0.05, 1.55), "Head": (0, 0, 1.7), "LShoulder": (-0.18, 0, 1.42),
    "LElbow": (-0.2, 0, 1.12), "LWrist": (-0.2, 0.1, 0.9), "RShoulder": (0.18, 0, 1.42), "RElbow": (0.2, 0, 1.12),
    "RWrist": (0.2, 0.1, 0.9),
}  # fmt: skip


@pytest.fixture
def walk() -> Callable[..., np.ndarray]:
    """(frames, layout) -> (F, J, 3) metres, world: somebody who walks in a circle, 25 frames a second, limbs swinging.

    Joints that Human3.6M's 17 lack lie about the hip.
    """

    def make(frames: int, layout: str = "h36m_17") -> np.ndarray:
        joints, clock = Skeleton(layout).joints, np.arange(frames) / 25
        body = np.array([STANDING.get(name, (0.01 * i, 0.2, 0.9)) for i, name in enumerate(joints)])
        steps = np.repeat(body[None], frames, axis=0)
        for joint, name in enumerate(joints):
            side = 1 if name[0] == "R" else -1
            swing = {"Ankle": 0.25, "Knee": 0.15, "Wrist": -0.25, "Elbow": -0.12}.get(name[1:], 0.0)
            steps[:, joint, 1] += side * swing * np.sin(2 * np.pi * clock)
        turned = Rotation.from_euler("z", 0.9 * clock[:, None]).as_matrix()
        return steps @ turned.swapaxes(1, 2) + turned[:, None, :, 0]

    return make


@pytest.fixture
def rig() -> Callable[[int], list[Camera]]:
    """Number -> cameras (float64) around the origin, 4.5 m away, chest height and below."""

    def make(count: int) -> list[Camera]:
        angles = 2 * torch.pi * torch.arange(count, dtype=torch.float64) / count + 0.3
        heights = 1.0 + 0.6 * torch.cos(3 * angles)
        position = torch.stack([4.5 * angles.cos(), 4.5 * angles.sin(), heights], dim=-1)
        target = torch.tensor([0.1, -0.1, 1.0], dtype=torch.float64).expand_as(position)
        intrinsics = torch.tensor([1.46, 1.47, 0.001, 0.03, 0, 0, 0, 0, 0], dtype=torch.float64).expand(count, 9)
        whole = Camera(look_at(position, target), position, intrinsics, torch.ones(count, dtype=torch.float64))
        return [whole[i] for i in range(count)]

    return make


@pytest.fixture
def watched(walk: Callable[..., np.ndarray], rig: Callable[[int], list[Camera]]) -> Callable[..., Take]:
    """(views, frames) -> a take of the walk, cameras named a, b, c ..."""

    def make(views: int = 4, frames: int = 60) -> Take:
        seen: list[View] = [
            view_from_world(walk(frames), camera, chr(ord("a") + i)) for i, camera in enumerate(rig(views))
        ]
        return Take("S1", "Walk", tuple(seen), 25.0, np.ones(frames, dtype=bool))

    return make
