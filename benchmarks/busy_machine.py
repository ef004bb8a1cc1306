"""Speed of a training run on an idle machine and beside other programs, by how its threads wait.

    python -m benchmarks.busy_machine              some 10 minutes; the machine has to be idle
    python -m benchmarks.busy_machine --runs 1

Each run is `run_fk_gan.py --dataset cmu --posenet_name simple_baseline --recipe none --epochs 1`, its pace as it prints
it (poses a second, the first evaluation included); beside it so many processes that only count. Ways and loads
alternate; the table has medians.
"""

import argparse
import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from evaluation.tables import columns

ROOT = Path(__file__).parents[1]
COMMAND = "run_fk_gan.py --dataset cmu --posenet_name simple_baseline --recipe none --epochs 1 --figures False"
LIMIT = 40  # s; one that has not ended by then, of some 35,000 poses, counts as 0
# name -> flags, environment
WAYS = {
    "default": ("", {}),
    "--threads 1": ("--threads 1", {}),
    "spinning always": ("", {"GOMP_SPINCOUNT": "300000"}),  # GNU OpenMP's own default
    "never spinning": ("", {"OMP_WAIT_POLICY": "PASSIVE"}),
}


@contextlib.contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Processes that each keep a core busy."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def pace(way: str, folder: str) -> float:
    """Poses a second of one run; 0 for one that was not done in time."""
    flags, environment = WAYS[way]
    words = [sys.executable, *f"{COMMAND} {flags} --checkpoint {folder}".split()]
    try:
        done = subprocess.run(
            words, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=True,
            timeout=LIMIT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return 0.0
    match = re.search(r"([\d,]+) poses/s", done.stdout)
    if match is None:
        raise ValueError(f"{COMMAND} printed no pace: {done.stdout[-200:]}")
    return float(match[1].replace(",", ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="runs of each way at each load (3)")
    runs = parser.parse_args().runs
    paces: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            for load in (0, 1, 2):
                for way in WAYS:
                    with busy_processes(load):
                        paces.setdefault((way, load), []).append(pace(way, folder))
                    print(f"{way}, {load} busy: {paces[way, load][-1]:,.0f} poses/s", file=sys.stderr, flush=True)
    rows = [["poses/s", "idle", "beside one", "beside two"]]
    for way in WAYS:
        cells = [paces[way, load] for load in (0, 1, 2)]
        rows.append([way, *(f"{statistics.median(cell):,.0f} ({min(cell):,.0f}-{max(cell):,.0f})" for cell in cells)])
    print(columns(rows))


if __name__ == "__main__":
    main()
