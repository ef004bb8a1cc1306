"""VideoPose3D's pair of files, which PoseFormer, SemGCN, PoseAug and a dozen more read as they are (spec 4.1).

Their loaders know four cameras per subject by heart and show every pose to all four, so a pose cannot bring its own.
Here it stands in the middle of its subject's rig, upright as it was, and 2D is what the rig's four cameras see of it,
lenses included: what a stock loader computes from the 3D and what it reads as 2D agree to the pixel's rounding. The
camera that each pose was drawn with, in the world of the 3D file, and its view lie beside it under `cameras`.

Each of the five training subjects has a fifth of the poses. Single poses are the frames of a recording
per chunk; a clip is a recording.
"""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from augment.export.formats.chunk import CAMERA_BYTES, Chunk, Chunks, Shard, flat_frames, frame_bytes, save_dictionary
from augment.export.formats.format import Format, Reader
from augment.export.formats.stored_clips import CAMERA, StoredClips, camera_of, checked_array, draw_indices, to_body
from data.benchmark_cameras import rig_middle
from data.files.npz import load_npz_restricted
from data.files.writing import atomic_write
from data.h36m.cameras import CAMERA_RESOLUTIONS, H36M_CAMERAS
from data.h36m.names import SYNTHETIC, TRAIN_SUBJECTS
from kinematics import Camera, PoseFKError, Skeleton
from kinematics.camera import intrinsics_in_pixels

FILE_3D, FILE_2D = "data_3d_h36m.npz", "data_2d_h36m_gt.npz"
_TAKE_BYTES, _ARRAY_BYTES = 1414, 145  # of pickle around the arrays of a recording, and around one more
PIECE = 2048  # poses seen at a time: what is computed with on the way then stays in the processor's cache


def write(chunks: Chunks, shard: Shard) -> list[str]:
    """Write the shard's two files atomically; return their names. Its poses are in memory until then, 0.9 KB each."""
    rigs = {subject: _Rig.of(subject) for subject in TRAIN_SUBJECTS}
    positions_3d, positions_2d, cameras = ({subject: {} for subject in TRAIN_SUBJECTS} for _ in range(3))
    for subject, name, part in _recordings(chunks, shard):
        rig = rigs[subject]
        joints = _moved(flat_frames(part.joints_world), rig.middle)
        positions_3d[subject][name] = as_h36m_32(joints, shard.layout)
        positions_2d[subject][name] = rig.seen(joints)
        camera = part.camera_arrays()
        moved = {"translation": camera["translation"] + rig.middle, "joints_screen": flat_frames(part.joints_screen)}
        cameras[subject][name] = camera | moved | part.kept
    content_2d = {"positions_2d": positions_2d, "metadata": _metadata(shard.layout), "cameras": cameras}
    for file, content in ((FILE_3D, {"positions_3d": positions_3d}), (FILE_2D, content_2d)):
        with atomic_write(shard.folder / file, synced=False) as path, zipfile.ZipFile(path, "w") as archive:
            for name, value in content.items():
                save_dictionary(archive, name, value)
    return [FILE_3D, FILE_2D]


def size(shard: Shard, kept: Sequence[int]) -> int:
    world, views = 32 * 3, 5 * 2  # numbers of a frame, and of each of its joints
    each = 4 * world * shard.frames + frame_bytes(shard, views) + sum(CAMERA_BYTES) + sum(kept)
    recording = _TAKE_BYTES + _ARRAY_BYTES * len(kept) if shard.frames > 1 else 0  # single poses share theirs
    return shard.poses * (each + recording)


def _recordings(chunks: Chunks, shard: Shard) -> Iterator[tuple[str, str, Chunk]]:
    """(subject, recording, its poses): each subject a fifth of the shard, a recording per chunk; clips one by one."""
    people = len(TRAIN_SUBJECTS)
    ends = [-(-shard.poses * (i + 1) // people) for i in range(people)]
    done = 0  # poses of the chunks before
    for number, chunk in enumerate(chunks):
        first = 0
        while first < len(chunk):
            person = next(i for i, end in enumerate(ends) if done + first < end)
            single = shard.frames == 1
            last = min(ends[person] - done, len(chunk)) if single else first + 1
            name = f"{SYNTHETIC} {number + 1 if single else chunk.first + first}"
            yield TRAIN_SUBJECTS[person], name, _part(chunk, slice(first, last))
            first = last
        done += len(chunk)


def _part(chunk: Chunk, indices: slice) -> Chunk:
    kept = {name: array[indices] for name, array in chunk.kept.items()}
    return Chunk(chunk.joints_world[indices], chunk.joints_screen[indices], chunk.camera[indices], chunk.first, kept)


@dataclass(frozen=True)
class _Rig:
    """Four cameras that project to pixels, and the point of the floor they surround, (3,) metres."""

    cameras: Camera
    middle: np.ndarray

    @classmethod
    def of(cls, subject: str) -> "_Rig":
        middle = np.append(rig_middle(H36M_CAMERAS[subject]), 0.0).astype(np.float32)
        both = zip(H36M_CAMERAS[subject], CAMERA_RESOLUTIONS, strict=True)
        pixels = [replace(camera, intrinsics=intrinsics_in_pixels(camera.intrinsics, *size)) for camera, size in both]
        return cls(Camera.stack(pixels).reshape(-1, 1, 1).to(torch.float32), middle)

    def seen(self, joints: np.ndarray) -> list[np.ndarray]:
        """Project poses (F, J, 3) metres: an array (F, J, 2) pixels of each camera."""
        poses = torch.from_numpy(joints)[None]
        pieces = [self.cameras.project(self.cameras.world_to_camera(piece)) for piece in poses.split(PIECE, dim=1)]
        return list(torch.cat(pieces, dim=1).numpy())


def _moved(joints: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(F, J, 3) + (3,), as vectors of J * 3 numbers: NumPy is slow with dimensions of three."""
    flat = joints.reshape(len(joints), -1)
    return (flat + np.tile(shift, joints.shape[1])).reshape(joints.shape)


def as_h36m_32(joints: np.ndarray, layout: Skeleton) -> np.ndarray:
    """(F, 32, 3): loaders keep 16 or 17 of them by number. The others lie on the joint before them."""
    target = Skeleton("h36m_32")
    source = []
    for joint, parent in zip(target.joints, target.parents, strict=True):
        source.append(layout.joints.index(joint) if joint in layout.joints else source[parent])
    columns = torch.tensor([3 * joint + axis for joint in source for axis in range(3)])
    # A column after the other: PyTorch copies these four times as fast as NumPy does joints.
    return torch.from_numpy(joints).flatten(1).index_select(1, columns).unflatten(1, (-1, 3)).numpy()


def _metadata(layout: Skeleton) -> dict[str, Any]:
    symmetry = [list(layout.left), list(layout.right)]
    return {"layout_name": "h36m", "num_joints": layout.num_joints, "keypoints_symmetry": symmetry}


def read(path: Path, frames: int, clips: int, generator: torch.Generator) -> StoredClips:
    """Read the view each pose was drawn with where the 2D file beside has one, else the world joints alone."""
    positions = load_npz_restricted(path)["positions_3d"]
    subjects = [*positions.values()] if isinstance(positions, dict) else []
    if not subjects or not all(isinstance(by_name, dict) and by_name for by_name in subjects):
        raise PoseFKError(
            f"{path} has no recordings inside, expected positions_3d: subject -> recording -> (frames, joints, 3)."
        )
    recordings = {
        (subject, recording): checked_array(path, f"the recording {recording}", joints, None, None, 3)
        for subject, by_name in positions.items()
        for recording, joints in by_name.items()
    }
    beside = path.with_name(FILE_2D)
    cameras = load_npz_restricted(beside).get("cameras") if beside.is_file() else None
    if not isinstance(cameras, dict):
        return _without_cameras(path, recordings, clips, generator)
    try:
        views = [dict(cameras[subject][recording]) for subject, recording in recordings]
        arrays = {name: np.concatenate([view[name] for view in views]) for name in (*CAMERA, "joints_screen")}
        total = len(arrays["aspect"])
        indices = draw_indices(total, clips, generator).numpy()
        world, screen = (
            array.reshape(total, -1, *array.shape[1:])[indices]
            for array in (np.concatenate(list(recordings.values())), arrays["joints_screen"])
        )
        layouts = [Skeleton.from_num_joints(array.shape[2]) for array in (world, screen)]
    except (LookupError, TypeError, ValueError) as error:
        raise PoseFKError(
            f"{beside} does not bring a view for every recording of {path.name} ({str(error)[:80]})."
        ) from error
    camera = camera_of(beside, arrays, total, indices)
    return StoredClips(to_body(path, world, layouts[0]), True, total, to_body(beside, screen, layouts[1], 2), camera)


def _without_cameras(
    path: Path, recordings: dict[tuple[str, str], np.ndarray], clips: int, generator: torch.Generator
) -> StoredClips:
    """Read every frame as a single pose; those of a recording are neighbours in time."""
    poses = torch.cat([to_body(path, array, Skeleton.from_num_joints(array.shape[1])) for array in recordings.values()])
    recording = torch.repeat_interleave(
        torch.arange(len(recordings)), torch.tensor([len(array) for array in recordings.values()])
    )
    indices = draw_indices(len(poses), clips, generator)
    return StoredClips(poses[indices, None], True, len(poses), recording=recording[indices])


FORMAT = Format(
    write, size, ("h36m_17", "h36m_16"),
    "data_3d_h36m.npz: positions_3d[subject][action] (F, 32, 3) metres, world, z up. data_2d_h36m_gt.npz: "
    "positions_2d[subject][action], four (F, J, 2) arrays of pixels, one per camera of Human3.6M's rig; "
    "cameras[subject][action], the camera and view that each pose was drawn with",
    reader=Reader(read, FILE_3D, "positions_3d"),
)  # fmt: skip
