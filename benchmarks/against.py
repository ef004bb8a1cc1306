"""Speed against another commit: CPU time of the same work in both, by turns, in two processes that stay.

    git worktree add --detach ../before COMMIT
    python -m benchmarks.against ../before --exports clipped_normal range_of_motion

Printed are medians, smallest and largest, and the ratio of the medians, which alone means something on a busy machine.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

# In either checkout: a line is an expression to compute; printed are the CPU seconds that it took.
CHILD = """
import contextlib, io, sys, time
import torch
from augment.export.__main__ import main as export
from kinematics import DHHuman
torch.set_num_threads(1)
generator, body = torch.Generator().manual_seed(0), DHHuman()
values = [torch.randn(16384, size, generator=generator).requires_grad_() for size in (28, 15, 3, 3)]
def forward():
    with torch.no_grad():
        body(*values)
def backward():
    torch.autograd.grad(body(*values).sum(), values)
out = sys.stdout
for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()):
        start = time.process_time()
        eval(line)
        seconds = time.process_time() - start
    print(seconds, file=out, flush=True)
"""


class Checkout:
    """A process in a checkout's folder."""

    def __init__(self, root: Path, out: Path) -> None:
        self.out, self.exports = out, 0
        environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD], cwd=root, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def seconds(self, work: str) -> float:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.exports += 1  # each into a new folder
        self.process.stdin.write(work.replace("OUT", str(self.out / str(self.exports))) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        return float(answer) if answer else sys.exit(f"{self.process.args} ended at: {work}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="folder of the other commit")
    parser.add_argument("--exports", nargs="*", default=["clipped_normal"], help="recipes; NEW=OLD if renamed since")
    parser.add_argument("--format", default="videopose3d", help="of the exports (%(default)s)")
    parser.add_argument("--poses", type=int, default=131_072, help="of an export (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each (%(default)s)")
    arguments = parser.parse_args()
    call = f'export("--recipe {{}} --num_poses {arguments.poses} --format {arguments.format} --out OUT".split())'
    works = {"forward, 16,384 poses": ["forward()"] * 2, "forward + backward": ["backward()"] * 2}
    for recipe in arguments.exports:
        now, _, then = recipe.partition("=")
        works[f"export, {now}"] = [call.format(then or now), call.format(now)]
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        roots = (arguments.before.resolve(), Path(__file__).resolve().parent.parent)
        sides = [Checkout(root, Path(folder, name)) for root, name in zip(roots, ("before", "now"), strict=True)]
        for name, both in works.items():
            pairs = [
                [side.seconds(work) for side, work in zip(sides, both, strict=True)]
                for _ in range(arguments.rounds + 1)
            ]
            columns = [sorted(column) for column in zip(*pairs[1:], strict=True)]  # the first of each warms up
            before, now = (statistics.median(column) for column in columns)
            spread = ", ".join(f"{column[0]:.3f} to {column[-1]:.3f}" for column in columns)
            print(f"{name:24} {before:.3f} s before, {now:.3f} s now ({spread}): {now / before:.3f}", flush=True)


if __name__ == "__main__":
    main()
