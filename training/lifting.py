"""What a lifter learns with: loss, optimiser, averaged weights, and its learning rate over the run."""

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn

from data import PoseBatch, distributed
from data.multiview.dataset import Poses
from posenets import Lifter
from posenets.checkpoints.fitting import fill, fill_optimizer
from posenets.finite_step import keep_where
from training.config import LearningSettings, Settings
from training.detections import RunDetectorNoise
from training.losses import LabelLoss
from training.self_supervision import SelfSupervision

STATISTICS_POSES = 4096  # windows from which a lifter takes the mean and spread of its coordinates


def learning_rate_factor(settings: LearningSettings, epochs_done: float | int, updates: int = 0) -> float:
    """Learning rate over the start's. With additional epochs linear stops at 1 / (epochs + 1), as DH-AUG's."""
    epochs, extra = settings.epochs, settings.additional_epochs
    done = min(epochs_done, epochs)
    factors = {
        "cosine": 0.5 * (1 + math.cos(math.pi * min(done / epochs, 0.95 if extra else 1.0))),
        "linear": 1 - done / (epochs + 1 if extra else epochs),
        "exponential": settings.lr_decay ** math.floor(done),
        "staircase": settings.lr_decay ** (updates // settings.lr_decay_steps),
        "constant": 1.0,
    }
    if settings.lr_schedule == "exponential" and settings.large_decay_epoch:  # in its place, as ESMformer does
        large = math.floor(done) // settings.large_decay_epoch
        factors["exponential"] *= (settings.lr_decay_large / settings.lr_decay) ** large
    appended = 1 + math.floor(epochs_done - epochs) if extra and epochs_done >= epochs else 0
    return factors[settings.lr_schedule] * settings.additional_lr_decay**appended


@torch.no_grad()
def limit_norms(network: nn.Module, largest: float) -> None:
    """Scale the weights that each unit reads with down to a norm of `largest` (max-norm, Srivastava et al., 2014)."""
    for weight in network.parameters():
        if weight.ndim > 1:
            norms = weight.flatten(1).norm(dim=1)
            weight.mul_((largest / norms).clamp_max(1.0).view(-1, *[1] * (weight.ndim - 1)))


class LifterTrainer:
    """Holds a lifter, its loss, optimiser and averaged weights. evaluated: the averaged lifter if there is one."""

    def __init__(
        self, lifter: Lifter, settings: LearningSettings, criterion: LabelLoss | SelfSupervision | None = None
    ) -> None:
        self.lifter, self.settings = lifter, settings
        self.criterion = LabelLoss(settings, lifter) if criterion is None else criterion
        # Without weight decay AdamW is Adam.
        self.optimizer = torch.optim.AdamW(
            lifter.parameters(), lr=settings.lr, weight_decay=settings.weight_decay, amsgrad=settings.amsgrad,
            fused=True,
        )  # fmt: skip
        self.average = copy.deepcopy(lifter).requires_grad_(False) if settings.ema else None
        self.updates = 0

    @classmethod
    def from_settings(cls, lifter: Lifter, settings: Settings, real: Poses, noise: RunDetectorNoise) -> "LifterTrainer":
        """Build the trainer of a new lifter, which has seen the statistics of the training poses if it keeps them."""
        if lifter.reads_focal and real.cameras is None:
            raise ValueError(
                f"--known_focal {settings.learning.known_focal:g}: the cameras of the training poses are not known: "
                "leave it out."
            )
        generator = torch.Generator().manual_seed(settings.seed)
        lifter.fit_normalization(noise.real(real.random_batch(STATISTICS_POSES, generator), generator))
        distributed.broadcast(lifter)
        if not settings.self_supervision.self_supervised:
            return cls(lifter, settings.learning)
        criterion = SelfSupervision(settings, lifter, len(real), real.batch_device, noise.model)
        return cls(lifter, settings.learning, criterion)

    @property
    def evaluated(self) -> Lifter:
        return self.average or self.lifter

    def set_learning_rate(self, epochs_done: float) -> float:
        """Returns the learning rate from here on. epochs_done: by the lifter, not counting warm-up."""
        rate = self.settings.lr * learning_rate_factor(self.settings, epochs_done, self.updates)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    def variants(self, batch: PoseBatch) -> list[PoseBatch]:
        """List the batches to learn from: it, and its images in mirror and time as the settings say."""
        batch, flip = batch.seen_as(self.lifter.input_skeleton), self.settings.flip_augment
        if self.lifter.reads_focal:
            batch = batch.with_focal_known(
                torch.rand(len(batch), device=batch.source.device) < self.settings.known_focal
            )
        if flip == "concatenated":
            variants = [PoseBatch.cat([batch, batch.mirrored()])]
        else:
            variants = [batch, batch.mirrored()] if flip == "separate" else [batch]
        if self.settings.time_reversal and batch.frames > 1:  # plain, backwards, mirrored, both: DH-AUG's order
            variants = [turned for variant in variants for turned in (variant, variant.reversed())]
        return variants

    def statistics(self) -> list[Tensor]:
        """Copy the running statistics, which a batch that is not finite would spoil."""
        return [value.clone() for value in _statistics(self.lifter)]

    @torch.no_grad()
    def step_done(self, skipped: Tensor, statistics: list[Tensor]) -> None:
        """After the optimiser: limit norms, move averaged weights and statistics, faster early on.

        skipped: whether it was (finite_step); then statistics are as before the batch.
        """
        keep_where(skipped, _statistics(self.lifter), statistics)
        if self.settings.max_norm:
            limit_norms(self.lifter, self.settings.max_norm)
        self.updates += 1
        if self.average is None:
            return
        decay = min(self.settings.ema, (1 + self.updates) / (10 + self.updates))
        pairs = zip(self.average.state_dict().values(), self.lifter.state_dict().values(), strict=True)
        for kept, new in pairs:
            kept.lerp_(new, 1 - decay) if kept.is_floating_point() else kept.copy_(new)

    def synchronise(self) -> None:
        """Make the running statistics of all processes equal, before evaluating or saving."""
        distributed.average_buffers(self.lifter)
        if self.average is not None:
            distributed.average_buffers(self.average)
        self.criterion.synchronise()

    def state_dict(self) -> dict[str, Any]:
        return {
            "lifter": self.lifter.state_dict(),
            "average": self.average.state_dict() if self.average is not None else None,
            "optimizer": self.optimizer.state_dict(),
            "updates": self.updates,
            "loss": self.criterion.state_dict(),
        }

    def process_state(self) -> dict[str, Any]:
        """Return what this process has learnt by itself since all last agreed: all but the weights."""
        return {
            "buffers": _buffers(self.lifter),
            "average_buffers": _buffers(self.average) if self.average is not None else None,
            "loss": self.criterion.state_dict(),
        }

    def load_process_state(self, state: dict[str, Any]) -> None:
        """After load_state_dict, whose state is the first process's."""
        fill(self.lifter, {**self.lifter.state_dict(), **state["buffers"]}, "The saved run")
        if self.average is not None:
            content = {**self.average.state_dict(), **(state["average_buffers"] or {})}
            fill(self.average, content, "The average weights of the saved run")
        self.criterion.load_state_dict(state["loss"] or {})

    def merge_process_states(self, states: list[dict[str, Any]]) -> None:
        """After load_state_dict, go on with what several processes have learnt, as they would agree on it."""
        if not states:
            return
        merged = {**states[0], "loss": self.criterion.merged([state["loss"] or {} for state in states])}
        for name in ("buffers", "average_buffers"):
            if states[0][name] is not None:
                merged[name] = _mean([state[name] for state in states])
        self.load_process_state(merged)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with what state_dict() gave, of a lifter and settings of the same sort."""
        fill(self.lifter, state["lifter"], "The saved run")
        if self.average is not None:
            fill(self.average, state["average"] or {}, "The average weights of the saved run")
        fill_optimizer(self.optimizer, state["optimizer"], "The saved run")
        self.updates = state["updates"]
        self.criterion.load_state_dict(state["loss"] if state.get("loss") else {})


def _statistics(module: nn.Module) -> list[Tensor]:
    """The running statistics of batch norms."""
    return [value for name, value in module.named_buffers() if "running_" in name]


def _mean(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Average tensors of the same names; counters are the first's."""
    return {
        name: torch.stack([state[name] for state in states]).mean(dim=0) if first.is_floating_point() else first
        for name, first in states[0].items()
    }


def _buffers(module: nn.Module) -> dict[str, Tensor]:
    """The part of a state dict that no gradient moves: running statistics."""
    learnt = {name for name, _ in module.named_parameters()}
    return {name: value.cpu() for name, value in module.state_dict().items() if name not in learnt}
