"""MPI-INF-3DHP's prepared training file <-> takes of eight synchronised views.

The npz holds plain arrays: camera_names (V,), joint_names (17,), sequences (S,), and of every sequence "S1/Seq1/...":
joints_3d (V, F, 17, 3) metres, each camera's frame; joints_2d (V, F, 17, 2) screen; orientation_wxyz (V, 4),
translation (V, 3) metres, intrinsics (V, 9), aspect (V,), as kinematics.Camera has them, world z up.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from data.h36m_names import choose
from data.mpi_inf_3dhp import check_metres
from data.mpi_inf_3dhp_train import LAYOUT, training_take
from data.readers import load_npz_restricted
from data.takes import DataSettings, Take, View
from kinematics.camera import Camera
from kinematics.skeleton import Skeleton

TRAIN_FILE = "data_3dhp_train.npz"
HOW_TO_MAKE = "Make it with: python prepare_data_3dhp.py --train FOLDER"
_CAMERA = {"orientation_wxyz": 4, "translation": 3, "intrinsics": 9}


def load_train_takes(settings: DataSettings) -> list[Take]:
    """One take per sequence, eight views each, of `settings.num_joints` joints in Human3.6M's order.

    settings.subjects_train chooses subjects (empty: all in the file), settings.downsample thins.
    """
    path = Path(settings.data_root) / TRAIN_FILE
    content = load_npz_restricted(path, HOW_TO_MAKE)
    missing = [key for key in ("sequences", "camera_names") if key not in content]
    if missing:
        raise ValueError(f"{path} has no {' and '.join(missing)}. {HOW_TO_MAKE}")
    layout = Skeleton.from_num_joints(settings.num_joints).name
    sequences = [str(name) for name in content["sequences"]]
    choose(f"{path}: subject", settings.subjects_train, sorted({name.split()[0] for name in sequences}))
    wanted = [name for name in sequences if not settings.subjects_train or name.split()[0] in settings.subjects_train]
    return [training_take(name, _views(path, content, name, layout)).thinned(settings.downsample) for name in wanted]


def arrays(takes: list[Take]) -> dict[str, np.ndarray]:
    """What data_3dhp_train.npz holds."""
    content = {
        "camera_names": np.array([view.camera_name for view in takes[0].views]),
        "joint_names": np.array(Skeleton(LAYOUT).joints),
        "sequences": np.array([take.group["sequence"] for take in takes]),
    }
    for take in takes:
        prefix = take.group["sequence"].replace(" ", "/")
        cameras = Camera.stack([view.camera for view in take.views if view.camera is not None])
        members = {name: values.numpy() for name, values in vars(cameras).items()}
        for name in ("joints_3d", "joints_2d"):
            members[name] = np.stack([getattr(view, name) for view in take.views])
        content |= {f"{prefix}/{name}": values for name, values in members.items()}
    return content


def _views(path: Path, content: dict[str, Any], sequence: str, layout: str) -> tuple[View, ...]:
    names = [str(name) for name in content["camera_names"]]
    prefix, joints = sequence.replace(" ", "/"), Skeleton(LAYOUT).num_joints
    frames = np.shape(content.get(f"{prefix}/joints_3d", np.zeros((0, 0))))[1]
    shapes = {key: (len(names), size) for key, size in _CAMERA.items()} | {"aspect": (len(names),)}
    shapes |= {f"joints_{size}d": (len(names), frames, joints, size) for size in (3, 2)}
    members = {key: np.asarray(content.get(f"{prefix}/{key}", np.zeros(0))) for key in shapes}
    for key, shape in shapes.items():
        if members[key].shape != shape or not frames or not np.isfinite(members[key]).all():
            raise ValueError(
                f"{path} has '{prefix}/{key}' of shape {members[key].shape}, expected {shape} without NaN. "
                f"{HOW_TO_MAKE}"
            )
    check_metres(members["joints_3d"][0], (1, 2), f"{path}: {sequence}")
    cameras = Camera(*(torch.from_numpy(members[key]).float() for key in (*_CAMERA, "aspect")))
    poses, screen = (
        Skeleton(LAYOUT).convert(members[key], layout).astype(np.float32) for key in ("joints_3d", "joints_2d")
    )
    return tuple(View(name, cameras[i], poses[i], screen[i]) for i, name in enumerate(names))
