"""New poses from real ones on the joints themselves: limbs exchanged between people and turned."""

import torch
from torch import Tensor

from augment.sources.pose_source import PoseSource
from augment.sources.retargeting import middle_frame, retarget
from kinematics.limb_frames import LimbPose, exchange_limbs, put_together, turn_limbs, with_lengths


class LimbSwap(PoseSource):
    """Exchanges limbs between real poses and turns them, on new bodies; real shoulders stay exactly."""

    def draw(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        settings = self.settings
        partners = self.reference.random_indices(len(indices), generator)
        clip = self.context.limbs_at(indices)
        others = LimbPose(*(part.index_select(0, partners) for part in middle_frame(self.reference.limbs)))
        pose = exchange_limbs(middle_frame(clip), others, settings.exchange, generator)
        pose = retarget(turn_limbs(pose, settings.turn_sd, generator), clip)
        pose = with_lengths(pose, self.context.new_lengths(indices, generator)[:, None])
        return self.context.tilt(put_together(pose), generator)
