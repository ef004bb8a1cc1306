"""Pose sets from an export's files, or files like them, in every format that has a reader."""

from pathlib import Path
from typing import Any

import torch

from augment.export.formats import FORMATS
from augment.export.formats.format import Reader
from augment.export.formats.stored_clips import StoredClips, draw_indices
from augment.export.records import IDENTITY, MANIFEST, read_notes
from data import SYNTHETIC, PoseBatch
from data.files.npz import load_npz_restricted
from data.files.present import require_file
from evaluation.synthetic_quality.pose_sets.sets import MOST_CLIPS, PoseSet
from kinematics import Camera, PoseFKError

_OTHER_SUFFIXES = {".hdf5": ".h5"}


def read_files(path: Path, wanted: int, generator: torch.Generator) -> PoseSet:
    """Read up to `wanted` poses of a file or an export's folder, drawn by chance."""
    about = export_notes(path if path.is_dir() else path.parent)
    frames = max(1, int(about.get("frames", 1)))
    clips = wanted if frames == 1 else max(MOST_CLIPS, -(-wanted // frames))
    parts = [_reader_of(file).read(file, frames, clips, generator) for file in _files(path)]
    name = "/".join(path.resolve().parts[-1 - path.is_file() :])
    pose_set = as_pose_set(name, joined(parts, clips, generator), wanted, generator)
    pose_set.about = about
    pose_set.fps = pose_set.fps or about.get("fps")
    if about and not about["finished"]:
        pose_set.notes.append(f"{pose_set.name} is an unfinished export: it has no {MANIFEST}.")
    return pose_set


def export_notes(folder: Path) -> dict[str, Any]:
    """Read what an export says about itself: its manifest, whether it is finished, and the line on its licence."""
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


def _readable() -> str:
    names = sorted(name for name, form in FORMATS.items() if form.reader)
    return f"the formats {', '.join(names[:-1])} and {names[-1]} of augment.export can be read"


def _readers() -> list[Reader]:
    return [form.reader for form in FORMATS.values() if form.reader]


def _files(path: Path) -> list[Path]:
    """List the readable files at a path, all of one format."""
    if not path.is_dir():
        return [path]
    names = sorted(reader.file for reader in _readers())
    files = [file for name in names for file in sorted([*path.glob(name), *path.glob(f"shard-*/{name}")])]
    if not files:
        content = ", ".join(sorted(file.name for file in path.iterdir())[:5])
        raise PoseFKError(f"{path} has {content or 'nothing'} inside, expected {' or '.join(names)}: {_readable()}.")
    if len({file.name for file in files}) > 1:
        raise PoseFKError(f"{path} has exports of several formats inside: name one of the files.")
    return files


def _reader_of(path: Path) -> Reader:
    suffix = _OTHER_SUFFIXES.get(require_file(path).suffix, path.suffix)
    readers = [reader for reader in _readers() if Path(reader.file).suffix == suffix]
    if not readers:
        raise PoseFKError(f"{path} is no pose set: {_readable()}.")
    content = load_npz_restricted(path) if suffix == ".npz" else {"": None}
    for reader in readers:
        if reader.npz_key in content:
            return reader
    raise PoseFKError(
        f"{path} has {', '.join(list(content)[:6]) or 'nothing'} inside, expected "
        f"{' or '.join(sorted(reader.npz_key for reader in readers))}: {_readable()}."
    )


def joined(parts: list[StoredClips], wanted: int, generator: torch.Generator) -> StoredClips:
    """Join the shards of a set, each with its share of the wanted clips."""
    total = sum(part.total for part in parts)
    kept = [part[draw_indices(len(part.joints), -(-wanted * part.total // max(total, 1)), generator)] for part in parts]
    if len(kept) == 1:
        return kept[0]
    screens = [part.screen for part in kept if part.screen is not None]
    cameras = [part.camera for part in kept if part.camera is not None]
    return StoredClips(
        torch.cat([part.joints for part in kept]), all(part.upright for part in kept), total,
        torch.cat(screens) if len(screens) == len(kept) else None,
        Camera.cat(cameras) if len(cameras) == len(kept) else None, kept[0].fps,
    )  # fmt: skip


def as_pose_set(name: str, held: StoredClips, wanted: int, generator: torch.Generator) -> PoseSet:
    """Up to `wanted` frames of the clips by chance, and the clips themselves where they are in the world's axes."""
    frames = held.joints.shape[1]
    indices = draw_indices(len(held.joints) * frames, wanted, generator)
    clip = indices // frames
    joints = held.joints.flatten(0, 1)[indices]
    views = None
    if held.screen is not None:
        camera = None if held.camera is None else held.camera[clip]
        seen = joints[:, None] if camera is None else camera.world_to_camera(joints[:, None])
        views = PoseBatch.of(seen, held.screen.flatten(0, 1)[indices][:, None], camera, SYNTHETIC)
    recording = torch.arange(len(held.joints)) if held.recording is None else held.recording
    recording = recording[clip].unique(return_inverse=True)[1]
    pose_set = PoseSet(name, joints, held.upright, recording, held.total * frames, views)
    if held.upright and frames >= 3:
        pose_set.clips, pose_set.fps = held.joints[:MOST_CLIPS], held.fps
    return pose_set
