"""Idea (e): two strengths of augmentation with a first-order meta step (Nichol et al. 2018, Finn et al. 2017).

    python run_fk_gan.py --plugins benchmarks.learned_sources.meta

The gradient of a weakly augmented batch moves the weights for a trial; the gradient of a strongly augmented one at
that place and the first one together make the update.
"""

import sys
from dataclasses import replace

import torch
from torch import Tensor, nn

import run_fk_gan
from augment import Augmenter
from data.batch import PoseBatch
from posenets.finite_step import finite_step
from training.lifting import LifterTrainer

STRONGER = {"turn_sd": 2.0, "exchange": 1.4, "definition_width": 1.3}
CHUNK = 10
TRIAL = 0.1  # of a step as long as Adam's
_augmenters: list[Augmenter] = []
_strong: list[PoseBatch] = []
_build = Augmenter.__init__


def _remember(self: Augmenter, settings, reference=None, *parts, **named) -> None:
    """Beside the run's augmenter build a stronger one."""
    _build(self, settings, reference, *parts, **named)
    if not _augmenters:
        _augmenters.append(self)
        strong = replace(settings, **{name: getattr(settings, name) * factor for name, factor in STRONGER.items()})
        _augmenters.append(Augmenter(strong, reference, 1))


Augmenter.__init__ = _remember


def strong_batch(count: int) -> PoseBatch:
    if not _strong:
        drawn = _augmenters[1].sample(count * CHUNK)
        _strong.extend(drawn[i * count : (i + 1) * count] for i in range(CHUNK))
    return _strong.pop()


def meta_update(trainer: LifterTrainer, batch: PoseBatch) -> Tensor:
    """As run_fk_gan.update_lifter, each step of two gradients."""
    lifter, optimizer, losses = trainer.lifter.train(), trainer.optimizer, []
    weights = list(lifter.parameters())
    for weak, strong in zip(trainer.variants(batch), trainer.variants(strong_batch(len(batch))), strict=True):
        statistics = trainer.statistics()
        loss = trainer.criterion(lifter, weak)
        loss.backward()
        first = [weight.grad.clone() for weight in weights]
        size = torch.cat([gradient.flatten() for gradient in first]).square().mean().sqrt().clamp_min(1e-12)
        trial = [TRIAL * optimizer.param_groups[0]["lr"] / size * gradient for gradient in first]
        _shift(weights, trial, -1)
        trainer.criterion(lifter, strong).backward()  # adds to the first gradient
        _shift(weights, trial, +1)
        norm = nn.utils.clip_grad_norm_(weights, trainer.settings.max_grad_norm)
        skipped = finite_step(optimizer, norm)
        trainer.step_done(skipped, statistics)
        losses.append(loss.detach())
    return losses[0]


@torch.no_grad()
def _shift(weights: list[nn.Parameter], steps: list[Tensor], sign: int) -> None:
    for weight, step in zip(weights, steps, strict=True):
        weight.add_(step, alpha=sign)


for module in {run_fk_gan, sys.modules["__main__"]}:
    if hasattr(module, "update_lifter"):
        module.update_lifter = meta_update
