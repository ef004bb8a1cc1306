"""The folder of an export: whose it is, who writes which shard, which shards are done, and whether there is room."""

import contextlib
import hashlib
import json
import os
import re
import stat
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augment.export.records import DONE, IDENTITY, read_identity, read_shard
from data.files.lock import LOCK, folder_lock
from data.files.writing import DISK_TROUBLE, atomic_write
from kinematics import PoseFKError

VERSION = 4  # of the bytes that a seed gives: one export has one
_PART = re.compile(r"\.(?P<stem>.+)\.[0-9]+\.part(\.[a-z0-9]+)?")  # as data.files.writing names them
_QUOTED = 80  # characters of what a file holds, in a message
_SHARED = ("export", "manifest", "README")  # written by any process of an export, not by a shard's own


@dataclass(frozen=True)
class ShardPlan:
    """One shard: its folder under the export's, its chunks and poses."""

    folder: str
    chunks: range
    first: int
    poses: int


def plan_shards(num_poses: int, per_chunk: int, shards: int) -> list[ShardPlan]:
    """Whole chunks dealt to shards; where the shards begin does not depend on who writes them."""
    chunks = -(-num_poses // per_chunk)
    if shards > chunks:
        made = f"{num_poses:,} poses make {chunks} chunk{'s' * (chunks > 1)}"
        raise PoseFKError(f"--shards {shards}: {made}, expected at most that many.")
    ends = [chunks * shard // shards for shard in range(shards + 1)]
    plans = []
    for shard in range(shards):
        first, last = ends[shard] * per_chunk, min(ends[shard + 1] * per_chunk, num_poses)
        folder = f"shard-{shard:05d}-of-{shards:05d}" if shards > 1 else "."
        plans.append(ShardPlan(folder, range(ends[shard], ends[shard + 1]), first, last - first))
    return plans


def claim(out: Path, identity: dict[str, Any]) -> None:
    """Make the folder this export's, or refuse one with other files; all processes compare export.json."""
    path = out / IDENTITY
    if not path.exists():
        names = [file.name for file in out.iterdir()] if out.is_dir() else []
        strangers = [name for name in names if name not in (IDENTITY, LOCK) and not _PART.fullmatch(name)]
        if strangers and not path.exists():  # the others are of processes of this export that began just now
            raise PoseFKError(f"--out {out} is a folder with other files in it: give an empty or a new one.")
        _write_once(path, json.dumps(identity, indent=1) + "\n")
    known = read_identity(path)
    if known.get("version") != identity["version"]:
        raise PoseFKError(f"--out {out} was begun by another version of PoseFK, with other files: give a new folder.")
    for name, value in identity.items():
        if known.get(name) != value:
            was, now = (str(of)[:_QUOTED] for of in (known.get(name), value))
            what = "the recorded poses were" if name == "recorded" else f"--{name} was"
            raise PoseFKError(
                f"--out {out} holds another export ({what} {was}, now {now}): give another folder, or the same flags "
                "to go on with that one."
            )


def _write_once(path: Path, text: str) -> None:
    """Make a file unless there is one by now; whoever sees it sees all of it."""
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    except OSError as error:
        raise PermissionError(
            f"Cannot write {path}: {error.strerror or error} ({path.parent}). Choose a folder that can be written to."
        ) from error
    try:
        part.write_text(text)
        os.link(part, path)
    except FileExistsError:
        pass
    except OSError as error:
        if error.errno in DISK_TROUBLE:
            raise
        os.replace(part, path)  # a file system without hard links
    finally:
        part.unlink(missing_ok=True)


def identity_mark(identity: dict[str, Any]) -> str:
    """Return a few characters that tell an export from any other, for its shards."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


@contextlib.contextmanager
def held(out: Path, plans: Sequence[ShardPlan]) -> Iterator[None]:
    """Hold the folders of shards while they are written, and remove what a dead process left half-written."""
    with contextlib.ExitStack() as locks:
        for plan in plans:
            folder = out / plan.folder
            if not folder.resolve().is_relative_to(out.resolve()):
                raise _leads_out(folder, out)
            folder.mkdir(parents=True, exist_ok=True)
            locks.enter_context(folder_lock(folder, "an export"))
            _clean(folder, out)
        yield


def _clean(folder: Path, out: Path) -> None:
    """Remove the parts of files, and refuse links: an export writes into its own folder alone."""
    for place, folders, files in os.walk(folder):
        for name in files:
            part = _PART.fullmatch(name)
            if part and part["stem"] not in _SHARED:
                Path(place, name).unlink(missing_ok=True)
        for name in folders:
            if Path(place, name).is_symlink():
                raise _leads_out(Path(place, name), out)


def _leads_out(folder: Path, out: Path) -> PoseFKError:
    return PoseFKError(f"{folder} is a link: an export writes into its own folder {out} alone. Put a folder there.")


def is_done(out: Path, plan: ShardPlan, mark: str, by_content: bool = False) -> bool:
    """Whether a shard of this export is finished and its files there by size, or by_content (a second per GB)."""
    path = out / plan.folder / DONE
    if not path.is_file():
        return False
    known = read_shard(path)
    if (known["first"], known["poses"], known.get("export")) != (plan.first, plan.poses, mark):
        return False
    return all(is_as_written(path.parent / name, entry, by_content) for name, entry in known["files"].items())


def is_as_written(file: Path, entry: dict[str, Any], by_content: bool) -> bool:
    """Whether a file has the size, or the checksum, that was written down; a link or a device has neither."""
    try:
        status = file.lstat()
        same = stat.S_ISREG(status.st_mode) and status.st_size == entry["bytes"]
        return same and not (by_content and crc32_of(file) != entry["crc32"])
    except OSError:
        return False


def crc32_of(path: Path) -> str:
    """Return the CRC-32 of a file, eight hexadecimal digits: against damage, not against forgery."""
    checksum = 0
    with open(path, "rb") as stream:
        while chunk := stream.read(1 << 16):  # stays in the cache
            checksum = zlib.crc32(chunk, checksum)
    return f"{checksum:08x}"


def finish_shard(out: Path, plan: ShardPlan, mark: str, names: list[str], counts: Counter[str]) -> None:
    """Write down what a shard came to, with checksums; this is what makes it count as done."""
    folder = out / plan.folder
    files = {name: {"bytes": (folder / name).stat().st_size, "crc32": crc32_of(folder / name)} for name in names}
    content = {"first": plan.first, "poses": plan.poses, "counts": dict(counts), "files": files, "export": mark}
    with atomic_write(folder / DONE) as part:
        part.write_text(json.dumps(content, indent=1) + "\n")


def check_room(out: Path, wanted: int, files: int) -> None:
    """Refuse to begin what cannot fit on the disk. wanted: bytes; files: that they are dealt to, 0: a few."""
    existing = next(folder for folder in (out, *out.resolve().parents) if folder.exists())
    disk = os.statvfs(existing)
    if files:  # each takes whole blocks of the disk
        wanted = files * -(-wanted // (files * disk.f_frsize)) * disk.f_frsize
    free = disk.f_bavail * disk.f_frsize
    if wanted > free:
        raise PoseFKError(
            f"--out {out} has {free / 1e9:.3g} GB left, the export needs about {wanted / 1e9:.3g} GB: choose another "
            "disk or fewer poses."
        )
    if disk.f_files and files > disk.f_favail:
        raise PoseFKError(
            f"--out {out} has room for {disk.f_favail:,} more files, the export makes {files:,}: choose another disk, "
            "fewer poses or a format of few files."
        )
