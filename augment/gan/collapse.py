"""Noticing that a GAN has collapsed: its poses are all alike, or its critics have left it behind."""

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from augment.gan.critics import COSINE_PAIRS, kcs_features

# A healthy generator's ratios lie about 1 (ranges wider than the data's give more).
LEAST_SPREAD = 0.25
# With the gradient penalty a critic's score moves by about 1 per metre: a farther distance cannot be real poses' doing.
LARGEST_DISTANCE = 25.0


@dataclass(frozen=True)
class Diversity:
    """How different poses are. pose_spread: mean joint distance of two, metres; angle_spread: sd of bones' cosines."""

    pose_spread: float
    angle_spread: float


def diversity(joints_world: Float[Tensor, "poses 16 3"]) -> Diversity:
    """Diversity of poses, in a fixed order-free pairing: each with the one half the batch away."""
    if len(joints_world) < 2:
        raise ValueError(f"Diversity of {len(joints_world)} pose is not defined: give at least 2.")
    centred = joints_world - joints_world[:, :1]
    paired = centred.roll(len(centred) // 2, dims=0)
    spread = (centred - paired).norm(dim=-1).mean()
    cosines = kcs_features(joints_world)[:, : len(COSINE_PAIRS)]
    return Diversity(float(spread), float(cosines.std(dim=0).mean()))


def collapse_sentence(
    real: Diversity, synthetic: Diversity, critic_distances: dict[str, float] | None = None
) -> str | None:
    """Say what is wrong with the generator, None if nothing. critic_distances: E[score(real)] - E[score(fake)]."""
    measured = {
        "poses": (synthetic.pose_spread, real.pose_spread, "m between two poses' joints"),
        "joint angles": (synthetic.angle_spread, real.angle_spread, "sd of the bones' cosines"),
    }
    for name, (made, wanted, unit) in measured.items():
        if math.isnan(made):
            return f"The GAN has come apart: its {name} are NaN; lower its learning rates."
        if made < LEAST_SPREAD * wanted:
            return (
                f"The GAN has collapsed: its {name} are nearly all alike ({made:.3f} {unit}, real ones {wanted:.3f}); "
                "lower its learning rates, widen its nets or give it a smaller share of the mixture."
            )
    for name, distance in (critic_distances or {}).items():
        if not abs(distance) < LARGEST_DISTANCE:
            return (
                f"The GAN has come apart: its {name} critic tells real from synthetic by {distance:.1f}, "
                f"expected under {LARGEST_DISTANCE:.0f}; lower the learning rates."
            )
    return None
