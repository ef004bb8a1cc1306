"""What happens in which epoch: the phases of each, how many batches they have, and how much of a batch is synthetic."""

import math
from dataclasses import dataclass

from augment.sources.registry import mixture_sources
from training.config import Settings

# Measured on all, a quarter and a sixteenth of CMU-X: the length matters, hardly the number of poses up to here.
UPDATES, OF_POSES, MOST_UPDATES = 18_000, 80_000, 96_000


@dataclass(frozen=True)
class Phase:
    """Batches of one sort. name: as in results.jsonl; synthetic: share of the lifter's batch."""

    name: str
    synthetic: float
    updates_gan: bool
    updates_lifter: bool


@dataclass(frozen=True)
class Schedule:
    """The epochs of a run. poses: real ones; epochs counts all: warm-up, the lifter's, and the additional ones."""

    poses: int
    epochs: int
    warmup: int
    steps: int
    phases_after_warmup: tuple[Phase, ...]
    eval_every: int

    def phases(self, epoch: int) -> tuple[Phase, ...]:
        return (Phase("gan", 0.0, True, False),) if epoch < self.warmup else self.phases_after_warmup

    def evaluates(self, epoch: int) -> bool:
        """Whether the lifter is evaluated after the phases of this epoch."""
        return (epoch + 1) % self.eval_every == 0 or epoch + 1 == self.epochs

    def total_batches(self) -> int:
        return sum(len(self.phases(epoch)) for epoch in range(self.epochs)) * self.steps

    def lifter_batches(self) -> int:
        return (self.epochs - self.warmup) * len(self.phases_after_warmup) * self.steps

    def lifter_epochs(self, epoch: int, phase_index: int, step: int) -> float:
        """Count the epochs (a fraction counts) that the lifter has learnt, for its learning rate."""
        phases = len(self.phases(epoch))
        return max(epoch - self.warmup, 0) + (phase_index + step / self.steps) / phases if epoch >= self.warmup else 0.0


def updates_by_rule(poses: int) -> int:
    """Return how many updates of 256 poses a lifter gets from so many real ones (docs/training.md has the curve)."""
    return round(min(UPDATES * max(1.0, math.sqrt(poses / OF_POSES)), MOST_UPDATES))


def updates_per_batch(settings: Settings) -> int:
    """A batch, and its images in mirror and time."""
    learning = settings.learning
    mirrored = 2 if learning.flip_augment == "separate" else 1
    return mirrored * (2 if learning.time_reversal and settings.lifter.window > 1 else 1)


def augments(settings: Settings) -> bool:
    """Whether the lifter learns from synthetic poses at all."""
    augment = settings.augment
    share = 1.0 if augment.schedule == "alternate" else augment.synthetic_share
    return augment.schedule != "none" and share > 0 and bool(augment.mixture.shares())


def build_schedule(settings: Settings, poses: int) -> Schedule:
    """Build the schedule that the settings describe. poses: how many real ones are learnt from."""
    learning, augment = settings.learning, settings.augment
    learns = augments(settings) and any(source.learns for source in mixture_sources(augment.mixture).values())
    if not augments(settings):
        phases = (Phase("real", 0.0, False, True),)
    elif augment.schedule == "alternate":
        phases = (Phase("synthetic", 1.0, learns, True), Phase("real", 0.0, False, True))
    else:
        phases = (Phase("mixed", augment.synthetic_share, learns, True),)
    warmup = learning.warmup + (learning.motion_warmup if settings.lifter.window > 1 else 0) if learns else 0
    epochs = warmup + learning.epochs + learning.additional_epochs
    steps = _steps(settings, poses, len(phases))
    return Schedule(poses, epochs, warmup, steps, phases, settings.output.eval_every)


def _steps(settings: Settings, poses: int, phases: int) -> int:
    """Batches of a phase: those of all updates in equal parts, or as many as said, or a pass over the poses."""
    learning = settings.learning
    updates = updates_by_rule(poses) if learning.updates is None else learning.updates
    if not updates:
        return learning.steps_per_epoch or max(1, -(-poses // learning.batch_size))
    epochs = learning.epochs + learning.additional_epochs
    return max(1, round(updates / (updates_per_batch(settings) * phases * epochs)))
