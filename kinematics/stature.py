"""Stature and body proportions. Stature is estimated as the sum of the bone lengths over that of STATURE_RATIOS."""

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics.bones import SEGMENT_OF_BONE, SEGMENTS
from kinematics.constants import constant, indices

STATURE_M = 1.75  # of the bodies that figures are given for
AVERAGE_STATURE_M = 1.69  # of women and men together: 162 and 176 cm
# Length / stature. Thigh, shin, upper arm, forearm: Drillis and Contini (1966). The others connect joint centres, for
# which anthropometric tables have no lengths: middle of Human3.6M's five subjects over 1.75 m.
STATURE_RATIOS = {
    "shin": 0.246, "thigh": 0.245, "hip": 0.075, "waist": 0.138, "thorax": 0.146, "shoulder": 0.088,
    "upper_arm": 0.186, "forearm": 0.146, "neck": 0.108,
}  # fmt: skip
_RATIO_OF_BONE = [STATURE_RATIOS[SEGMENTS[index]] for index in SEGMENT_OF_BONE]
_IS_LIMB = [name in {"shin", "thigh", "upper_arm", "forearm"} for name in SEGMENTS]


def average_bone_lengths(stature_m: float = AVERAGE_STATURE_M) -> Float[Tensor, "15"]:
    """Compute the bone lengths of an average adult, metres."""
    return stature_m * torch.tensor(_RATIO_OF_BONE)


def statures(lengths: Float[Tensor, "*batch 15"]) -> Float[Tensor, "*batch"]:
    """Estimate standing height from bone lengths, metres."""
    return lengths.sum(dim=-1) / sum(_RATIO_OF_BONE)


def stature_ratios(lengths: Float[Tensor, "*batch 15"]) -> Float[Tensor, "*batch 9"]:
    """Compute the length of each of SEGMENTS over the stature, left and right averaged."""
    relative = lengths / statures(lengths)[..., None]
    index = torch.tensor(SEGMENT_OF_BONE, device=lengths.device)
    means = [relative[..., index == segment].mean(dim=-1) for segment in range(len(SEGMENTS))]
    return torch.stack(means, dim=-1)


def sample_population(
    mean_lengths: Float[Tensor, "15"], like: Float[Tensor, "batch *rest"], generator: torch.Generator,
    stature_sd: float = 0.08, limbs_sd: float = 0.03, segment_sd: float = 0.10,
) -> Float[Tensor, "batch 15"]:  # fmt: skip
    """Sample bone lengths around an average body: log-normal, left and right alike, batch last in memory.

    like: gives batch size, device and type. stature_sd, limbs_sd, segment_sd: standard deviations of the logarithm of
    the stature, of a factor of all limbs, and of each segment. Women and men together (162 and 176 cm, 7 cm sd each)
    have a stature_sd of 0.06; the default is a little wider, for the young and the tall. The default segment_sd is far
    more than anatomy's (0.04), because data sets put joint centres in different places.
    """
    normal = torch.randn(2 + len(SEGMENTS), len(like), generator=generator, device=like.device, dtype=like.dtype)
    log_scale = stature_sd * normal[:1] + limbs_sd * constant(_IS_LIMB, like)[:, None] * normal[1:2]
    scale = torch.add(log_scale, normal[2:], alpha=segment_sd).exp()
    return scale.index_select(0, indices(SEGMENT_OF_BONE, like)).mul_(mean_lengths.to(like)[:, None]).t()
