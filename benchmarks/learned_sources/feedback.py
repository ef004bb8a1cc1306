"""Idea (c): what the lifter finds hard, within a band, comes more often.

    python run_fk_gan.py --plugins benchmarks.learned_sources.feedback                     importance sampling, any source
    python run_fk_gan.py --plugins benchmarks.learned_sources.feedback --gan 0 --sources harder=0.3 --warmup 10

A synthetic pose's error is wanted between that of a real one and `BAND` times it. Importance sampling draws twice as
many poses as it keeps (set POSEFK_FEEDBACK=sampling); the source `harder` adds the band to the generator's loss.
The package hands a source no lifter; here the one that learns is looked up.
"""

import os

import torch
from torch import Tensor

from augment import Augmenter, register_source
from augment.gan.source import GanSource
from augment.visible import project_to_batch
from data.batch import PoseBatch
from kinematics import Camera
from training.lifting import LifterTrainer

BAND = 3.0
WEIGHT = 1.0
_trainers: list[LifterTrainer] = []
_build = LifterTrainer.__init__


def _remember(self: LifterTrainer, *parts, **named) -> None:
    _build(self, *parts, **named)
    _trainers[:] = [self]


LifterTrainer.__init__ = _remember


def errors(batch: PoseBatch) -> Tensor:
    """MPJPE of each pose, metres, by the lifter as it is."""
    lifter = _trainers[0].lifter.eval()
    batch = batch.seen_as(lifter.input_skeleton)
    answer = lifter.forward_batch(batch)
    target = lifter.target(batch)[:, lifter.target_frame]
    root = answer[:, :1]
    return (answer - root - target + target[:, :1]).norm(dim=-1).mean(dim=-1)


if os.environ.get("POSEFK_FEEDBACK") == "sampling":
    _sample = Augmenter.sample

    @torch.no_grad()
    def harder(self: Augmenter, count: int, generator=None, batch_last: bool = False) -> PoseBatch:
        batch = _sample(self, 2 * count, generator, False)
        error = errors(batch)
        real = self.reference  # the easy end: as hard as a real pose before its own camera
        poses = torch.randint(len(real.joints_world), (512,), generator=self.random)
        usual = errors(project_to_batch(real.joints_world[poses], real.camera[poses])).mean()
        weight = (error / usual).clamp(0.33, 1.0) * torch.where(error > BAND * usual, 0.33, 1.0)
        return batch.index_select(torch.multinomial(weight, count, generator=generator or self.random))

    Augmenter.sample = harder


@register_source("harder")
class HarderGan(GanSource):
    def update(self, real: PoseBatch, motion: bool = True) -> dict[str, float]:
        with torch.no_grad():
            self.usual = errors(real).mean() if self.updates % self.gan.generator_every == 4 else None
        return super().update(real, motion)

    def _generator_step(self, fakes_world: Tensor, cameras: Camera, motion: bool) -> dict[str, Tensor]:
        if self.usual is not None and _trainers[0].updates:
            error = errors(project_to_batch(fakes_world, cameras)) / self.usual
            out_of_band = (1 - error).relu() + (error - BAND).relu()
            (WEIGHT * out_of_band.mean()).backward(retain_graph=True)
            _trainers[0].optimizer.zero_grad(set_to_none=True)
        return super()._generator_step(fakes_world, cameras, motion)
