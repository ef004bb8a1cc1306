"""Runs of run_fk_gan.py that fill a table: each trained once, resumed where it was stopped, some side by side."""

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from kinematics.errors import PoseFKError
from posenets.checkpoints.files import LAST

Run = tuple[str, str, int]  # variant, lifter, seed
# At their published depth: recipe dh-aug alone would bring DH-AUG's deeper nets.
SINGLE_FRAME = {"simple_baseline": "--posenet_name simple_baseline --posenet_blocks 2",
                "videopose": "--posenet_name videopose --posenet_blocks 3"}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """Flags: budget, of all runs; lifters and variants, by name; side, of variants of the first lifter alone."""

    budget: str
    lifters: dict[str, str]
    variants: dict[str, str]
    side: dict[str, str] = field(default_factory=dict)


def runs(table: Table, seeds: Sequence[int]) -> list[Run]:
    """All runs of a table, seed by seed: a table that is stopped early has the first of everything."""
    main = [(variant, lifter, seed) for seed in seeds for lifter in table.lifters for variant in table.variants]
    return main + [(variant, next(iter(table.lifters)), seed) for seed in seeds for variant in table.side]


def folder_of(out: Path, run: Run) -> Path:
    variant, lifter, seed = run
    return out / f"{variant}_{lifter}_{seed}".replace(" ", "_")


def flags_of(run: Run, table: Table, **fixed: object) -> list[str]:
    """What run_fk_gan.py is told. fixed: further flags; of a flag that is given twice the last counts."""
    variant, lifter, seed = run
    text = f"{table.budget} {(table.variants | table.side)[variant]} {table.lifters[lifter]}"
    flags = {name: values for name, *values in (part.split() for part in text.split("--") if part.strip())}
    flags |= {name: [str(value)] for name, value in {"figures": False, "seed": seed, **fixed}.items()}
    return [word for name, values in flags.items() for word in (f"--{name}", *values)]


def train(folder: Path, flags: Sequence[str], threads: int = 0) -> Path:
    """Train a run to its end, from where it was stopped if it was. Returns its folder, which is in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    call(folder, ["run_fk_gan.py", *_resume_flags(folder, flags)], threads)
    return _newest(folder, "results.jsonl")[0].parent


def _resume_flags(folder: Path, flags: Sequence[str]) -> list[str]:
    stopped = _newest(folder, LAST)
    return ["--resume", str(stopped[0].parent)] if stopped else list(flags)


def _newest(folder: Path, name: str) -> list[Path]:
    """Files of that name in the folders of runs, the newest first."""
    return sorted(folder.glob(f"*/*/*/{name}"), key=lambda path: path.stat().st_mtime, reverse=True)


def call(folder: Path, command: Sequence[str], threads: int = 0) -> None:
    """Run a program of this repository, its output in folder/log.txt, whose last line a failure repeats."""
    environment = os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
    log = folder / "log.txt"
    with open(log, "a") as file:
        done = subprocess.run(
            [sys.executable, *command], stdout=file, stderr=subprocess.STDOUT, env=environment, check=False
        )
    if done.returncode:
        last = (log.read_text().strip().splitlines() or ["nothing was printed"])[-1]
        raise PoseFKError(f"{command[0]} ended with exit code {done.returncode}: {last} (all of it: {log})")


def in_parallel(function: Callable[[Run], object], all_runs: Sequence[Run], workers: int) -> None:
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(function, all_runs))


def mean_and_sd(values: Sequence[float]) -> str:
    """Format a mean and, of two values or more, their standard deviation."""
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}"
