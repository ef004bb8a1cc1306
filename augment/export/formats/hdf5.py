"""One HDF5 file of any size: blocks are appended as they are made, so memory does not grow with the number of poses.

Datasets joints_world, joints_camera (N, T, J, 3) metres, joints_screen (N, T, J, 2), camera/* and kept/* (N, ...);
attributes of the file: joint_names, layout, fps, units.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from augment.export.formats.block import CAMERA_BYTES, Block, Blocks, Shard, frame_bytes
from data.files.writing import atomic_write

FILE = "poses.h5"
_CHUNK_BYTES = 1 << 20


class _Kept(io.RawIOBase):
    """A file for HDF5, which crashes the interpreter when it closes a file that it could not write to.

    What goes wrong is kept in `trouble` and told later; from then on all writing seems to succeed.
    """

    def __init__(self, path: Path) -> None:
        self.trouble: OSError | None = None
        self._file = open(path, "w+b", buffering=0)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)

    def write(self, content: Any) -> int:  # h5py's own kind of memoryview
        try:
            done = len(content) if self.trouble else 0
            while done < len(content):
                done += self._file.write(content[done:])
        except OSError as error:
            self.trouble = error
        return len(content)

    def truncate(self, size: int | None = None) -> int:
        try:
            return self._file.truncate(size)
        except OSError as error:
            self.trouble = self.trouble or error
            return size or 0

    def close(self) -> None:
        self._file.close()
        super().close()

    def tell_trouble(self) -> None:
        """Raise what went wrong."""
        if self.trouble is not None:
            raise self.trouble


def write(blocks: Blocks, shard: Shard) -> list[str]:
    """The shard's file, whole or not at all; its name."""
    with atomic_write(shard.folder / FILE) as part, _Kept(part) as kept:
        with h5py.File(kept, "w") as file:
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
                kept.tell_trouble()
                done += len(block)
        kept.tell_trouble()
    return [FILE]


def size(shard: Shard, kept: Sequence[int]) -> int:
    """About how many bytes a shard takes."""
    rows = [frame_bytes(shard, numbers) for numbers in (3, 3, 2)] + [*CAMERA_BYTES, *kept]
    return sum(-(-shard.poses // chunk) * chunk * row for row in rows for chunk in (_chunk(row, shard.poses),))


def _arrays(block: Block) -> dict[str, np.ndarray]:
    return {
        "joints_world": block.joints_world,
        "joints_camera": block.joints_camera,
        "joints_screen": block.joints_screen,
        **{f"camera/{name}": array for name, array in block.camera_arrays().items()},
        **{f"kept/{name}": array for name, array in block.kept.items()},
    }


def _create(file: h5py.File, name: str, like: np.ndarray, poses: int) -> h5py.Dataset:
    shape = like.shape[1:]
    return file.create_dataset(name, (poses, *shape), like.dtype, chunks=(_chunk(like[:1].nbytes, poses), *shape))


def _chunk(row: int, poses: int) -> int:
    """Rows of so many bytes that are written as one."""
    return min(poses, max(1, _CHUNK_BYTES // max(row, 1)))
