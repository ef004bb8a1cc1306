"""Real poses for new cameras."""

import torch
from torch import Tensor

from augment.bodies import keep_bodies
from augment.sources.pose_source import PoseSource, SourceContext
from kinematics.limb_frames import put_together, with_lengths


class RealPoses(PoseSource):
    """Returns real poses as they are, or with new bone lengths; their hips know where they go."""

    invents = False

    def __init__(self, context: SourceContext) -> None:
        super().__init__(context)
        self.remove_foot_skate = False

    def draw(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        if not self.settings.new_bodies_for_real or self.context.joint_bodies is keep_bodies:
            return self.reference.joints_world[indices]
        lengths = self.context.new_lengths(indices, generator)
        return put_together(with_lengths(self.context.limbs_at(indices), lengths[:, None]))
