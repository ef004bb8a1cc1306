"""VideoPose3D's pair of files, which PoseFormer, SemGCN, PoseAug and a dozen more read as they are (spec 4.1).

Their loaders know four cameras per subject by heart and show every pose to all four, so a pose cannot bring its own.
Here it stands in the middle of its subject's rig, upright as it was, and 2D is what the rig's four cameras see of it,
lenses included: what a stock loader computes from the 3D and what it reads as 2D agree to the pixel's rounding. The
camera that each pose was drawn with, in the world of the 3D file, and its view lie beside it under `cameras`.

Poses are dealt to the five training subjects. Single poses are the frames of one take per subject; a clip is a take.
"""

from typing import Any

import numpy as np
import torch

from augment.formats.block import Block, Blocks, Shard, flat_frames, object_array
from data.cmux import rig_middle
from data.h36m_cameras import CAMERA_RESOLUTIONS, H36M_CAMERAS
from data.h36m_names import SYNTHETIC, TRAIN_SUBJECTS
from data.readers import atomic_write
from kinematics import Skeleton, screen_to_pixels

FILE_3D, FILE_2D = "data_3d_h36m.npz", "data_2d_h36m_gt.npz"
Takes = dict[str, dict[str, Any]]


def write(blocks: Blocks, shard: Shard) -> list[str]:
    """The shard's two files, each whole or not at all; their names."""
    takes_3d, takes_2d, cameras = ({subject: {} for subject in TRAIN_SUBJECTS} for _ in range(3))
    for number, block in enumerate(blocks):
        for subject, name, part in _takes(block, number, shard):
            shift = _to_rig(part.joints_world, subject)
            joints = flat_frames(part.joints_world + shift[:, None, None])
            takes_3d[subject][name] = as_h36m_32(joints, shard.layout)
            takes_2d[subject][name] = [_seen(joints, subject, index) for index in range(len(CAMERA_RESOLUTIONS))]
            own = part.camera_arrays()
            moved = {"translation": own["translation"] + shift, "joints_screen": flat_frames(part.joints_screen)}
            cameras[subject][name] = own | moved | part.kept
    with atomic_write(shard.folder / FILE_3D) as part:
        np.savez(part, positions_3d=object_array(takes_3d))
    with atomic_write(shard.folder / FILE_2D) as part:
        metadata = object_array(_metadata(shard.layout))
        np.savez(part, positions_2d=object_array(takes_2d), metadata=metadata, cameras=object_array(cameras))
    return [FILE_3D, FILE_2D]


def _takes(block: Block, number: int, shard: Shard) -> list[tuple[str, str, Block]]:
    """(subject, take, its poses): a block of single poses in five takes, clips one by one."""
    people = len(TRAIN_SUBJECTS)
    if shard.frames > 1:
        names = [(TRAIN_SUBJECTS[i % people], f"{SYNTHETIC} {block.first + i}") for i in range(len(block))]
        return [(subject, name, _part(block, slice(i, i + 1))) for i, (subject, name) in enumerate(names)]
    chosen = [slice(i, None, people) for i in range(min(people, len(block)))]
    return [(TRAIN_SUBJECTS[i], f"{SYNTHETIC} {number + 1}", _part(block, own)) for i, own in enumerate(chosen)]


def _part(block: Block, own: slice) -> Block:
    rows = torch.arange(len(block))[own]
    kept = {name: array[own] for name, array in block.kept.items()}
    return Block(
        block.joints_world[own], block.joints_camera[own], block.joints_screen[own], block.camera[rows],
        block.first, kept,
    )  # fmt: skip


def _to_rig(joints: np.ndarray, subject: str) -> np.ndarray:
    """(N, 3) metres: what puts the first hip of poses or clips (N, T, J, 3) over the middle of the subject's rig."""
    middle = rig_middle(H36M_CAMERAS[subject]).astype(joints.dtype)
    shift = np.zeros((len(joints), 3), dtype=joints.dtype)
    shift[:, :2] = middle - joints[:, 0, 0, :2]
    return shift


def _seen(joints: np.ndarray, subject: str, index: int) -> np.ndarray:
    """(F, J, 2) pixels."""
    camera, (width, height) = H36M_CAMERAS[subject][index].to(torch.float32), CAMERA_RESOLUTIONS[index]
    screen = camera.project(camera.world_to_camera(torch.from_numpy(joints)))
    return screen_to_pixels(screen, width, height).numpy()


def as_h36m_32(joints: np.ndarray, layout: Skeleton) -> np.ndarray:
    """(F, 32, 3): loaders keep 16 or 17 of them by number. The others lie on the joint before them."""
    target = Skeleton("h36m_32")
    source = []
    for joint, parent in zip(target.joints, target.parents, strict=True):
        own = layout.joints.index(joint) if joint in layout.joints else source[parent]
        source.append(own)
    return joints[:, source]


def _metadata(layout: Skeleton) -> dict[str, Any]:
    symmetry = [list(layout.left), list(layout.right)]
    return {"layout_name": "h36m", "num_joints": layout.num_joints, "keypoints_symmetry": symmetry}
