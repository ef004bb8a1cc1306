"""VideoPose3D's pair of files, which PoseFormer, SemGCN, PoseAug and a dozen more read as they are (spec 4.1).

Their loaders know four cameras per subject by heart and show every pose to all four, so a pose cannot bring its own.
Here it stands in the middle of its subject's rig, upright as it was, and 2D is what the rig's four cameras see of it,
lenses included: what a stock loader computes from the 3D and what it reads as 2D agree to the pixel's rounding. The
camera that each pose was drawn with, in the world of the 3D file, and its view lie beside it under `cameras`.

Each of the five training subjects has a fifth of the poses. Single poses are the frames of a take per block; a clip is
a take.
"""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from augment.export.formats.block import CAMERA_BYTES, Block, Blocks, Shard, flat_frames, frame_bytes, save_dictionary
from data.cmu.benchmark import rig_middle
from data.files.writing import atomic_write
from data.h36m.cameras import CAMERA_RESOLUTIONS, H36M_CAMERAS
from data.h36m.names import SYNTHETIC, TRAIN_SUBJECTS
from kinematics import Camera, Skeleton
from kinematics.camera import intrinsics_in_pixels

FILE_3D, FILE_2D = "data_3d_h36m.npz", "data_2d_h36m_gt.npz"
_TAKE_BYTES, _ARRAY_BYTES = 1414, 145  # of pickle around the arrays of a take, and around one more
PIECE = 2048  # poses seen at a time: what is computed with on the way then stays in the processor's cache


def write(blocks: Blocks, shard: Shard) -> list[str]:
    """The shard's two files, each whole or not at all; their names. Its poses are in memory until then, 1.3 KB each."""
    rigs = {subject: _Rig.of(subject) for subject in TRAIN_SUBJECTS}
    positions_3d, positions_2d, cameras = ({subject: {} for subject in TRAIN_SUBJECTS} for _ in range(3))
    for subject, name, part in _recordings(blocks, shard):
        rig = rigs[subject]
        joints = _moved(flat_frames(part.joints_world), rig.middle)
        positions_3d[subject][name] = as_h36m_32(joints, shard.layout)
        positions_2d[subject][name] = rig.seen(joints)
        camera = part.camera_arrays()
        moved = {"translation": camera["translation"] + rig.middle, "joints_screen": flat_frames(part.joints_screen)}
        cameras[subject][name] = camera | moved | part.kept
    content = {"positions_2d": positions_2d, "metadata": _metadata(shard.layout), "cameras": cameras}
    for file, members in ((FILE_3D, {"positions_3d": positions_3d}), (FILE_2D, content)):
        with atomic_write(shard.folder / file, synced=False) as path, zipfile.ZipFile(path, "w") as archive:
            for name, value in members.items():
                save_dictionary(archive, name, value)
    return [FILE_3D, FILE_2D]


def size(shard: Shard, kept: Sequence[int]) -> int:
    """About how many bytes a shard takes."""
    world, views = 32 * 3, 5 * 2  # numbers of a frame, and of each of its joints
    each = 4 * world * shard.frames + frame_bytes(shard, views) + sum(CAMERA_BYTES) + sum(kept)
    recording = _TAKE_BYTES + _ARRAY_BYTES * len(kept) if shard.frames > 1 else 0  # single poses share theirs
    return shard.poses * (each + recording)


def _recordings(blocks: Blocks, shard: Shard) -> Iterator[tuple[str, str, Block]]:
    """(subject, take, its poses): each subject a fifth of the shard, a take per block; clips one by one."""
    people = len(TRAIN_SUBJECTS)
    ends = [-(-shard.poses * (i + 1) // people) for i in range(people)]
    done = 0  # poses of the blocks before
    for number, block in enumerate(blocks):
        first = 0
        while first < len(block):
            person = next(i for i, end in enumerate(ends) if done + first < end)
            single = shard.frames == 1
            last = min(ends[person] - done, len(block)) if single else first + 1
            name = f"{SYNTHETIC} {number + 1 if single else block.first + first}"
            yield TRAIN_SUBJECTS[person], name, _part(block, slice(first, last))
            first = last
        done += len(block)


def _part(block: Block, own: slice) -> Block:
    kept = {name: array[own] for name, array in block.kept.items()}
    return Block(block.joints_world[own], block.joints_screen[own], block.camera[own], block.first, kept)


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
        """What the cameras see of poses (F, J, 3) metres: an array (F, J, 2) pixels each."""
        poses = torch.from_numpy(joints)[None]
        pieces = [self.cameras.project(self.cameras.world_to_camera(piece)) for piece in poses.split(PIECE, dim=1)]
        return list(torch.cat(pieces, dim=1).numpy())


def _moved(joints: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(F, J, 3) + (3,), as rows of J * 3 numbers: NumPy is slow with dimensions of three."""
    rows = joints.reshape(len(joints), -1)
    return (rows + np.tile(shift, joints.shape[1])).reshape(joints.shape)


def as_h36m_32(joints: np.ndarray, layout: Skeleton) -> np.ndarray:
    """(F, 32, 3): loaders keep 16 or 17 of them by number. The others lie on the joint before them."""
    target = Skeleton("h36m_32")
    source = []
    for joint, parent in zip(target.joints, target.parents, strict=True):
        own = layout.joints.index(joint) if joint in layout.joints else source[parent]
        source.append(own)
    columns = torch.tensor([3 * own + axis for own in source for axis in range(3)])
    # A column after the other: PyTorch copies these four times as fast as NumPy does joints.
    return torch.from_numpy(joints).flatten(1).index_select(1, columns).unflatten(1, (-1, 3)).numpy()


def _metadata(layout: Skeleton) -> dict[str, Any]:
    symmetry = [list(layout.left), list(layout.right)]
    return {"layout_name": "h36m", "num_joints": layout.num_joints, "keypoints_symmetry": symmetry}
