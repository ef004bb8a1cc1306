"""Speed of DHHuman, eager and compiled, against a chain of 4x4 matrix products timed beside it.

    python -m benchmarks.forward_kinematics

One thread, float32. The three take turns, so all see the same machine; compared are their medians. `backward` is the
gradient of the sum of all coordinates with respect to the four inputs.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.command_line import without_flags
from benchmarks.naive_fk import naive_forward_kinematics
from benchmarks.timing import seconds_of
from kinematics import DHHuman

SIZES = (1024, 16384)
# Calls of each per round: about the same time for each.
CALLS = {"4x4 matrices": 1, "eager": 4, "compiled": 16}


@dataclass(frozen=True)
class Row:
    """One measurement. microseconds: median of a call; ratio: how many times as fast as the matrices."""

    name: str
    backward: bool
    poses: int
    microseconds: float
    ratio: float

    @property
    def poses_per_second(self) -> float:
        return self.poses / self.microseconds * 1e6


def _inputs(poses: int, requires_grad: bool) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    angles, rotation, root = (torch.randn(poses, size, generator=generator) for size in (28, 3, 3))
    lengths = torch.rand(poses, 15, generator=generator)
    return [values.requires_grad_(requires_grad) for values in (angles, lengths, rotation, root)]


def _step(function: Callable[..., Tensor], inputs: list[Tensor], backward: bool) -> Callable[[], object]:
    def forward() -> Tensor:
        with torch.no_grad():
            return function(*inputs)

    return (lambda: torch.autograd.grad(function(*inputs).sum(), inputs)) if backward else forward


def measure(backward: bool = True, rounds: int = 15) -> list[Row]:
    """Rows for each size and function, on one thread. backward: also forward + backward, which takes longer to
    compile than everything else takes to run."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    body = DHHuman()
    rows = []
    for with_backward in (False, True)[: 1 + backward]:
        for poses in SIZES:
            torch.compiler.reset()
            compiled = torch.compile(body, fullgraph=True, dynamic=False)
            functions = {"4x4 matrices": naive_forward_kinematics, "eager": body, "compiled": compiled}
            inputs = _inputs(poses, with_backward)
            steps = {name: _step(function, inputs, with_backward) for name, function in functions.items()}
            rows += _race(steps, with_backward, poses, rounds)
    torch.set_num_threads(threads)
    return rows


def _race(steps: dict[str, Callable[[], object]], backward: bool, poses: int, rounds: int) -> list[Row]:
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step(), step()
    for _ in range(rounds):
        for name, step in steps.items():
            seconds[name] += [seconds_of(step) for _ in range(CALLS[name])]
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    yardstick = medians["4x4 matrices"]
    return [Row(name, backward, poses, median * 1e6, yardstick / median) for name, median in medians.items()]


def main() -> None:
    without_flags(__doc__)
    print("forward kinematics, one thread, float32")
    for row in measure():
        what = "forward+backward" if row.backward else "forward"
        print(
            f"{what:17} {row.poses:6} poses, {row.name:12}: {row.microseconds:9.0f} us, "
            f"{row.poses_per_second / 1e6:6.3f} M poses/s, {row.ratio:5.1f}x"
        )


if __name__ == "__main__":
    main()
