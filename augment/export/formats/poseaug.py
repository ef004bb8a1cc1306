"""PoseAug's and DH-AUG's own kind of file: `pose3d` (N, J, 3) metres about the hip, `pose2d` (N, J, 2) screen.

Written from spec 4.2: the layout of their test_3dhp.npz. Every frame of a clip is a pose of its own.
"""

from collections.abc import Sequence

import numpy as np

from augment.export.formats.chunk import Chunks, Shard, flat_frames, frame_bytes, save_npz, together
from data.files.writing import atomic_write

FILE = "poseaug.npz"


def write(chunks: Chunks, shard: Shard) -> list[str]:
    """The shard's file, whole or not at all; its name."""
    chunk = together(chunks)
    joints = flat_frames(chunk.joints_camera)
    with atomic_write(shard.folder / FILE, synced=False) as part:
        save_npz(part, chunk.kept | {
            "pose3d": joints - joints[:, shard.layout.root, None], "pose2d": flat_frames(chunk.joints_screen),
            "joint_names": np.array(shard.layout.joints),
        })  # fmt: skip
    return [FILE]


def size(shard: Shard, kept: Sequence[int]) -> int:
    """About how many bytes a shard takes."""
    return shard.poses * (frame_bytes(shard, 3 + 2) + sum(kept))
