"""Idea (c), second half: a generator that is also paid for poses the lifter finds hard, within a band.

python run_fk_gan.py --plugins benchmarks.learned_sources.harder --gan 0 --sources harder=0.3 --warmup 10
"""

import torch
from torch import Tensor

from augment import register_source
from augment.gan.source import GanSource
from augment.visible import project_to_batch
from benchmarks.learned_sources.feedback import BAND, errors, trainers
from data.batch import PoseBatch
from kinematics import Camera

WEIGHT = 1.0


@register_source("harder")
class HarderGan(GanSource):
    """The GAN; its loss grows where a pose's error leaves the band from 1 to BAND times that of real poses."""

    def update(self, real: PoseBatch, motion: bool = True) -> dict[str, float]:
        if (self.updates + 1) % self.gan.generator_every == 0:
            with torch.no_grad():
                self.usual = errors(real).mean()
        return super().update(real, motion)

    def _generator_step(self, fakes_world: Tensor, cameras: Camera, motion: bool) -> dict[str, Tensor]:
        if trainers[0].updates:
            error = errors(project_to_batch(fakes_world, cameras)) / self.usual
            out_of_band = (1 - error).relu() + (error - BAND).relu()
            (WEIGHT * out_of_band.mean()).backward(retain_graph=True)
            trainers[0].optimizer.zero_grad(set_to_none=True)
        return super()._generator_step(fakes_world, cameras, motion)
