"""One HDF5 file of any size: chunks are appended as they are made. docs/export.md lists its arrays.

HDF5 crashes the interpreter when it closes a file that it could not write to. So it only describes the file, in memory,
with a place for every array; what comes there is written without it.
"""

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from augment.export.formats.chunk import CAMERA_BYTES, Chunk, Chunks, Shard, frame_bytes
from augment.export.formats.format import ANY_LAYOUT, Format, Reader
from augment.export.formats.stored_clips import CAMERA, StoredClips, draw_indices, to_body
from data.files.isolated.client import read_isolated
from data.files.writing import atomic_write
from kinematics import Camera, PoseFKError, Skeleton

FILE = "poses.h5"
_HEADER_BYTES = 10_000  # what describes the arrays


class _Described(io.RawIOBase):
    """A file in memory of which only what was written takes room. pieces: (offset, bytes), in order."""

    def __init__(self) -> None:
        self.pieces: list[tuple[int, bytes]] = []
        self.size = self._at = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (self.size if whence == io.SEEK_END else 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer).cast("B")
        target[:] = bytes(len(target))
        for offset, piece in self.pieces:
            first, last = max(offset, self._at), min(offset + len(piece), self._at + len(target))
            if first < last:
                target[first - self._at : last - self._at] = piece[first - offset : last - offset]
        return len(target)

    def write(self, content: Any) -> int:
        self.pieces.append((self._at, bytes(content)))
        self.size = max(self.size, self._at + len(content))
        return len(content)

    def truncate(self, size: int | None = None) -> int:
        self.size = self._at if size is None else size
        return self.size


def write(chunks: Chunks, shard: Shard) -> list[str]:
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
    return _HEADER_BYTES + shard.poses * (frame_bytes(shard, 3 + 3 + 2) + sum(CAMERA_BYTES) + sum(kept))


def _describe(arrays: dict[str, np.ndarray], shard: Shard) -> tuple[_Described, dict[str, int]]:
    """Build the file without its numbers, and the offset of each array. arrays: some of each."""
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


def read(path: Path, frames: int, clips: int, generator: torch.Generator) -> StoredClips:
    """Read world joints, views and cameras through the child process of data/files/isolated."""
    names = ["joints_world", "joints_screen", *(f"camera/{name}" for name in CAMERA)]
    try:
        about = read_isolated("hdf5", path, names=names, attributes=["layout", "fps"], shapes_only=True)
        attributes = about["attributes"]
        shapes = {name: tuple(map(int, shape)) for name, shape in about["arrays"].items()}
        if lacking := [name for name in (*names, "layout", "fps") if name not in {**shapes, **attributes}]:
            raise ValueError(f"it has no {', '.join(lacking)}")
        layout, fps = Skeleton(str(attributes["layout"])), float(attributes["fps"])
        if not 0 < fps < float("inf"):
            raise ValueError(f"fps is {fps}")
        _check_shapes(shapes)
        total = shapes["joints_world"][0]
        indices = draw_indices(total, clips, generator)
        held = read_isolated("hdf5", path, names=names, rows=indices.tolist())["arrays"]
        if odd := [name for name, array in held.items() if array.dtype.kind != "f"]:
            raise ValueError(f"{', '.join(odd)} are no real numbers")
        camera = Camera(*(torch.from_numpy(held[f"camera/{name}"]).float() for name in CAMERA))
    except (TypeError, ValueError) as error:
        raise PoseFKError(
            f"{path} cannot be read as an export's HDF5 file ({' '.join(str(error).split())}): copy or export it again."
        ) from error
    with np.errstate(over="ignore"):  # as_pose_set refuses what float32 cannot hold
        world, screen = (to_body(path, held[name], layout, size) for name, size in zip(names, (3, 2), strict=False))
    return StoredClips(world, True, total, screen, camera, fps)


def _check_shapes(shapes: dict[str, tuple[int, ...]]) -> None:
    clips, frames, *body = (*shapes["joints_world"], 0, 0)
    if len(body) != 4 or clips * frames == 0 or body[1] != 3:
        raise ValueError(f"joints_world has shape {shapes['joints_world']}, expected (clips, frames, joints, 3)")
    wanted = {f"camera/{name}": (clips, *shape) for name, shape in CAMERA.items()}
    for name, shape in {"joints_screen": (clips, frames, body[0], 2), **wanted}.items():
        if shapes[name] != shape:
            raise ValueError(f"{name} has shape {shapes[name]}, expected {shape}")


FORMAT = Format(
    write, size, ANY_LAYOUT,
    "poses.h5: joints_world, joints_camera (N, T, J, 3) metres; joints_screen (N, T, J, 2); camera/*; kept/*",
    reader=Reader(read, FILE),
)  # fmt: skip
