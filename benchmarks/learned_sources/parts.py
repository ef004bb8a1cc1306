"""Idea (a): critics that judge a limb with its neighbour and pairs of parts instead of the body as a whole.

    python run_fk_gan.py --plugins benchmarks.learned_sources.parts --gan 0 --sources parts=0.3 --warmup 10

New combinations of limbs pass, limbs that nobody can have do not.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from augment import register_source
from augment.gan.source import GanSource
from augment.sources.pose_source import SourceContext
from kinematics import Skeleton
from kinematics.joints import J
from kinematics.limb_frames import body_frame

SIDES = ((J.R_HIP, J.L_HIP), (J.R_SHOULDER, J.L_SHOULDER))
TRUNK = (J.R_HIP, J.L_HIP, J.SPINE, J.THORAX)
SHOULDERS = (J.R_SHOULDER, J.L_SHOULDER)
R_LEG, L_LEG = (J.R_HIP, J.R_KNEE, J.R_ANKLE), (J.L_HIP, J.L_KNEE, J.L_ANKLE)
R_ARM, L_ARM = (J.R_SHOULDER, J.R_ELBOW, J.R_WRIST), (J.L_SHOULDER, J.L_ELBOW, J.L_WRIST)
# Of what is there twice the right one: the critics see every pose in the mirror as well.
PARTS = (
    (*TRUNK, *R_LEG), (*TRUNK, *SHOULDERS, *R_ARM), (*TRUNK, *SHOULDERS, J.HEAD),
    (*TRUNK, *R_LEG, *L_LEG), (*TRUNK, *R_ARM, *L_ARM), (*TRUNK, *R_LEG, *R_ARM), (*TRUNK, *R_LEG, *L_ARM),
)  # fmt: skip
MIRROR = Skeleton("h36m_16").mirror


def in_trunk(joints: Float[Tensor, "*batch 16 3"]) -> Float[Tensor, "*batch 16 3"]:
    """Turn poses about the hip into the frame of their pelvis: where they face, and how they lean, no longer shows."""
    pelvis = body_frame(joints[..., J.R_HIP, :] - joints[..., J.L_HIP, :], joints[..., J.THORAX, :])
    return joints @ pelvis


class PartCritic(nn.Module):
    """Scores a part by the places of its joints in the pelvis's frame and, of the trunk, by the way up."""

    def __init__(self, part: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.part = list(part)
        self.net = nn.Sequential(
            nn.Linear(3 * len(part) + 3, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2),
            nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 1),
        )  # fmt: skip

    def forward(
        self, joints: Float[Tensor, "batch joints 3"], up: Float[Tensor, "batch 3"]
    ) -> Float[Tensor, "batch 1"]:
        return self.net(torch.cat([joints[:, self.part].flatten(1), up], dim=1))


class PartCritics(nn.Module):
    """The mean score of all parts."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.critics = nn.ModuleList(PartCritic(part, width) for part in PARTS)

    def forward(self, joints: Float[Tensor, "*batch 16 3"]) -> Float[Tensor, "*batch 1"]:
        flat = joints.reshape(-1, *joints.shape[-2:])
        pelvis = body_frame(flat[:, J.R_HIP] - flat[:, J.L_HIP], flat[:, J.THORAX])
        turned, up = flat @ pelvis, pelvis[:, 2]  # world's up along the pelvis's axes
        scores = torch.stack([critic(turned, up) for critic in self.critics])
        return scores.mean(dim=0).reshape(*joints.shape[:-2], 1)


@register_source("parts")
class PartGan(GanSource):
    """The GAN, its critic of whole bodies replaced; the one on the screen is left out, it sees whole bodies too."""

    def __init__(self, context: SourceContext) -> None:
        super().__init__(context)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(context.seed)
            self.critics = {"critic_3d": PartCritics(self.gan.critic_width_3d // 2).to(self.device)}
        self.critic_optimizers = {"critic_3d": self._adam(self.critics["critic_3d"], self.gan.lr_critic)}
