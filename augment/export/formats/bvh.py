"""BVH: a file per clip with the DH body's own joint angles, for animation programs (data/files/bvh/writer.py)."""

from collections.abc import Sequence

import torch

from augment.export.formats.chunk import Chunks, Shard, write_one_of_many
from augment.export.formats.format import Format
from data.files.bvh.writer import bvh_text
from kinematics import joint_angles_from_joints

FOLDER = "bvh"
_HIERARCHY_BYTES, _FRAME_BYTES = 1840, 420


def write(chunks: Chunks, shard: Shard) -> list[str]:
    """Write a file per pose or clip, each atomically; return their names."""
    (shard.folder / FOLDER).mkdir(parents=True, exist_ok=True)
    names = []
    for chunk in chunks:
        body = joint_angles_from_joints(torch.from_numpy(chunk.joints_world))
        lengths = body.bone_lengths.mean(dim=1)  # (N, 15): a file's bones do not change
        for index in range(len(chunk)):
            names.append(f"{FOLDER}/{chunk.first + index:08d}.bvh")
            text = bvh_text(
                body.joint_angles[index], lengths[index], body.global_rotation[index], body.root[index], shard.fps
            )
            write_one_of_many(shard.folder / names[-1], text.encode())
    return names


def size(shard: Shard, kept: Sequence[int]) -> int:
    return shard.poses * (_HIERARCHY_BYTES + _FRAME_BYTES * shard.frames)


FORMAT = Format(
    write, size, ("h36m_16",),
    "bvh/*.bvh: a clip each, joint angles of the DH body; metres, y up, -z forward, as Blender's importer expects",
    file_per_pose=True,
)  # fmt: skip
