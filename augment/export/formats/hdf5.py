"""One HDF5 file of any size: chunks are appended as they are made, so memory does not grow with the number of poses.

Datasets joints_world, joints_camera (N, T, J, 3) metres, joints_screen (N, T, J, 2), camera/* and kept/* (N, ...);
attributes of the file: joint_names, layout, fps, units.

HDF5 crashes the interpreter when it closes a file that it could not write to, on a full disk or at Ctrl-C. So it only
describes the file, in memory, with a place for every array; what comes there is written without it.
"""

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import h5py
import numpy as np

from augment.export.formats.chunk import CAMERA_BYTES, Chunk, Chunks, Shard, frame_bytes
from data.files.writing import atomic_write

FILE = "poses.h5"
_OWN_BYTES = 10_000  # what describes the arrays


class _Described(io.RawIOBase):
    """A file in memory of which only what was written takes room. pieces: (offset, bytes), in order."""

    def __init__(self) -> None:
        self.pieces: list[tuple[int, bytes]] = []
        self.size = self._at = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (self.size if whence == io.SEEK_END else 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        found = memoryview(buffer).cast("B")
        found[:] = bytes(len(found))
        for offset, piece in self.pieces:
            first, last = max(offset, self._at), min(offset + len(piece), self._at + len(found))
            if first < last:
                found[first - self._at : last - self._at] = piece[first - offset : last - offset]
        return len(found)

    def write(self, content: Any) -> int:
        self.pieces.append((self._at, bytes(content)))
        self.size = max(self.size, self._at + len(content))
        return len(content)

    def truncate(self, size: int | None = None) -> int:
        self.size = self._at if size is None else size
        return self.size


def write(chunks: Chunks, shard: Shard) -> list[str]:
    """The shard's file, whole or not at all; its name."""
    with atomic_write(shard.folder / FILE, synced=False) as part, open(part, "wb") as file:
        places: dict[str, int] = {}
        done = 0
        for chunk in chunks:
            arrays = _arrays(chunk)
            if not places:
                with ThreadPoolExecutor(1) as apart:  # where no Ctrl-C is raised inside HDF5
                    described, places = apart.submit(_describe, arrays, shard).result()
                for offset, piece in described.pieces:
                    file.seek(offset)
                    file.write(piece)
                file.truncate(described.size)
            for name, array in arrays.items():
                file.seek(places[name] + done * array[:1].nbytes)
                file.write(np.ascontiguousarray(array).data)
            done += len(chunk)
    return [FILE]


def size(shard: Shard, kept: Sequence[int]) -> int:
    """About how many bytes a shard takes."""
    return _OWN_BYTES + shard.poses * (frame_bytes(shard, 3 + 3 + 2) + sum(CAMERA_BYTES) + sum(kept))


def _describe(arrays: dict[str, np.ndarray], shard: Shard) -> tuple[_Described, dict[str, int]]:
    """The file without its numbers, and where in it each array begins. arrays: some rows of each."""
    described = _Described()
    plain = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plain.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plain.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    with h5py.File(described, "w") as file:
        file.attrs["layout"] = shard.layout.name
        file.attrs["joint_names"] = list(shard.layout.joints)
        file.attrs["fps"] = shard.fps
        file.attrs["units"] = "metres, radians; screen: x / w * 2 - 1, y / w * 2 - h / w"
        made = {
            name: file.create_dataset(name, (shard.poses, *array.shape[1:]), array.dtype, dcpl=plain)
            for name, array in arrays.items()
        }
        places = {name: dataset.id.get_offset() for name, dataset in made.items()}
    return described, places


def _arrays(chunk: Chunk) -> dict[str, np.ndarray]:
    return {
        "joints_world": chunk.joints_world,
        "joints_camera": chunk.joints_camera,
        "joints_screen": chunk.joints_screen,
        **{f"camera/{name}": array for name, array in chunk.camera_arrays().items()},
        **{f"kept/{name}": array for name, array in chunk.kept.items()},
    }
