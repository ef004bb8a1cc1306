"""What an export folder says about itself: whose it is, which shards are done, and a README for who finds it.

    python -m augment.export.manifest FOLDER

reads all files of an export again and says whether they are what was written.
"""

import json
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augment.export.checksums import crc32_as_written, crc32_of
from augment.export.formats import FORMATS
from data.files.writing import atomic_write
from kinematics import PoseFKError, Skeleton, exit_with_one_sentence

IDENTITY, DONE, MANIFEST = "export.json", "shard.json", "manifest.json"
VERSION = 2  # of the bytes that a seed gives: one export has one


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
        if known.get("version") != identity["version"]:
            raise PoseFKError(
                f"--out {out} was begun by another version of PoseFK, whose seeds give other poses: give a new folder."
            )
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
        made = f"{num_poses:,} poses make {blocks} block{'s' * (blocks > 1)}"
        raise PoseFKError(f"--shards {shards}: {made}, expected at most that many.")
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
    files = {
        name: {"bytes": (folder / name).stat().st_size, "crc32": crc32_as_written(folder / name)} for name in names
    }
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


def main(arguments: Sequence[str] | None = None) -> None:
    """The command: compares every file with the manifest."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return
    if len(arguments) != 1 or arguments[0].startswith("-"):
        raise PoseFKError("augment.export.manifest takes the folder of one export: the one that was given as --out.")
    out = Path(arguments[0])
    if not (out / MANIFEST).is_file():
        raise FileNotFoundError(f"{out / MANIFEST} is missing: this is not the folder of an export that was finished.")
    files = {
        out / shard["folder"] / name: entry
        for shard in json.loads((out / MANIFEST).read_text())["shards"]
        for name, entry in shard["files"].items()
    }
    wrong = [path for path, entry in files.items() if not path.is_file() or crc32_of(path) != entry["crc32"]]
    if wrong:
        raise PoseFKError(
            f"{len(wrong)} of {len(files)} files are missing or damaged, first {wrong[0]}: copy them again."
        )
    print(f"All {len(files)} files are what was written.")


def _readme(identity: dict[str, Any], fps: float) -> str:
    layout = Skeleton(identity["layout"])
    kind = "poses" if identity["frames"] == 1 else f"clips of {identity['frames']} frames at {fps:g} frames a second"
    source = identity["checkpoint"] or f"recipe {identity['recipe']}"
    return f"""# {identity["num_poses"]:,} synthetic {kind}

Made by PoseFK (`python -m augment.export`), format `{identity["format"]}`, from {source}, seed {identity["seed"]}.

* {FORMATS[identity["format"]].what}.
* Joints ({layout.name}): {", ".join(f"{i} {name}" for i, name in enumerate(layout.joints))}.
* Units: metres and radians. World: z up. Camera: x right, y down, z forward. Screen: x / w * 2 - 1, y / w * 2 - h / w.
* `manifest.json` has the settings, how many poses were drawn and kept, and size and CRC-32 of every file;
  `python -m augment.export.manifest FOLDER` compares them.
* Licence: the poses are yours to use. Where they were made of recorded motion, the recordings' licence applies.
"""


if __name__ == "__main__":
    exit_with_one_sentence(main)
