"""One HDF5 file of any size: blocks are appended as they are made, so memory does not grow with the number of poses.

Datasets joints_world, joints_camera (N, T, J, 3) metres, joints_screen (N, T, J, 2), camera/* and kept/* (N, ...);
attributes of the file: joint_names, layout, fps, units.
"""

import h5py
import numpy as np

from augment.export.formats.block import Block, Blocks, Shard
from data.files.writing import atomic_write

FILE = "poses.h5"
_CHUNK_BYTES = 1 << 20


def write(blocks: Blocks, shard: Shard) -> list[str]:
    """The shard's file, whole or not at all; its name."""
    with atomic_write(shard.folder / FILE) as part, h5py.File(part, "w") as file:
        file.attrs["layout"] = shard.layout.name
        file.attrs["joint_names"] = list(shard.layout.joints)
        file.attrs["fps"] = shard.fps
        file.attrs["units"] = "metres, radians; screen: x / w * 2 - 1, y / w * 2 - h / w"
        datasets: dict[str, h5py.Dataset] = {}
        done = 0
        for block in blocks:
            for name, array in _arrays(block).items():
                if name not in datasets:
                    datasets[name] = _create(file, name, array, shard.poses)
                datasets[name][done : done + len(array)] = array
            done += len(block)
    return [FILE]


def _arrays(block: Block) -> dict[str, np.ndarray]:
    return {
        "joints_world": block.joints_world,
        "joints_camera": block.joints_camera,
        "joints_screen": block.joints_screen,
        **{f"camera/{name}": array for name, array in block.camera_arrays().items()},
        **{f"kept/{name}": array for name, array in block.kept.items()},
    }


def _create(file: h5py.File, name: str, like: np.ndarray, poses: int) -> h5py.Dataset:
    row = max(like[:1].nbytes, 1)
    chunk = min(poses, max(1, _CHUNK_BYTES // row))
    return file.create_dataset(name, (poses, *like.shape[1:]), like.dtype, chunks=(chunk, *like.shape[1:]))
