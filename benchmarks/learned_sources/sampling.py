"""Idea (c), first half: poses of any source that the lifter finds hard, within a band, come more often.

    python run_fk_gan.py --plugins benchmarks.learned_sources.sampling

Twice as many are drawn as are kept; easy ones, and those beyond the band, count a third.
"""

import torch

from augment import Augmenter
from augment.visible import project_to_batch
from benchmarks.learned_sources.feedback import BAND, errors
from data.batch import PoseBatch

LEAST, REAL_POSES = 0.33, 512
_sample = Augmenter.sample


@torch.no_grad()
def harder(
    self: Augmenter, count: int, generator: torch.Generator | None = None, batch_last: bool = False
) -> PoseBatch:
    batch = _sample(self, 2 * count, generator)
    error = errors(batch)
    real = self.reference
    poses = torch.randint(len(real.joints_world), (REAL_POSES,), generator=self.random)
    usual = errors(project_to_batch(real.joints_world[poses], real.camera[poses])).mean()
    weight = (error / usual).clamp(LEAST, 1.0) * torch.where(error > BAND * usual, LEAST, 1.0)
    return batch.index_select(torch.multinomial(weight, count, generator=generator or self.random))


Augmenter.sample = harder
