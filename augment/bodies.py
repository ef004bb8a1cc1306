"""Bone lengths for synthetic bodies: variations of the data's own, or a population.

A sampler takes the lengths of the real poses it stands beside (the "own" ones) and gives new ones. Left and right
always change together. Lengths in the order of kinematics.BONES, metres.
"""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics import BONES, constants
from kinematics.constants import constant

# The 8 factors of DH-AUG and the bones they scale. The original left the thorax out, so that a body grew around a
# spine of one length; here the thorax shares the waist's factor: the trunk grows as one.
FACTORS = {
    "shin": ("left_shin", "right_shin"),
    "thigh": ("left_thigh", "right_thigh"),
    "hip": ("left_hip", "right_hip"),
    "trunk": ("waist", "thorax"),
    "shoulder": ("left_shoulder", "right_shoulder"),
    "upper_arm": ("left_upper_arm", "right_upper_arm"),
    "forearm": ("left_forearm", "right_forearm"),
    "neck": ("neck",),
}
FACTOR_NAMES = tuple(FACTORS)
_FACTOR_OF_BONE = [next(i for i, bones in enumerate(FACTORS.values()) if bone in bones) for bone in BONES]

# Length / stature. Thigh, shin, upper arm, forearm: Drillis and Contini (1966). The others are between joint centres,
# which the anthropometric widths are not: middle of Human3.6M's five subjects over 1.75 m.
STATURE_RATIOS = {
    "shin": 0.246, "thigh": 0.245, "hip": 0.075, "waist": 0.138, "thorax": 0.146, "shoulder": 0.088,
    "upper_arm": 0.186, "forearm": 0.146, "neck": 0.108,
}  # fmt: skip
_LIMBS = {"shin", "thigh", "upper_arm", "forearm"}

BodySampler = Callable[[Tensor, torch.Generator], Tensor]
BodiesName = Literal["keep", "templates", "population"]


def scale_bones(lengths: Float[Tensor, "*batch 15"], factors: Float[Tensor, "*batch 8"]) -> Float[Tensor, "*batch 15"]:
    """Bone lengths times the 8 shared factors (order of FACTOR_NAMES)."""
    index = constants.indices(_FACTOR_OF_BONE, lengths)
    return lengths * factors.index_select(-1, index)


class TemplateBodies:
    """The data's own lengths with each of the 8 factors uniform in 1 +- spread (DH-AUG's "different")."""

    def __init__(self, spread: float = 0.2) -> None:
        self.spread = spread

    def __call__(self, lengths: Float[Tensor, "batch 15"], generator: torch.Generator) -> Float[Tensor, "batch 15"]:
        unit = torch.rand(len(lengths), len(FACTORS), generator=generator, device=lengths.device, dtype=lengths.dtype)
        return scale_bones(lengths, 1 + self.spread * (2 * unit - 1))


class PopulationBodies:
    """People of a log-normal stature, whose limbs are long or short together, and each segment a little by itself.

    mean_lengths: (15,) the average body; stature_m goes with it. By default the average adult of the literature;
    `around` takes a data set's own average, so that the places of the joints in the body stay the data set's.
    stature_sd, limbs_sd, segment_sd: of the logarithms. Women and men together (162 and 176 cm, 7 cm sd each) have a
    sd of 0.06; the default is a little wider, for the young and the tall. Single segments differ by far more than
    anatomy (0.04) does: where a joint's centre is put is up to each measurement.
    """

    def __init__(
        self,
        mean_lengths: Float[Tensor, "15"] | None = None,
        stature_sd: float = 0.08,
        limbs_sd: float = 0.03,
        segment_sd: float = 0.10,
        stature_m: float = 1.69,
    ) -> None:
        self.mean_lengths = stature_m * _stature_ratios() if mean_lengths is None else mean_lengths
        self.stature_sd, self.limbs_sd, self.segment_sd = stature_sd, limbs_sd, segment_sd

    @classmethod
    def around(cls, lengths: Float[Tensor, "people 15"]) -> "PopulationBodies":
        """A population about the average of given bodies, made symmetric."""
        mean = lengths.mean(dim=0)
        index = [BONES.index(_twin(bone)) for bone in BONES]
        return cls((mean + mean[index]) / 2)

    def __call__(self, lengths: Float[Tensor, "batch 15"], generator: torch.Generator) -> Float[Tensor, "batch 15"]:
        """own: only its count, device and type matter here."""
        normal = torch.randn(
            2 + len(STATURE_RATIOS), len(lengths), generator=generator, device=lengths.device, dtype=lengths.dtype
        )
        is_limb = constant([name in _LIMBS for name in STATURE_RATIOS], lengths)[:, None]
        log_scale = self.stature_sd * normal[:1] + self.limbs_sd * is_limb * normal[1:2]
        scale = torch.add(log_scale, normal[2:], alpha=self.segment_sd).exp()
        index = constants.indices(_SEGMENT_OF_BONE, lengths)
        return scale.index_select(0, index).mul_(self.mean_lengths.to(lengths)[:, None]).t()  # kinematics.batch_last


def keep_bodies(lengths: Float[Tensor, "batch 15"], generator: torch.Generator) -> Float[Tensor, "batch 15"]:
    """The real bodies as they are."""
    return lengths


def body_sampler(name: str, spread: float, reference_lengths: Float[Tensor, "people 15"]) -> BodySampler:
    """The sampler of a recipe. reference_lengths: the data's bodies, the middle of "population"."""
    samplers = {
        "keep": lambda: keep_bodies,
        "templates": lambda: TemplateBodies(spread),
        "population": lambda: PopulationBodies.around(reference_lengths),
    }
    if name not in samplers:
        raise ValueError(f"bodies {name!r} are not known: choose from {', '.join(samplers)}.")
    return samplers[name]()


def _segment(bone: str) -> str:
    return bone.removeprefix("left_").removeprefix("right_")


def _twin(bone: str) -> str:
    if bone.startswith("left_"):
        return "right_" + _segment(bone)
    return "left_" + _segment(bone) if bone.startswith("right_") else bone


_SEGMENT_OF_BONE = [[*STATURE_RATIOS].index(_segment(bone)) for bone in BONES]


def _stature_ratios() -> Float[Tensor, "15"]:
    return torch.tensor([STATURE_RATIOS[_segment(bone)] for bone in BONES])
