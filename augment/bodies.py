"""Sample bone lengths for synthetic bodies, metres in the order of kinematics.BONES; left and right change together."""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics.bones import FACTOR_NAMES, MIRRORED_BONES, scale_bones
from kinematics.errors import choose
from kinematics.stature import average_bone_lengths, sample_population

BodySampler = Callable[[Tensor, torch.Generator], Tensor]
BodiesName = Literal["keep", "templates", "population"]


class TemplateBodies:
    """The data's own lengths with each of the 8 factors uniform in 1 +- spread (DH-AUG's "different")."""

    def __init__(self, spread: float = 0.2) -> None:
        self.spread = spread

    def __call__(self, lengths: Float[Tensor, "batch 15"], generator: torch.Generator) -> Float[Tensor, "batch 15"]:
        size = len(lengths), len(FACTOR_NAMES)
        unit = torch.rand(size, generator=generator, device=lengths.device, dtype=lengths.dtype)
        return scale_bones(lengths, 1 + self.spread * (2 * unit - 1))


class PopulationBodies:
    """People about an average body (kinematics.stature.sample_population). mean_lengths: (15,); None: of an adult."""

    def __init__(self, mean_lengths: Float[Tensor, "15"] | None = None) -> None:
        self.mean_lengths = average_bone_lengths() if mean_lengths is None else mean_lengths

    @classmethod
    def around(cls, lengths: Float[Tensor, "people 15"]) -> "PopulationBodies":
        """Return a population about the average of given bodies, made symmetric."""
        mean = lengths.mean(dim=0)
        return cls((mean + mean[list(MIRRORED_BONES)]) / 2)

    def __call__(self, lengths: Float[Tensor, "batch 15"], generator: torch.Generator) -> Float[Tensor, "batch 15"]:
        """lengths: only their count, device and type matter here."""
        return sample_population(self.mean_lengths, lengths, generator)


def keep_bodies(lengths: Float[Tensor, "batch 15"], generator: torch.Generator) -> Float[Tensor, "batch 15"]:
    return lengths


def body_sampler(name: str, spread: float, reference_lengths: Float[Tensor, "people 15"]) -> BodySampler:
    """Build the sampler of a recipe. reference_lengths: the data's bodies, the middle of "population"."""
    samplers = {
        "keep": lambda: keep_bodies,
        "templates": lambda: TemplateBodies(spread),
        "population": lambda: PopulationBodies.around(reference_lengths),
    }
    return samplers[choose("bodies", name, samplers)]()
