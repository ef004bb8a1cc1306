"""What an export folder says about itself when all is done: manifest.json, and a README for who finds it.

    python -m augment.export.manifest FOLDER

reads all files of an export again and says whether they are what was written.
"""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from augment.export.folder import ShardPlan, is_as_written
from augment.export.formats import FORMATS
from augment.export.records import DONE, MANIFEST, read_manifest, read_shard
from data.files.writing import atomic_write
from kinematics import PoseFKError, Skeleton, exit_with_one_sentence


def finish(out: Path, plans: list[ShardPlan], identity: dict[str, Any], fps: float) -> Counter[str]:
    """manifest.json and README.md once every shard is done; the counts of all. Any process may do it: same bytes."""
    shards = [read_shard(out / plan.folder / DONE) | {"folder": plan.folder} for plan in plans]
    with atomic_write(out / MANIFEST) as part:
        part.write_text(json.dumps({**identity, "fps": fps, "shards": shards}, indent=1) + "\n")
    with atomic_write(out / "README.md") as part:
        part.write_text(_readme(identity, fps))
    counts: Counter[str] = Counter()
    for shard in shards:
        counts.update(shard["counts"])
    return counts


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
        for shard in read_manifest(out / MANIFEST)["shards"]
        for name, entry in shard["files"].items()
    }
    wrong = [path for path, entry in files.items() if not is_as_written(path, entry, by_content=True)]
    if wrong:
        raise PoseFKError(f"{len(wrong)} of {len(files)} files are missing or damaged, first {wrong[0]}: copy again.")
    print(f"All {len(files)} files are what was written.")


def _readme(identity: dict[str, Any], fps: float) -> str:
    layout = Skeleton(identity["layout"])
    content = "poses" if identity["frames"] == 1 else f"clips of {identity['frames']} frames at {fps:g} frames a second"
    source = identity["checkpoint"] or f"recipe {identity['recipe']}"
    return f"""# {identity["num_poses"]:,} synthetic {content}

Made by PoseFK (`python -m augment.export`), format `{identity["format"]}`, from {source}, seed {identity["seed"]}.

* {FORMATS[identity["format"]].description}.
* Joints ({layout.name}): {", ".join(f"{i} {name}" for i, name in enumerate(layout.joints))}.
* Units: metres and radians. World: z up. Camera: x right, y down, z forward. Screen: x / w * 2 - 1, y / w * 2 - h / w.
* `manifest.json` has the settings, how many poses were drawn and kept, and size and CRC-32 of every file;
  `python -m augment.export.manifest FOLDER` compares them.
* Licence: the poses are yours to use. Where they were made of recorded motion, the recordings' licence applies.
"""


if __name__ == "__main__":
    exit_with_one_sentence(main)
