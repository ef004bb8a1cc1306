"""When a run has diverged: losses no body can have, and states that are not finite."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from kinematics import PoseFKError
from posenets import Lifter
from training.config.settings import Settings

# A run has diverged if over LOOK_EVERY batches the lifter's mean loss is over GROWN times that of its first batch, and
# over that of joints which are FAR_M off; or if what it predicts of a test set cannot be scored (evaluation.evaluate).
# Or if MOST_SKIPPED steps in a row were skipped, because losses or gradients were not finite.
LOOK_EVERY, GROWN, FAR_M, MOST_SKIPPED = 20, 10.0, 10.0, 10
STATISTICS = "running_"  # in the names of what batch norms keep


class DivergedError(PoseFKError):
    """A run that is not worth going on with, in one sentence."""


def absurd_loss(settings: Settings, lifter: Lifter) -> float:
    """Return the loss that a lifter whose joints are FAR_M off has, in the loss's own unit."""
    learning = settings.learning
    terms = 1 + (learning.difference_weight if learning.loss_frames == "all" else 0.0)
    if settings.self_supervision.self_supervised or learning.loss == "mpjpe":
        return terms * FAR_M
    spread = lifter.posenet.target_std() if learning.loss == "standard_mse" else None
    metre = 1.0 if spread is None else float(spread.mean())
    return terms * (FAR_M / metre) ** 2


def not_finite(content: Any, name: str = "") -> Iterator[str]:
    """Names (a.b.c) of the tensors and numbers in nested dictionaries and lists that hold NaN or infinity."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from not_finite(value, f"{name}.{key}" if name else str(key))
    elif isinstance(content, list | tuple):
        for i, value in enumerate(content):
            yield from not_finite(value, f"{name}.{i}")
    elif isinstance(content, Tensor):
        if content.is_floating_point() and not bool(torch.isfinite(content).all()):
            yield name
    elif isinstance(content, float) and not -float("inf") < content < float("inf"):
        yield name


def refuse_not_finite(state: dict[str, Any], settings: Settings) -> None:
    """Refuse to save the state of a run that holds NaN or infinity."""
    names = list(not_finite({key: state[key] for key in ("trainer", "augmenter", "processes")}))
    if not names:
        return
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    if all(STATISTICS in name for name in names):
        advice = "The weights are finite, so it was some input that is not: look for it in the training data."
    else:
        advice = diverged_advice(settings, gan=all(name.startswith("augmenter") for name in names))
    raise DivergedError(f"The run has diverged: there is NaN or infinity in {names[0]}{more}. {advice}")


def diverged_advice(settings: Settings, gan: bool = False) -> str:
    """Advise what to try instead."""
    if not gan:
        return f"Start again with an --lr below {settings.learning.lr:g}."
    generator, critic = settings.augment.gan.lr_generator, settings.augment.gan.lr_critic
    return f"Start again with an --lr_generator below {generator:g} and an --lr_critic below {critic:g}."
