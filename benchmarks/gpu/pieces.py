"""The pieces of a training step, each by itself: kinematics, sampling, a GAN iteration, a step of every lifter."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from augment import Augmenter
from augment.settings import RECIPES
from benchmarks.gan_iteration import CYCLE, FlopCounter, real_poses
from benchmarks.gpu.measuring import Bench, Row, calculating_in, precisions_of
from benchmarks.gpu.motion import random_motion
from kinematics import DHHuman
from posenets import Lifter
from run_fk_gan import update_lifter
from training.building import build_lifter
from training.config import read_settings
from training.lifting import LifterTrainer

FK_NUMBERS_IN, FK_NUMBERS_OUT = 28 + 15 + 3 + 3, 16 * 3
# As published: flags of a run, and its batch.
LIFTERS = {
    "simple_baseline": ("--posenet_name simple_baseline", 1024),
    "videopose 1": ("--posenet_name videopose", 1024),
    "videopose 27": ("--posenet_name videopose --frames 27", 1024),
    "videopose 243": ("--posenet_name videopose --frames 243", 1024),
    "sem_gcn": ("--posenet_name sem_gcn", 1024),
    "st_gcn 1": ("--posenet_name st_gcn", 1024),
    "poseformer 27": ("--posenet_name poseformer --frames 27", 512),
    "seq2seq 5": ("--posenet_name seq2seq --frames 5", 1024),
    "esmformer 27": ("--posenet_name esmformer --frames 27", 256),
}
SMALL_LIFTERS = {
    "simple_baseline": ("--posenet_name simple_baseline --posenet_width 32", 32),
    "esmformer 3": ("--posenet_name esmformer --frames 3 --posenet_width 16 --posenet_blocks 1", 8),
}


def forward_kinematics(bench: Bench) -> Iterator[Row]:
    """Forward, and forward with the gradients of all four inputs. Its bytes: every number read and written once."""
    body = DHHuman()
    for poses in (64,) if bench.small else (1024, 16384, 262144):
        for backward in (False, True):
            if bench.late:
                return
            work = _fk_step(body, poses, backward, bench.device)
            numbers = FK_NUMBERS_IN + FK_NUMBERS_OUT + backward * (2 * FK_NUMBERS_IN + FK_NUMBERS_OUT)
            seconds = bench.median_seconds(work)
            name = f"{'forward+backward' if backward else 'forward'}, {poses:,} poses"
            share = 4 * numbers * poses / seconds / bench.copy
            looked_at = bench.looked_at(work)
            yield Row("forward kinematics", name, 1e3 * seconds, poses / seconds, share, "copy", **looked_at)


def _fk_step(body: DHHuman, poses: int, backward: bool, device: torch.device) -> Callable[[], object]:
    inputs = [torch.randn(poses, size, device=device, requires_grad=backward) for size in (28, 15, 3, 3)]

    def forward() -> object:
        with torch.no_grad():
            return body(*inputs)

    return (lambda: torch.autograd.grad(body(*inputs).sum(), inputs)) if backward else forward


def sampling(bench: Bench) -> Iterator[Row]:
    """Poses of the recipe posefk, as the lifter gets them."""
    for frames in (1,) if bench.small else (1, 27):
        augmenter = Augmenter("posefk", random_motion(2_000, frames, bench.device), device=bench.device)
        for poses in (64,) if bench.small else (1024, 16384):
            if bench.late:
                return
            if frames * poses > 2**17:
                continue
            work = _sample(augmenter, poses)
            seconds = bench.median_seconds(work)
            name = f"{poses:,} poses" if frames == 1 else f"{poses:,} clips of {frames}"
            yield Row("sampling (posefk)", name, 1e3 * seconds, poses / seconds, **bench.looked_at(work))


def _sample(augmenter: Augmenter, poses: int) -> Callable[[], object]:
    return lambda: augmenter.sample(poses)


def gan_iterations(bench: Bench) -> Iterator[Row]:
    """Updates of dh-aug's GAN, nets 256 wide: the mean of a cycle of five, one of which moves the generator."""
    width = 16 if bench.small else 256
    settings = RECIPES["dh-aug"]
    gan = replace(settings.gan, generator_width=width, critic_width_3d=width, critic_width_2d=width)
    for batch in (32,) if bench.small else (1024, 8192):
        if bench.late:
            return
        real = real_poses(batch).to(bench.device)
        cycle = _cycle(Augmenter(replace(settings, gan=gan), real, device=bench.device), real)
        seconds = bench.median_seconds(cycle, least=2) / CYCLE
        share = _flops(cycle) / CYCLE / seconds / bench.products["float32"]
        looked_at = bench.looked_at(cycle)
        for name in ("kernels", "waits"):
            looked_at |= {name: round(count / CYCLE)} if (count := looked_at.get(name)) is not None else {}
        yield Row("GAN iteration", f"batch {batch:,}", 1e3 * seconds, batch / seconds, share, "product", **looked_at)


def _cycle(augmenter: Augmenter, real) -> Callable[[], object]:
    return lambda: [augmenter.update(real) for _ in range(CYCLE)]


def _flops(work: Callable[[], object]) -> float:
    with FlopCounter() as counter:
        work()
    return counter.flops


def lifter_steps(bench: Bench) -> Iterator[Row]:
    """A training step as a run of the recipe none makes it: a batch and its mirror image."""
    for name, (flags, batch) in (SMALL_LIFTERS if bench.small else LIFTERS).items():
        for precision in precisions_of(bench.device):
            if bench.late:
                return
            work = lifter_step(flags, batch, precision, bench.device)
            with calculating_in(precision):
                flops, seconds = _flops(work), bench.median_seconds(work)
                share = flops / seconds / bench.products[precision]
                label = f"{name}, batch {batch}, {precision}"
                looked_at = bench.looked_at(work)
            yield Row("lifter step", label, 1e3 * seconds, batch / seconds, share, "product", **looked_at)


def lifter_step(flags: str, batch: int, precision: str, device: torch.device) -> Callable[[], object]:
    """One call of update_lifter on poses of chance."""
    narrow = "bfloat16" if precision == "bfloat16" else "float32"
    settings = read_settings(
        ["--dataset", "h36m", "--recipe", "none", "--num_joints", "16", *flags.split(), "--precision", narrow]
    )
    torch.manual_seed(0)
    lifter: Lifter = build_lifter(settings, "h36m_16").to(device)
    trainer = LifterTrainer(lifter, settings.learning)
    data = random_motion(max(4 * batch, 64), lifter.frames, device)
    views = lifter.views
    poses = data.batch(torch.arange(batch * views, device=device) % len(data))
    seen = poses if views == 1 else poses.in_views(views)
    return lambda: update_lifter(trainer, seen)
