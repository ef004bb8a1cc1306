"""What happens in which epoch: the rounds of each, how many batches they have, and how much of a batch is synthetic."""

from dataclasses import dataclass

from augment.sources.registry import sources_of
from training.config import Settings


@dataclass(frozen=True)
class Round:
    """Batches of one kind. stage: its name in results.jsonl; synthetic: share of the lifter's batch.

    updates_gan: whether the GAN learns; updates_lifter: whether the lifter does.
    """

    stage: str
    synthetic: float
    updates_gan: bool
    updates_lifter: bool


@dataclass(frozen=True)
class Plan:
    """The course of a run. epochs counts all: warm-up, the lifter's own, and the additional ones."""

    epochs: int
    warmup: int
    steps: int
    rounds_after_warmup: tuple[Round, ...]
    eval_every: int

    def rounds(self, epoch: int) -> tuple[Round, ...]:
        """The rounds of an epoch, which count from 0."""
        return (Round("gan", 0.0, True, False),) if epoch < self.warmup else self.rounds_after_warmup

    @property
    def synthetic(self) -> bool:
        """Whether the lifter learns from synthetic poses."""
        return any(kind.synthetic for kind in self.rounds_after_warmup)

    def evaluates(self, epoch: int) -> bool:
        """Whether the lifter is judged after the rounds of this epoch."""
        return (epoch + 1) % self.eval_every == 0 or epoch + 1 == self.epochs

    def total_batches(self) -> int:
        return sum(len(self.rounds(epoch)) for epoch in range(self.epochs)) * self.steps

    def epochs_of_lifter(self, epoch: int, round_index: int, step: int) -> float:
        """How many epochs (a fraction counts) the lifter has learnt, for its learning rate."""
        rounds = len(self.rounds(epoch))
        return max(epoch - self.warmup, 0) + (round_index + step / self.steps) / rounds if epoch >= self.warmup else 0.0


def augments(settings: Settings) -> bool:
    """Whether the lifter learns from synthetic poses at all."""
    augment = settings.augment
    share = 1.0 if augment.schedule == "alternate" else augment.synthetic_share
    return augment.schedule != "none" and share > 0 and bool(augment.mixture.shares())


def plan_of(settings: Settings, poses: int) -> Plan:
    """The course the settings describe. poses: how many real ones there are to learn from."""
    learning, augment = settings.learning, settings.augment
    learns = augments(settings) and any(source.learns for source in sources_of(augment.mixture).values())
    steps = learning.steps_per_epoch or max(1, -(-poses // learning.batch_size))
    if not augments(settings):
        rounds = (Round("real", 0.0, False, True),)
    elif augment.schedule == "alternate":
        rounds = (Round("synthetic", 1.0, learns, True), Round("real", 0.0, False, True))
    else:
        rounds = (Round("mixed", augment.synthetic_share, learns, True),)
    warmup = learning.warmup + (learning.motion_warmup if settings.lifter.window > 1 else 0) if learns else 0
    epochs = warmup + learning.epochs + learning.additional_epochs
    return Plan(epochs, warmup, steps, rounds, settings.output.eval_every)
