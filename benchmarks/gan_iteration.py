"""Speed of one GAN iteration of the recipe dh-aug, against a matrix product timed beside it.

    python -m benchmarks.gan_iteration

An iteration is one `Augmenter.update` on 1,024 poses, nets 256 wide: fakes, both critics on plain and mirrored poses
with gradient penalty, Adam; every fifth also a generator step. Measured is the mean of such a cycle of five.

Its work is counted twice. "run": the floating point operations of the matrix products that are really run, by a
dispatcher that sees every one of them. "published": those of the published program, whose gradient penalty also runs a
backward pass on zeros: for each critic and both mirror images 12 times a forward pass where 10 do.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from augment import Augmenter
from augment.cameras import wide_cameras
from augment.gan.critics import Critic2D, Critic3D
from augment.settings import RECIPES
from augment.sources.random_poses import range_of_motion_poses
from augment.visible import project_to_batch
from benchmarks.command_line import without_flags
from benchmarks.timing import Rate, seconds_of, thread_counts
from data.batch import PoseBatch
from kinematics import DHHuman

BATCH, WIDTH, CYCLE = 1024, 256, 5
PRODUCT_FLOPS = 2.0 * BATCH * WIDTH * WIDTH
PRODUCTS_BETWEEN = 40
# Two forward passes' worth of both critics' weights, for the plain and for the mirrored poses.
WEIGHTS = sum(p.numel() for net in (Critic3D(WIDTH), Critic2D(WIDTH)) for p in net.parameters() if p.ndim == 2)
ZEROS_FLOPS = 2 * 2 * BATCH * 2.0 * WEIGHTS
BODY_M = (0.45, 0.45, 0.45, 0.45, 0.13, 0.13, 0.24, 0.25, 0.15, 0.15, 0.28, 0.28, 0.25, 0.25, 0.19)


class FlopCounter(TorchDispatchMode):
    """Adds up the operations of all matrix products. (FlopCounterMode fails under autograd.grad of a leaf.)"""

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func._overloadpacket.__name__.removesuffix("_")  # the registry does not know addmm_
        count = flop_registry.get(getattr(torch.ops.aten, name, None))
        if count is not None:
            self.flops += count(*args, **(kwargs or {}), out_val=out)
        return out


def real_poses(count: int = BATCH) -> PoseBatch:
    """Stand-ins for real poses: the speed does not depend on what they show."""
    generator = torch.Generator().manual_seed(0)
    poses = range_of_motion_poses(count, generator)
    root = torch.tensor([0.0, 0.0, 1.0]).expand(count, 3)
    joints = DHHuman()(poses.joint_angles, torch.tensor(BODY_M), poses.global_rotation, root)[:, None]
    return project_to_batch(joints, wide_cameras(joints[:, 0, 0], generator))


def iteration() -> Callable[[], object]:
    """One update of dh-aug at the benchmark's size."""
    settings = RECIPES["dh-aug"]
    gan = replace(settings.gan, generator_width=WIDTH, critic_width_3d=WIDTH, critic_width_2d=WIDTH)
    real = real_poses()
    augmenter = Augmenter(replace(settings, gan=gan), real)
    return lambda: augmenter.update(real)


def measure(rounds: int = 5) -> list[Rate]:
    """One row on torch's threads. Products and updates alternate, and each cycle has its own share.

    A processor whose twin is busy with something else is slower by a third: both must meet the same machine.
    """
    update = iteration()
    left, right = torch.randn(BATCH, WIDTH), torch.randn(WIDTH, WIDTH)
    with FlopCounter() as counter:
        for _ in range(CYCLE):
            update()
    flops = counter.flops / CYCLE
    # Of one thread the processor's time, which other programs on the machine do not stretch.
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    seconds, shares = [], []
    for _ in range(rounds):
        cycle, products = 0.0, []
        for _ in range(CYCLE):
            products += [seconds_of(lambda: left @ right, clock) for _ in range(PRODUCTS_BETWEEN)]
            cycle += seconds_of(update, clock)
        seconds.append(cycle / CYCLE)
        shares.append(flops / seconds[-1] / (PRODUCT_FLOPS / statistics.mean(products)))
    middle = statistics.median(seconds)
    share, published = statistics.median(shares), 1 + ZEROS_FLOPS / flops
    threads = torch.get_num_threads()
    return [Rate("gan iteration (dh-aug)", threads, middle * 1e3, flops / middle / 1e9, share, published)]


def main() -> None:
    without_flags(__doc__)
    for _ in thread_counts():
        for row in measure():
            print(
                f"{row.name}, {row.threads} thread(s): {row.milliseconds:.0f} ms, {row.gflops:.1f} GFLOP/s, "
                f"{100 * row.share:.0f} % of a (1024, 256) @ (256, 256) product beside it "
                f"({100 * row.share * row.published:.0f} % with the published program's operations)"
            )


if __name__ == "__main__":
    main()
