"""Poses in npz files: PoseAug's, and VideoPose3D's pair."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augment.export.formats import videopose3d
from data.files.npz import load_npz_restricted
from evaluation.synthetic_quality.pose_sets.arrays import CAMERA, Arrays, camera_of, numbers, single, some, to_body
from kinematics import Camera, PoseFKError, Skeleton

_LAYOUTS = ("h36m_16", "h36m_17", "mpi_inf_3dhp_17", "lsp_14", "coco_17")


def read_poseaug(path: Path, frames: int, clips: int, generator: torch.Generator) -> Arrays:
    """Joints about the hip in camera axes. With cameras kept, the hip's place is found again from the 2D."""
    held = load_npz_restricted(path)
    joints = numbers(path, "pose3d", held["pose3d"], None, None, 3)
    if len(joints) % frames:
        raise PoseFKError(f"{path} has pose3d of shape {joints.shape}, expected (clips of {frames}, joints, 3).")
    layout = _layout_of(path, held.get("joint_names"), joints.shape[1])
    total = len(joints) // frames
    rows = some(total, clips, generator).numpy()

    def own(name: str, array: np.ndarray, size: int) -> Tensor:
        clip = array.reshape(total, frames, *array.shape[1:])[rows]
        return single(path, name, to_body(path, clip, layout, size).numpy())

    centred = own("pose3d", joints, 3)
    if "pose2d" not in held:
        return Arrays(centred, False, total)
    screen = own("pose2d", numbers(path, "pose2d", held["pose2d"], len(joints), layout.num_joints, 2), 2)
    cameras = {name: held[f"camera_{name}"] for name in CAMERA if f"camera_{name}" in held}
    if not cameras:
        return Arrays(centred, False, total, screen)
    camera = camera_of(path, cameras, total, rows, "camera_")
    seen_whole = centred + hips_from_screen(centred, screen, camera)[:, :, None]
    return Arrays(camera.camera_to_world(seen_whole), True, total, screen, camera)


def hips_from_screen(joints: Tensor, screen: Tensor, camera: Camera) -> Tensor:
    """(N, T, 3) metres: where the origin of joints (N, T, J, 3) lies in front of cameras that see them at `screen`.

    x = f (X + X0) / (Z + Z0) + c is linear in the place sought: least squares, without lens distortion.
    """
    focal, centre = (camera.intrinsics[:, None, None, part].double() for part in (slice(0, 2), slice(2, 4)))
    off = screen.double() - centre  # (N, T, J, 2)
    lines = torch.cat([torch.diag_embed(focal.expand_as(off)), -off[..., None]], dim=-1).flatten(-3, -2)
    values = (off * joints[..., 2:].double() - focal * joints[..., :2].double()).flatten(-2)
    return torch.linalg.lstsq(lines, values[..., None]).solution[..., 0].to(joints.dtype)


def _layout_of(path: Path, names: Any, count: int) -> Skeleton:
    """The layout of an array that may bring its joint names."""
    if names is None:
        return Skeleton.from_num_joints(count)
    joints = tuple(names.tolist()) if isinstance(names, np.ndarray) and names.ndim == 1 else (type(names).__name__,)
    found = next((layout for layout in map(Skeleton, _LAYOUTS) if layout.joints == joints), None)
    if found is None:
        said = ", ".join(str(joint)[:20] for joint in joints[:4])
        raise PoseFKError(f"{path} names its joints {said}, ...: choose a layout of {_LAYOUTS}.")
    return found


def read_videopose3d(path: Path, frames: int, clips: int, generator: torch.Generator) -> Arrays:
    """The view each pose was drawn with, where the 2D file beside it has one; else the world's joints alone.

    A clip has one camera, which tells clips from single poses; `frames` is not asked.
    """
    positions = load_npz_restricted(path)["positions_3d"]
    subjects = [*positions.values()] if isinstance(positions, dict) else []
    if not subjects or not all(isinstance(own, dict) and own for own in subjects):
        raise PoseFKError(f"{path} has no takes inside, expected positions_3d: subject -> take -> (frames, joints, 3).")
    recordings = {
        (subject, recording): numbers(path, f"the take {recording}", joints, None, None, 3)
        for subject, own in positions.items()
        for recording, joints in own.items()
    }
    beside = path.with_name(videopose3d.FILE_2D)
    cameras = load_npz_restricted(beside).get("cameras") if beside.is_file() else None
    if not isinstance(cameras, dict):
        return _without_cameras(path, recordings, clips, generator)
    try:
        own = [dict(cameras[subject][recording]) for subject, recording in recordings]
        whole = {name: np.concatenate([entry[name] for entry in own]) for name in (*CAMERA, "joints_screen")}
        total = len(whole["aspect"])
        rows = some(total, clips, generator).numpy()
        world, screen = (
            array.reshape(total, -1, *array.shape[1:])[rows]
            for array in (np.concatenate(list(recordings.values())), whole["joints_screen"])
        )
        layouts = [Skeleton.from_num_joints(array.shape[2]) for array in (world, screen)]
    except (LookupError, TypeError, ValueError) as error:
        raise PoseFKError(
            f"{beside} does not bring a view for every take of {path.name} ({str(error)[:80]})."
        ) from error
    camera = camera_of(beside, whole, total, rows)
    return Arrays(to_body(path, world, layouts[0]), True, total, to_body(beside, screen, layouts[1], 2), camera)


def _without_cameras(
    path: Path, recordings: dict[tuple[str, str], np.ndarray], clips: int, generator: torch.Generator
) -> Arrays:
    """Every frame a pose of its own; those of a take are neighbours in time."""
    poses = torch.cat([to_body(path, array, Skeleton.from_num_joints(array.shape[1])) for array in recordings.values()])
    recording = torch.repeat_interleave(
        torch.arange(len(recordings)), torch.tensor([len(array) for array in recordings.values()])
    )
    rows = some(len(poses), clips, generator)
    return Arrays(poses[rows, None], True, len(poses), recording=recording[rows])
