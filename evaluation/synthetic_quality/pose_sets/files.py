"""Pose sets from the files of an export, or files like them: HDF5, PoseAug's npz, VideoPose3D's pair of npz.

Only as many poses are read as are wanted; the shards of a folder are one set.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from augment.export.formats import hdf5, poseaug, videopose3d
from augment.export.records import IDENTITY, MANIFEST, read_notes
from data.files.isolated.client import read_isolated
from data.files.npz import load_npz_restricted
from data.files.present import require_file
from evaluation.synthetic_quality.pose_sets.arrays import CAMERA, Arrays, as_pose_set, joined, some, to_body
from evaluation.synthetic_quality.pose_sets.npz import read_poseaug, read_videopose3d
from evaluation.synthetic_quality.pose_sets.sets import MOST_CLIPS, PoseSet
from kinematics import Camera, PoseFKError, Skeleton

READABLE = "the formats hdf5, poseaug and videopose3d of augment.export can be read"


def read_files(path: Path, wanted: int, generator: torch.Generator) -> PoseSet:
    """Up to `wanted` poses of a file or an export's folder, drawn by chance."""
    about = export_notes(path if path.is_dir() else path.parent)
    frames = max(1, int(about.get("frames", 1)))
    clips = wanted if frames == 1 else max(MOST_CLIPS, -(-wanted // frames))
    parts = [_READERS[kind](file, frames, clips, generator) for kind, file in _files(path)]
    found = as_pose_set(
        "/".join(path.resolve().parts[-1 - path.is_file() :]), joined(parts, clips, generator), wanted, generator
    )
    found.about = about
    found.fps = found.fps or about.get("fps")
    if about and not about["finished"]:
        found.notes.append(f"{found.name} is an unfinished export: it has no {MANIFEST}.")
    return found


def export_notes(folder: Path) -> dict[str, Any]:
    """What an export says about itself: its manifest, whether it is finished, and the line on its licence."""
    for name in (MANIFEST, IDENTITY):
        path = folder / name
        if not path.is_file():
            continue
        content = read_notes(path)
        return content | {"finished": name == MANIFEST, "licence": content.get("licence") or _licence(folder)}
    return {}


def _licence(folder: Path) -> str:
    readme = folder / "README.md"
    lines = readme.read_text(errors="replace").splitlines() if readme.is_file() else []
    return next((line.partition("Licence:")[2].strip() for line in lines if "Licence:" in line), "")


def _files(path: Path) -> list[tuple[str, Path]]:
    """(kind, file) of everything readable there, all of one kind."""
    if not path.is_dir():
        return [(_kind(require_file(path)), path)]
    names = (hdf5.FILE, poseaug.FILE, videopose3d.FILE_3D)
    found = [file for name in names for file in sorted([*path.glob(name), *path.glob(f"shard-*/{name}")])]
    if not found:
        held = sorted(file.name for file in path.iterdir())[:5]
        raise PoseFKError(
            f"{path} has {', '.join(held) or 'nothing'} inside, expected {' or '.join(names)}: {READABLE}."
        )
    if len({file.name for file in found}) > 1:
        raise PoseFKError(f"{path} has exports of several formats inside: name one of the files.")
    return [(_kind(require_file(file)), file) for file in found]


def _kind(path: Path) -> str:
    if path.suffix in (".h5", ".hdf5"):
        return "hdf5"
    if path.suffix != ".npz":
        raise PoseFKError(f"{path} is no pose set: {READABLE}.")
    held = load_npz_restricted(path)
    kind = next((kind for key, kind in {"pose3d": "poseaug", "positions_3d": "videopose3d"}.items() if key in held), "")
    if not kind:
        raise PoseFKError(
            f"{path} has {', '.join(list(held)[:6]) or 'nothing'} inside, expected pose3d or positions_3d: {READABLE}."
        )
    return kind


def _read_hdf5(path: Path, frames: int, clips: int, generator: torch.Generator) -> Arrays:
    names = ["joints_world", "joints_screen", *(f"camera/{name}" for name in CAMERA)]
    try:
        about = read_isolated("hdf5", path, names=names, attributes=["layout", "fps"], shapes_only=True)
        attributes, shapes = about["attributes"], {name: tuple(map(int, own)) for name, own in about["arrays"].items()}
        if lacking := [name for name in (*names, "layout", "fps") if name not in {**shapes, **attributes}]:
            raise ValueError(f"it has no {', '.join(lacking)}")
        layout, fps = Skeleton(str(attributes["layout"])), float(attributes["fps"])
        if not 0 < fps < float("inf"):
            raise ValueError(f"fps is {fps}")
        _check_shapes(shapes)
        total = shapes["joints_world"][0]
        rows = some(total, clips, generator)
        held = read_isolated("hdf5", path, names=names, rows=rows.tolist())["arrays"]
        if odd := [name for name, array in held.items() if array.dtype.kind != "f"]:
            raise ValueError(f"{', '.join(odd)} are no real numbers")
        camera = Camera(*(torch.from_numpy(held[f"camera/{name}"]).float() for name in CAMERA))
    except (TypeError, ValueError) as error:
        raise PoseFKError(
            f"{path} cannot be read as an export's HDF5 file ({' '.join(str(error).split())}): copy or export it again."
        ) from error
    with np.errstate(over="ignore"):  # as_pose_set refuses what float32 cannot hold
        world, screen = (to_body(path, held[name], layout, size) for name, size in zip(names, (3, 2), strict=False))
    return Arrays(world, True, total, screen, camera, fps)


def _check_shapes(shapes: dict[str, tuple[int, ...]]) -> None:
    clips, frames, *body = (*shapes["joints_world"], 0, 0)
    if len(body) != 4 or clips * frames == 0 or body[1] != 3:
        raise ValueError(f"joints_world has shape {shapes['joints_world']}, expected (clips, frames, joints, 3)")
    wanted = {f"camera/{name}": (clips, *shape) for name, shape in CAMERA.items()}
    for name, shape in {"joints_screen": (clips, frames, body[0], 2), **wanted}.items():
        if shapes[name] != shape:
            raise ValueError(f"{name} has shape {shapes[name]}, expected {shape}")


_READERS = {"hdf5": _read_hdf5, "poseaug": read_poseaug, "videopose3d": read_videopose3d}
