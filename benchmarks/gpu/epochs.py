"""An epoch of Human3.6M's size, and the run it is part of, from the time of some of its steps."""

import statistics
import time
from collections.abc import Iterator

import torch

from augment import Augmenter
from benchmarks.gpu.measuring import Bench, Row
from benchmarks.gpu.motion import H36M_POSES, random_motion
from data import PoseDataset
from data.distributed import Processes
from run_fk_gan import update_lifter
from training.batches import BatchMixer
from training.building import build_lifter
from training.comparison import Comparison
from training.config import Settings, read_settings
from training.detections import RunDetectorNoise
from training.lifting import LifterTrainer
from training.schedule import Phase, augments, build_schedule
from training.state import TrainingState

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
    """Time of each phase, laid out over the epochs that such a run has."""
    settings = read_settings(["--dataset", "h36m", "--recipe", recipe, "--num_joints", "16", *flags.split()])
    run = build_run(settings, poses, bench.device)
    schedule, batch = run.schedule, settings.learning.batch_size
    phases = {phase.name: (at, phase) for at in (0, schedule.epochs - 1) for phase in schedule.phases(at)}
    seconds, steps = {}, 0
    for name_of_phase, (run.epoch, phase) in phases.items():  # late enough for the motion critics
        seconds[name_of_phase], count = step_seconds(bench, run, phase)
        steps += count
    of_epoch = [
        sum(seconds[phase.name] for phase in schedule.phases(at)) * schedule.steps for at in range(schedule.epochs)
    ]
    last = schedule.phases(schedule.epochs - 1)
    run.step = 1
    looked_at = bench.looked_at(lambda: one_step(run, last[0]), calls=max(1, settings.learning.gan_interval))
    per_epoch = f"{schedule.steps:,} batches of {batch:,}" + (" twice" if len(last) > 1 else "")
    note = f"{per_epoch}, extrapolated from {steps}; the run: {schedule.epochs} epochs"
    mean = statistics.mean(seconds[phase.name] for phase in last)
    return Row(
        "epoch", f"{name}, {recipe}", 1e3 * mean, batch / mean, **looked_at, epoch_s=of_epoch[-1],
        run_h=sum(of_epoch) / 3600, note=note,
    )  # fmt: skip


def build_run(settings: Settings, poses: int, device: torch.device) -> TrainingState:
    """The parts of a run on random motion, put together as run_fk_gan.train does."""
    torch.manual_seed(settings.seed)
    lifter = build_lifter(settings, "h36m_16").to(device)
    real: PoseDataset = random_motion(poses, lifter.frames, device)
    lifter.fps = real.fps
    augmenter = Augmenter(settings.augment, real, 0, device) if augments(settings) else None
    noise, processes = RunDetectorNoise(), Processes(0, 1, device)
    trainer = LifterTrainer.from_settings(lifter, settings, real, noise)
    mixer = BatchMixer(settings, processes, real, augmenter, noise)
    return TrainingState(
        settings, build_schedule(settings, len(real)), processes, mixer, trainer, Comparison([settings])
    )


def one_step(run: TrainingState, phase: Phase) -> None:
    """What run_fk_gan.train does with a batch, without telling of it."""
    run.trainer.set_learning_rate(run.lifter_epochs)
    if run.augmenter and run.updates_gan(phase):
        run.augmenter.update(run.mixer.for_gan(), run.epoch >= run.settings.learning.motion_warmup)
    if phase.updates_lifter:
        update_lifter(run.trainer, run.mixer.for_lifter(phase.synthetic, run.step))
    run.step += 1


def step_seconds(bench: Bench, run: TrainingState, phase: Phase) -> tuple[float, int]:
    """Of a step in the mean over whole chunks of gan_interval, and how many steps it is the mean of."""
    chunk, run.step = run.settings.learning.gan_interval, 0
    for _ in range(WARM_UP * chunk):
        one_step(run, phase)
    bench.wait()
    start, steps = time.perf_counter(), 0
    while steps < LEAST_STEPS or time.perf_counter() - start < bench.seconds:
        for _ in range(chunk):
            one_step(run, phase)
        steps += chunk
        if steps >= MOST_STEPS or (bench.small and steps >= LEAST_STEPS):
            break
    bench.wait()
    return (time.perf_counter() - start) / steps, steps
