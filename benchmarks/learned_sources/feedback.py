"""What the lifter that learns finds hard, for idea (c). The package hands a source no lifter: it is looked up here."""

from torch import Tensor

from data.batch import PoseBatch
from training.lifting import LifterTrainer

BAND = 3.0  # times the error of a real pose: what is harder teaches nothing
trainers: list[LifterTrainer] = []
_build = LifterTrainer.__init__


def _remember(self: LifterTrainer, *parts, **named) -> None:
    _build(self, *parts, **named)
    trainers[:] = [self]


LifterTrainer.__init__ = _remember


def errors(batch: PoseBatch) -> Tensor:
    """MPJPE of each pose, metres, by the lifter as it is."""
    lifter = trainers[0].lifter.eval()
    batch = batch.seen_as(lifter.input_skeleton)
    answer = lifter.forward_batch(batch)
    target = lifter.target(batch)[:, lifter.target_frame]
    return (answer - answer[:, :1] - target + target[:, :1]).norm(dim=-1).mean(dim=-1)
