"""An epoch of Human3.6M's size, and the run it is part of, from the time of some of its steps."""

import statistics
import time
from collections.abc import Iterator

import torch

from augment import Augmenter
from benchmarks.gpu.measuring import Bench, Row
from benchmarks.gpu.motion import H36M_POSES, random_motion
from data import PoseDataset
from training.building import build_lifter
from training.config import Settings, read_settings
from training.course import Course
from training.detections import RunNoise
from training.distributed import Processes
from training.lifting import trainer_of
from training.plan import Round, augments, plan_of

LIFTERS = {
    "simple_baseline": "--posenet_name simple_baseline", "videopose 1": "--posenet_name videopose",
    "videopose 27": "--posenet_name videopose --frames 27", "poseformer 27": "--posenet_name poseformer --frames 27",
}  # fmt: skip
SMALL_LIFTERS = {"simple_baseline": "--posenet_name simple_baseline --posenet_width 16 --batch_size 32"}
RECIPES = ("none", "dh-aug", "posefk")
WARM_UP, LEAST_STEPS, MOST_STEPS = 3, 5, 2000


def epochs(bench: Bench) -> Iterator[Row]:
    """A row for each lifter and recipe."""
    poses = 2_000 if bench.small else H36M_POSES
    for name, flags in (SMALL_LIFTERS if bench.small else LIFTERS).items():
        for recipe in RECIPES:
            if bench.late:
                return
            yield epoch(bench, name, recipe, flags, poses)


def epoch(bench: Bench, name: str, recipe: str, flags: str, poses: int) -> Row:
    """Time of each kind of round, laid out over the epochs that such a run has."""
    settings = read_settings(["--dataset", "h36m", "--recipe", recipe, "--num_joints", "16", *flags.split()])
    course = course_of(settings, poses, bench.device)
    plan, batch = course.plan, settings.learning.batch_size
    kinds = {kind.stage: (at, kind) for at in (0, plan.epochs - 1) for kind in plan.rounds(at)}
    seconds, steps = {}, 0
    for stage, (course.epoch, kind) in kinds.items():  # late enough for the motion critics, which join in the warm-up
        seconds[stage], count = step_seconds(bench, course, kind)
        steps += count
    of_epoch = [sum(seconds[kind.stage] for kind in plan.rounds(at)) * plan.steps for at in range(plan.epochs)]
    last = plan.rounds(plan.epochs - 1)
    course.step = 1
    looked_at = bench.looked_at(lambda: one_step(course, last[0]), calls=max(1, settings.learning.gan_every))
    per_epoch = f"{plan.steps:,} batches of {batch:,}" + (" twice" if len(last) > 1 else "")
    note = f"{per_epoch}, extrapolated from {steps}; the run: {plan.epochs} epochs"
    return Row(
        "epoch", f"{name}, {recipe}", 1e3 * statistics.mean(seconds[kind.stage] for kind in last),
        batch / statistics.mean(seconds[kind.stage] for kind in last), **looked_at, epoch_s=of_epoch[-1],
        run_h=sum(of_epoch) / 3600, note=note,
    )  # fmt: skip


def course_of(settings: Settings, poses: int, device: torch.device) -> Course:
    """The parts of a run on random motion, put together as run_fk_gan.train does."""
    torch.manual_seed(settings.seed)
    lifter = build_lifter(settings, "h36m_16").to(device)
    real: PoseDataset = random_motion(poses, lifter.frames, device)
    lifter.fps = real.fps
    augmenter = Augmenter(settings.augment, real, None, 0, device) if augments(settings) else None
    noise = RunNoise()
    trainer = trainer_of(lifter, settings, real, noise)
    return Course(settings, plan_of(settings, len(real)), Processes(0, 1, device), real, augmenter, trainer, noise)


def one_step(course: Course, kind: Round) -> None:
    """What run_fk_gan.learn does with a batch, without telling of it."""
    course.set_learning_rate()
    batch, _ = course.next_batch(kind)
    if batch is not None:
        course.trainer.step(batch)
    course.step += 1


def step_seconds(bench: Bench, course: Course, kind: Round) -> tuple[float, int]:
    """Of a step in the mean over whole blocks of gan_every, and how many steps it is the mean of."""
    block, course.step = course.settings.learning.gan_every, 0
    for _ in range(WARM_UP * block):
        one_step(course, kind)
    bench.wait()
    start, steps = time.perf_counter(), 0
    while steps < LEAST_STEPS or time.perf_counter() - start < bench.seconds:
        for _ in range(block):
            one_step(course, kind)
        steps += block
        if steps >= MOST_STEPS or (bench.small and steps >= LEAST_STEPS):
            break
    bench.wait()
    return (time.perf_counter() - start) / steps, steps
