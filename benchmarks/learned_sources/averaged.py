"""Idea (f): poses of the generator's averaged weights, after a longer warm-up.

python run_fk_gan.py --plugins benchmarks.learned_sources.averaged --gan 0 --sources averaged=0.3 --warmup 20
"""

import copy

import torch
from torch import Tensor

from augment import register_source
from augment.gan.source import GanSource
from augment.sources.pose_source import SourceContext
from data.batch import PoseBatch

DECAY = 0.99


@register_source("averaged")
class AveragedGan(GanSource):
    def __init__(self, context: SourceContext) -> None:
        super().__init__(context)
        self.average = copy.deepcopy(self.pose_generator).requires_grad_(False)

    def update(self, real: PoseBatch, motion: bool = True) -> dict[str, float]:
        losses = super().update(real, motion)
        if "generator_loss" in losses:
            done = self.updates // self.gan.generator_every
            with torch.no_grad():
                for kept, new in zip(self.average.parameters(), self.pose_generator.parameters(), strict=True):
                    kept.lerp_(new, 1 - min(DECAY, done / (done + 10)))
        return losses

    def draw(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        if torch.is_grad_enabled():
            return super().draw(indices, generator)
        learning, self.pose_generator = self.pose_generator, self.average
        try:
            return super().draw(indices, generator)
        finally:
            self.pose_generator = learning

    def nets(self):
        return super().nets() | {"average": self.average}
