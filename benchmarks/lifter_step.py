"""Speed of one training step of each lifter, against matrix products timed beside it.

    python -m benchmarks.lifter_step

A step is forward, MPJPE loss, backward and Adam on a batch of 1,024 poses at the published size (1024 channels). Its
work is counted as the floating point operations of its matrix products, 2 * rows * inputs * outputs each: forward,
backward to the weights, and backward to the input of all layers but the first.
"""

import statistics
from collections.abc import Callable

import torch
from torch import nn

from benchmarks.command_line import without_flags
from benchmarks.timing import Rate, seconds_of, thread_counts
from posenets import build_posenet

BATCH = 1024


def product_of_1024_256_256() -> Callable[[], object]:
    """The yardstick: (1024, 256) @ (256, 256)."""
    left, right = torch.randn(1024, 256), torch.randn(256, 256)
    return lambda: left @ right


def training_step(name: str) -> tuple[Callable[[], object], float]:
    """A step of a lifter, and the floating point operations of its matrix products."""
    torch.manual_seed(0)
    posenet = build_posenet(name).train()
    optimizer = torch.optim.Adam(posenet.parameters(), lr=1e-3, fused=True)
    joints_2d, target = torch.randn(BATCH, 1, 16, 2), torch.randn(BATCH, 16, 3)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss = (posenet(joints_2d) - target).norm(dim=-1).mean()
        loss.backward()
        optimizer.step()

    layers = [module for module in posenet.modules() if isinstance(module, nn.Conv1d | nn.Linear)]
    sizes = [layer.weight.numel() for layer in layers]
    first = min(sizes)  # 32 -> 1024: its input needs no gradient
    return step, 2.0 * BATCH * (3 * sum(sizes) - first)


def measure(names: tuple[str, ...] = ("videopose", "simple_baseline"), rounds: int = 15) -> list[Rate]:
    """Rows for each lifter on torch's threads. Yardstick and step alternate, so both see the same machine."""
    product = product_of_1024_256_256()
    product_flops = 2.0 * 1024 * 256 * 256
    rows = []
    for name in names:
        step, flops = training_step(name)
        for _ in range(3):
            step(), product()
        product_seconds, step_seconds = [], []
        for _ in range(rounds):
            product_seconds += [seconds_of(product) for _ in range(20)]
            step_seconds.append(seconds_of(step))
        seconds = statistics.median(step_seconds)
        rate, yardstick = flops / seconds, product_flops / statistics.median(product_seconds)
        rows.append(Rate(name, torch.get_num_threads(), seconds * 1e3, rate / 1e9, rate / yardstick))
    return rows


def main() -> None:
    without_flags(__doc__)
    print(f"training step, batch {BATCH}, 1024 channels, against (1024, 256) @ (256, 256)")
    for _ in thread_counts():
        for row in measure():
            print(
                f"{row.name:16} {row.threads} thread(s): {row.milliseconds:7.1f} ms, {row.gflops:6.1f} GFLOP/s, "
                f"{100 * row.share:5.1f} % of the product's rate"
            )


if __name__ == "__main__":
    main()
