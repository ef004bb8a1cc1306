"""Measure how clips (B, T, J, 3) m, world frame, move: speeds, accelerations, skating, stretching; not smoothed."""

from dataclasses import dataclass

from jaxtyping import Bool, Float
from scipy.stats import wasserstein_distance
from torch import Tensor

from kinematics import BONES, bone_lengths
from kinematics.joints import J

CONTACT_HEIGHT_M = 0.05
FEET = (J.R_ANKLE, J.L_ANKLE)
LIMBS = [i for i, bone in enumerate(BONES) if bone.endswith(("shin", "thigh", "hip", "arm"))]
TRUNK = [i for i in range(len(BONES)) if i not in LIMBS]
LEVELS = (0.5, 0.95)


def joint_speeds(
    clips: Float[Tensor, "*batch frames joints 3"], fps: float | int
) -> Float[Tensor, "*batch steps joints"]:
    """Speed of every joint from each frame to the next, m/s: T - 1 steps."""
    _check(clips, 2)
    return clips.diff(dim=-3).norm(dim=-1) * fps


def joint_accelerations(
    clips: Float[Tensor, "*batch frames joints 3"], fps: float | int
) -> Float[Tensor, "*batch steps joints"]:
    """Size of every joint's acceleration at each frame but the first and last, m/s^2: T - 2 steps."""
    _check(clips, 3)
    return clips.diff(n=2, dim=-3).norm(dim=-1) * fps**2


def about_root(
    clips: Float[Tensor, "*batch frames joints 3"], root: int = 0
) -> Float[Tensor, "*batch frames joints 3"]:
    """Subtract the root in every frame (world axes), which leaves the motion of the limbs."""
    return clips - clips[..., root : root + 1, :]


def foot_contacts(
    clips: Float[Tensor, "*batch frames joints 3"], feet: tuple[int, ...] = FEET, height: float = CONTACT_HEIGHT_M
) -> Bool[Tensor, "*batch frames feet"]:
    """Whether a foot (an ankle) is less than `height` metres above the lowest joint of its clip."""
    floor = clips[..., 2].amin(dim=(-2, -1))
    return clips[..., list(feet), 2] < floor[..., None, None] + height


def foot_slides(
    clips: Float[Tensor, "*batch frames joints 3"], fps: float | int, feet: tuple[int, ...] = FEET,
    height: float = CONTACT_HEIGHT_M,
) -> tuple[Float[Tensor, "*batch steps feet"], Bool[Tensor, "*batch steps feet"]]:  # fmt: skip
    """Horizontal speed of each foot from frame to frame, m/s, and whether it is in contact in both of the frames."""
    _check(clips, 2)
    contact = foot_contacts(clips, feet, height)
    speeds = clips[..., list(feet), :2].diff(dim=-3).norm(dim=-1) * fps
    return speeds, contact[..., 1:, :] & contact[..., :-1, :]


def bone_variation(clips: Float[Tensor, "*batch frames 16 3"]) -> Float[Tensor, "*batch 15"]:
    """Relative change of each bone's length in each clip: (longest - shortest) / mean."""
    lengths = bone_lengths(clips)
    return (lengths.amax(dim=-2) - lengths.amin(dim=-2)) / lengths.mean(dim=-2)


def distribution_distance(first: Float[Tensor, "*first"], second: Float[Tensor, "*second"]) -> float:
    """1-Wasserstein distance of two sets of numbers, in their unit: how far the one must be moved to be the other."""
    return float(wasserstein_distance(first.flatten().cpu().double().numpy(), second.flatten().cpu().double().numpy()))


@dataclass(frozen=True)
class MotionStatistics:
    """A set of clips in numbers. Quantiles are those of LEVELS: the median and 95 %, over clips, frames and joints."""

    clips: int
    speed: tuple[float, ...]
    """Quantiles of the joints' speed, m/s."""
    limb_speed: tuple[float, ...]
    """The same about the root."""
    acceleration: tuple[float, ...]
    """Quantiles of the joints' acceleration, m/s^2."""
    skating: float
    """Mean horizontal speed of feet in contact, m/s; NaN where none ever is."""
    contact: float
    """Share of frames in which at least one foot is in contact."""
    limb_bones: float
    """Largest relative change of a bone of the arms, legs or hips inside a clip, of all clips."""
    trunk_bones: float
    """The 95 % quantile of the same for spine, shoulders and neck, whose lengths vary in real recordings too."""


@dataclass(frozen=True)
class MotionDistances:
    """How far the motion of two sets of clips is apart: 1-Wasserstein distances in m/s, m/s and m/s^2."""

    speed: float
    limb_speed: float
    acceleration: float


def motion_statistics(clips: Float[Tensor, "batch frames 16 3"], fps: float | int) -> MotionStatistics:
    """Compute the statistics of a set of clips of 3 frames or more."""
    (slides, touching), bones = foot_slides(clips, fps), bone_variation(clips)
    speeds = {name: joint_speeds(c, fps) for name, c in (("world", clips), ("limbs", about_root(clips)[..., 1:, :]))}
    return MotionStatistics(
        clips=len(clips),
        speed=quantiles(speeds["world"]),
        limb_speed=quantiles(speeds["limbs"]),
        acceleration=quantiles(joint_accelerations(clips, fps)),
        skating=float(slides[touching].double().mean()),
        contact=float(foot_contacts(clips).any(dim=-1).double().mean()),
        limb_bones=float(bones[:, LIMBS].amax()),
        trunk_bones=quantiles(bones[:, TRUNK].amax(dim=-1))[1],
    )


def motion_distances(
    clips: Float[Tensor, "batch frames 16 3"], others: Float[Tensor, "others length 16 3"], fps: float | int
) -> MotionDistances:
    """Compute the distances of two sets of clips at one frame rate; their sizes and lengths may differ."""
    limbs, other_limbs = about_root(clips)[..., 1:, :], about_root(others)[..., 1:, :]
    return MotionDistances(
        speed=distribution_distance(joint_speeds(clips, fps), joint_speeds(others, fps)),
        limb_speed=distribution_distance(joint_speeds(limbs, fps), joint_speeds(other_limbs, fps)),
        acceleration=distribution_distance(joint_accelerations(clips, fps), joint_accelerations(others, fps)),
    )


def quantiles(values: Float[Tensor, "*shape"], levels: tuple[float, ...] = LEVELS) -> tuple[float, ...]:
    """Compute quantiles as the nearest value below; torch.quantile refuses more than 16 million values."""
    ordered = values.flatten().sort().values
    return tuple(float(ordered[int(level * (len(ordered) - 1))]) for level in levels)


def _check(clips: Tensor, frames: int) -> None:
    if clips.shape[-3] < frames:
        raise ValueError(
            f"The clips have {clips.shape[-3]} frames, expected {frames} or more: motion is between frames."
        )
