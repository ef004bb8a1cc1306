"""What an export folder says about itself: whose it is, which shards are done, and a README for who finds it."""

import hashlib
import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augment.formats import FORMATS
from data.readers import atomic_write
from kinematics import PoseFKError, Skeleton

IDENTITY, DONE, MANIFEST = "export.json", "shard.json", "manifest.json"


@dataclass(frozen=True)
class ShardPlan:
    """One shard: its folder under the export's, its blocks and poses."""

    folder: str
    blocks: range
    first: int
    poses: int


def claim(out: Path, identity: dict[str, Any]) -> None:
    """Make the folder this export's, or refuse one of another export or with somebody's files in it."""
    path = out / IDENTITY
    if path.is_file():
        known = json.loads(path.read_text())
        changed = [name for name in identity if known.get(name) != identity[name]]
        if changed:
            name = changed[0]
            raise PoseFKError(
                f"--out {out} holds another export (--{name} was {known.get(name)}, now {identity[name]}): give "
                "another folder, or the same flags to go on with that one."
            )
        return
    if out.is_dir() and any(out.iterdir()):
        raise PoseFKError(f"--out {out} is a folder with other files in it: give an empty or a new one.")
    with atomic_write(path) as part:
        part.write_text(json.dumps(identity, indent=1) + "\n")


def plan_shards(num_poses: int, per_block: int, shards: int) -> list[ShardPlan]:
    """Whole blocks dealt to shards; where the shards begin does not depend on who writes them."""
    blocks = -(-num_poses // per_block)
    if shards > blocks:
        raise PoseFKError(f"--shards {shards}: {num_poses:,} poses make {blocks} blocks, expected at most that many.")
    ends = [blocks * shard // shards for shard in range(shards + 1)]
    plans = []
    for shard in range(shards):
        first, last = ends[shard] * per_block, min(ends[shard + 1] * per_block, num_poses)
        folder = f"shard-{shard:05d}-of-{shards:05d}" if shards > 1 else "."
        plans.append(ShardPlan(folder, range(ends[shard], ends[shard + 1]), first, last - first))
    return plans


def is_done(out: Path, plan: ShardPlan) -> bool:
    """Whether a shard was finished and its files still are what they were."""
    path = out / plan.folder / DONE
    if not path.is_file():
        return False
    files = json.loads(path.read_text())["files"]
    found = ((out / plan.folder / name, entry["bytes"]) for name, entry in files.items())
    return all(file.is_file() and file.stat().st_size == size for file, size in found)


def finish_shard(out: Path, plan: ShardPlan, names: list[str], counts: Counter[str]) -> None:
    """Write down what a shard came to, with checksums; this is what makes it count as done."""
    folder = out / plan.folder
    files = {name: {"bytes": (folder / name).stat().st_size, "blake2b": _blake2(folder / name)} for name in names}
    content = {"first": plan.first, "poses": plan.poses, "counts": dict(counts), "files": files}
    with atomic_write(folder / DONE) as part:
        part.write_text(json.dumps(content, indent=1) + "\n")


def finish(out: Path, plans: list[ShardPlan], identity: dict[str, Any], fps: float) -> Counter[str]:
    """manifest.json and README.md once every shard is done; the counts of all. Any process may do it: same bytes."""
    shards = [json.loads((out / plan.folder / DONE).read_text()) | {"folder": plan.folder} for plan in plans]
    with atomic_write(out / MANIFEST) as part:
        part.write_text(json.dumps({**identity, "fps": fps, "shards": shards}, indent=1) + "\n")
    with atomic_write(out / "README.md") as part:
        part.write_text(_readme(identity, fps))
    counts: Counter[str] = Counter()
    for shard in shards:
        counts.update(shard["counts"])
    return counts


def check_room(out: Path, wanted: int) -> None:
    """Refuse to begin what cannot fit on the disk. wanted: bytes."""
    existing = next(folder for folder in (out, *out.resolve().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if wanted > free:
        raise PoseFKError(
            f"--out {out} has {free / 1e9:.1f} GB left, the export needs about {wanted / 1e9:.1f} GB: choose another "
            "disk or fewer poses."
        )


def _blake2(path: Path) -> str:
    """As `b2sum FILE` prints it; twice as fast as SHA-256."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "blake2b").hexdigest()


def _readme(identity: dict[str, Any], fps: float) -> str:
    layout = Skeleton(identity["layout"])
    kind = "poses" if identity["frames"] == 1 else f"clips of {identity['frames']} frames at {fps:g} frames a second"
    source = identity["checkpoint"] or f"recipe {identity['recipe']}"
    return f"""# {identity["num_poses"]:,} synthetic {kind}

Made by PoseFK (`python -m augment.export`), format `{identity["format"]}`, from {source}, seed {identity["seed"]}.

* {FORMATS[identity["format"]].what}.
* Joints ({layout.name}): {", ".join(f"{i} {name}" for i, name in enumerate(layout.joints))}.
* Units: metres and radians. World: z up. Camera: x right, y down, z forward. Screen: x / w * 2 - 1, y / w * 2 - h / w.
* `manifest.json` has the settings, how many poses were drawn and kept, and the checksum of every file.
* Licence: the poses are yours to use. Where they were made of recorded motion, the recordings' licence applies.
"""
