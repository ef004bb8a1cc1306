"""Export a synthetic pose set for your own trainer.

    python -m augment.export --recipe clipped_normal --num_poses 100000 --format videopose3d --out synthetic
    python -m augment.export --checkpoint checkpoint/.../last.safetensors --num_poses 1000000 --out synthetic
    torchrun --nproc_per_node 4 -m augment.export --recipe range_of_motion --num_poses 10000000 --shards 16 --out big

A stopped export goes on with the same command: finished shards are not made again. The same seed gives the same bytes,
however many processes write. docs/export.md describes the formats.
"""

import contextlib
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from augment.export import folder
from augment.export.formats import FORMATS, Chunk
from augment.export.formats.chunk import Shard
from augment.export.manifest import finish
from augment.export.poses import EXPORT_RECIPES, KEEP, WITHOUT_DATA, PoseStream, Rules, kept_bytes
from augment.export.records import DONE, MANIFEST
from data import DATA_SOURCES, DataSettings
from data.command_line import read_flags
from data.files.download import sha256_of
from kinematics import PoseFKError, Skeleton, exit_with_one_sentence
from kinematics.errors import choose
from posenets.checkpoints.files import find_checkpoint

FRAMES_PER_CHUNK = 32768
HELD_AT_ONCE = 100  # shards: each is an open file, of which many systems allow 256


@dataclass
class Export:
    """What to draw and how to write it."""

    out: Path
    """Folder to write to; of this export alone."""
    num_poses: int = 10_000
    """Poses, or clips of several frames."""
    format: str = "videopose3d"
    """File format: videopose3d, poseaug, motionbert, mmpose, hdf5, bvh, coco, or one that a plugin brings."""
    recipe: str = ""
    """clipped_normal and range_of_motion (random poses, no data needed), or limb_swap (recorded poses with limbs
    exchanged); default clipped_normal."""
    checkpoint: Path | None = None
    """last.safetensors of a run: poses of its trained augmenter, instead of a recipe."""
    layout: str = ""
    """Joints: h36m_16, h36m_17, mpi_inf_3dhp_17, lsp_14 or coco_17, as far as the format holds them."""
    frames: int = 1
    """Frames of a clip; 1: single poses. A checkpoint brings its own."""
    keep: tuple[str, ...] = ()
    """Further arrays: angles (rad), bones (m), cameras, definitions (of the joints, kinematics.definitions), seeds."""
    within_limits: bool = False
    """Drop poses with a joint angle outside the anatomical limits."""
    min_novelty_mm: float = 0.0
    """Drop poses nearer than this to a recorded pose, mm, mean over the joints; 0: keep all."""
    definition_share: float = 0.0
    """Part of the poses, 0 to 1, whose joints are defined as other data sets have them, at random."""
    seed: int = 0
    """Seed; the same one gives the same bytes."""
    shards: int = 1
    """Parts the export is written in, each a folder; the processes of torchrun share them."""
    dataset: str = "cmu"
    """Recorded poses for limb_swap: cmu (built in), h36m, mpi_inf_3dhp or ski."""
    data_root: str = "data"
    """Folder of the prepared npz files."""
    plugins: tuple[str, ...] = ()
    """Modules to import first (dotted names or .py files), for what they register."""


def main(arguments: Sequence[str] | None = None) -> None:
    export(read_flags(Export, "augment.export", __doc__, arguments))


def export(settings: Export) -> None:
    """Write what this process has to write; the one that finds every shard done writes the manifest."""
    settings = checked(settings)
    rank, count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    torch.empty(1 << 23)  # 32 MB: what glibc has seen freed so large it keeps from then on instead of giving it back
    torch.set_num_threads(1)  # so that sums come out the same however many processes and cores there are
    checkpoint = checkpoint_identity(settings.checkpoint)
    stream = build_stream(settings)
    if checkpoint_identity(settings.checkpoint) != checkpoint:
        raise PoseFKError(f"{settings.checkpoint} was replaced while it was read: give a copy of it.")
    settings = replace(settings, frames=stream.frames)
    plans = folder.plan_shards(settings.num_poses, max(1, FRAMES_PER_CHUNK // stream.frames), settings.shards)
    recorded = "" if settings.recipe in WITHOUT_DATA else stream.recorded
    identity = export_identity(settings) | {"checkpoint": checkpoint, "recorded": recorded}
    mark = folder.identity_mark(identity)
    start = time.perf_counter()
    with told_trouble(settings.out):
        folder.check_room(settings.out, *needed_room(settings, plans))
        folder.claim(settings.out, identity)
        todo = [plan for plan in plans[rank::count] if not folder.is_done(settings.out, plan, mark, by_content=True)]
        write_shards(settings, stream, todo, mark, rank > 0)
        seconds = time.perf_counter() - start
        if all(folder.is_done(settings.out, plan, mark) for plan in plans):
            counts = finish(settings.out, plans, identity, stream.fps)
            if todo or rank == 0:  # under torchrun whoever was last tells
                report(settings, counts, sum(plan.poses for plan in todo), seconds)


@contextlib.contextmanager
def told_trouble(out: Path) -> Iterator[None]:
    """Say of a disk that is full or fails where it is and what goes on."""
    try:
        yield
    except OSError as error:
        if error.errno is None or isinstance(error, PermissionError | FileNotFoundError):
            raise
        raise PoseFKError(
            f"--out {out}: writing stopped ({error.strerror or error}). Make room or choose another disk; the same "
            "command goes on after the last finished shard."
        ) from error


def checked(settings: Export) -> Export:
    """Fill in defaults, or refuse the settings."""
    layouts = FORMATS[choose("--format", settings.format, FORMATS)].layouts
    for name, value, known in (
        ("recipe", settings.recipe or "clipped_normal", EXPORT_RECIPES),
        ("layout", settings.layout or layouts[0], layouts),
        ("dataset", settings.dataset, DATA_SOURCES),
        *(("keep", word, KEEP) for word in settings.keep),
    ):
        choose(f"--{name}", value, known, f" in the format {settings.format}" if name == "layout" else "")
    if settings.checkpoint is not None and settings.recipe:
        raise PoseFKError("--checkpoint and --recipe: give one of them, a trained augmenter or a recipe.")
    smallest = {"num_poses": 1, "frames": 1, "shards": 1, "seed": 0, "min_novelty_mm": 0}
    for name, least in smallest.items():
        if not getattr(settings, name) >= least:
            raise PoseFKError(f"--{name} {getattr(settings, name)}: expected {least} or more.")
    if not 0 <= settings.definition_share <= 1:
        raise PoseFKError(f"--definition_share {settings.definition_share}: expected a share from 0 to 1.")
    recipe = "" if settings.checkpoint is not None else settings.recipe or "clipped_normal"
    return replace(settings, recipe=recipe, layout=settings.layout or layouts[0])


def build_stream(settings: Export) -> PoseStream:
    rules = Rules(settings.within_limits, settings.min_novelty_mm / 1000, settings.definition_share)
    if settings.checkpoint is not None:
        return PoseStream.from_checkpoint(settings.checkpoint, settings.data_root, settings.seed, rules)
    data = DataSettings(dataset=settings.dataset, data_root=settings.data_root)
    return PoseStream.from_recipe(settings.recipe, data, settings.frames, settings.seed, rules)


def checkpoint_identity(checkpoint: Path | None) -> str:
    """Return a checkpoint's name and a digest of its content."""
    if checkpoint is None or not find_checkpoint(checkpoint).is_file():  # which reading it will tell
        return ""
    checkpoint = find_checkpoint(checkpoint)
    name = checkpoint.name if checkpoint.name.isprintable() else ascii(checkpoint.name)
    return f"{name}, sha256 {sha256_of(checkpoint)}"


def export_identity(settings: Export) -> dict[str, Any]:
    """Return the settings that decide the bytes; with what files hold, a folder belongs to one of these."""
    plain = {name: value for name, value in asdict(settings).items() if name not in ("out", "data_root", "plugins")}
    return plain | {"keep": [*settings.keep], "version": folder.VERSION}


def needed_room(settings: Export, plans: Sequence[folder.ShardPlan]) -> tuple[int, int]:
    """Bytes that are still to be written, and in how many files where every pose or clip has its own, else 0."""
    form, kept = FORMATS[settings.format], kept_bytes(settings.keep, settings.frames)
    todo = [plan for plan in plans if not (settings.out / plan.folder / DONE).is_file()]
    wanted = sum(form.size(build_shard(settings, plan, 0.0), kept) for plan in todo)
    return wanted, sum(plan.poses for plan in todo) if form.file_per_pose else 0


def build_shard(settings: Export, plan: folder.ShardPlan, fps: float) -> Shard:
    return Shard(settings.out / plan.folder, Skeleton(settings.layout), plan.poses, settings.frames, fps)


def write_shards(
    settings: Export, stream: PoseStream, todo: Sequence[folder.ShardPlan], mark: str, silent: bool
) -> None:
    damaged = [plan.folder for plan in todo if (settings.out / plan.folder / DONE).is_file()]
    if damaged:
        print(f"{len(damaged)} finished shards are not what was written, first {damaged[0]}: they are made again.")
    total = sum(plan.poses for plan in todo)
    with tqdm(total=total, unit="pose", unit_scale=True, disable=silent or not todo) as bar:
        for first in range(0, len(todo), HELD_AT_ONCE):
            plans = todo[first : first + HELD_AT_ONCE]
            with folder.held(settings.out, plans):
                for plan in plans:
                    if not folder.is_done(settings.out, plan, mark, by_content=True):  # by another process just now
                        write_shard(settings, stream, plan, mark, bar)


def write_shard(settings: Export, stream: PoseStream, plan: folder.ShardPlan, mark: str, bar: "tqdm[Any]") -> None:
    """Write one shard, its files whole or not at all."""
    shard = build_shard(settings, plan, stream.fps)
    per_chunk = max(1, FRAMES_PER_CHUNK // stream.frames)
    stream.counts = Counter()

    def chunks() -> Iterator[Chunk]:
        for number in plan.chunks:
            first = number * per_chunk
            count = min(per_chunk, plan.first + plan.poses - first)
            yield stream.chunk(number, first, count, shard.layout, settings.keep)
            bar.update(count)

    names = FORMATS[settings.format].write(chunks(), shard)
    folder.finish_shard(settings.out, plan, mark, names, stream.counts)


def report(settings: Export, counts: Counter[str], made: int, seconds: float) -> None:
    """Print what was drawn and kept, how fast, and where it is."""
    drawn = counts["drawn"]
    steps = [f"{name} {counts[name]:,} ({100 * counts[name] / drawn:.0f} %)" for name in counts if name != "drawn"]
    files = [path for path in settings.out.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(f"drawn {drawn:,}, {', '.join(steps)}")
    if made:
        print(f"{made / max(seconds, 1e-9):,.0f} poses/s, {size / settings.num_poses:,.0f} bytes a pose")
    else:
        print("All of it had been written before; nothing was made now.")
    what = f"{settings.num_poses:,} poses of {settings.layout}"
    print(f"{what} in {settings.out} ({size / 1e6:.1f} MB); {MANIFEST} says more")


if __name__ == "__main__":
    exit_with_one_sentence(main)
