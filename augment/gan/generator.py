"""Latent -> joint angles, global rotation, root and, if wanted, bone factors: DH-AUG's net but its unread output."""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from augment.gan.layers import Dense, ResidualBlock
from kinematics.bones import scale_bones
from kinematics.human import BodyPose
from kinematics.limits import JointLimits, joint_limits

NUM_ANGLES, NUM_ROTATIONS, NUM_ROOT, NUM_FACTORS = 28, 3, 3, 8
ROOT_RANGE_M = 10.0
FIRST_MOTION = 0.2  # of the speed that independent control points have: it comes near real motion
ORIGINAL_OUTPUTS, ORIGINAL_UNREAD = 35, 31

RotationMode = Literal["euler", "upright"]


class GeneratedPose(NamedTuple):
    """What the generator says about B clips of T frames."""

    joint_angles: Tensor  # (B, T, 28) rad, inside the limits
    global_rotation: Tensor  # (B, T, 3) rad, Rx Ry Rz
    root: Tensor  # (B, T, 3) m, from the origin the augmenter chooses (a real pose's hip)
    bone_factors: Tensor | None  # (B, 8) about 1, in the order of kinematics.bones.FACTOR_NAMES; None unless learned

    def on(self, bone_lengths: Float[Tensor, "batch 15"]) -> BodyPose:
        """Pose bodies of these lengths, metres, times the learned factors."""
        lengths = bone_lengths if self.bone_factors is None else scale_bones(bone_lengths, self.bone_factors)
        return BodyPose(self.joint_angles, lengths[:, None], self.global_rotation, self.root)


class PoseGenerator(nn.Module):
    """Samples poses of the DH body from a standard normal latent.

    limits: a table of kinematics.limits or its name. frames: T, all frames of a clip come from the same latent.
    key_every: frames between the control points of a clip's trajectories (cubic B-splines: continuous to the second
    derivative, and inside the limits because their control points are); 0: the net says every frame, as published.
    global_rotation_mode: "euler", three angles of +-180 degrees as published (neither unique nor uniform);
    "upright": any heading, uniformly, and a learned tilt of up to max_tilt rad about the two level axes.
    learn_bones: also a factor for each of the 8 bone groups, within 1 +- bone_spread.
    """

    def __init__(
        self, latent_dim: int = 128, width: int = 1000, frames: int = 1, limits: JointLimits | str = "dh-aug",
        learn_bones: bool = False, global_rotation_mode: RotationMode = "euler", max_tilt: float = math.pi,
        bone_spread: float = 0.2, key_every: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.basis: Tensor
        self.by_keys = frames > 1 and key_every > 0
        basis = spline_basis(frames, key_every) if self.by_keys else torch.eye(frames)
        self.register_buffer("basis", basis, persistent=False)  # (T, control points)
        self.latent_dim, self.frames, self.learn_bones = latent_dim, frames, learn_bones
        self.global_rotation_mode, self.max_tilt, self.bone_spread = global_rotation_mode, max_tilt, bone_spread
        self.limits = joint_limits(limits) if isinstance(limits, str) else limits
        self.outputs = NUM_ANGLES + NUM_ROTATIONS + NUM_ROOT + NUM_FACTORS * learn_bones
        self.preprocess = nn.ModuleList([Dense(latent_dim, width)])
        self.block1, self.block2, self.block3 = (ResidualBlock(width) for _ in range(3))
        self.deconv_out = nn.Linear(width, basis.shape[1] * self.outputs)
        if self.by_keys:
            self._begin_slowly()

    @torch.no_grad()
    def _begin_slowly(self) -> None:
        """Draw a clip's control points towards the first, so that learning begins near the speed of real motion."""
        for weight in (self.deconv_out.weight, self.deconv_out.bias):
            by_key = weight.view(self.basis.shape[1], self.outputs, -1)
            by_key.copy_(torch.lerp(by_key[:1].clone(), by_key, FIRST_MOTION))

    def sample_latent(self, count: int, generator: torch.Generator | None = None) -> Float[Tensor, "batch latent"]:
        """Standard normal latents for `count` clips, on the device of the weights."""
        weight = self.deconv_out.weight
        return torch.randn(count, self.latent_dim, generator=generator, device=weight.device, dtype=weight.dtype)

    def raw_head(self, latent: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch keys outputs"]:
        """The last layer's numbers, before tanh: 28 angles, 3 rotations, 3 root, (8 factors), of each control point."""
        x = self.preprocess[0](latent)
        x = self.block3(self.block2(self.block1(x)))
        return self.deconv_out(x).reshape(len(latent), -1, self.outputs)

    def forward(self, latent: Float[Tensor, "batch latent"]) -> GeneratedPose:
        raw = self.raw_head(latent).tanh()  # in [-1, 1]
        if self.by_keys:
            raw = self.basis.to(raw.dtype) @ raw  # (B, T, outputs)
        angles, rotation, root, factors = raw.split(
            [NUM_ANGLES, NUM_ROTATIONS, NUM_ROOT, self.outputs - NUM_ANGLES - NUM_ROTATIONS - NUM_ROOT], dim=-1
        )
        return GeneratedPose(
            self.limits.to_radians(angles),
            self._global_rotation(rotation, latent),
            root * ROOT_RANGE_M,
            1 + self.bone_spread * factors.mean(dim=1) if self.learn_bones else None,
        )

    def _global_rotation(self, raw: Tensor, latent: Tensor) -> Tensor:
        if self.global_rotation_mode == "euler":
            return raw * math.pi
        # The direction of two independent normal numbers is uniform on the circle, whatever the net has learnt.
        heading = torch.atan2(latent[:, 1], latent[:, 0])[:, None, None].expand(-1, raw.shape[1], 1)
        if raw.shape[1] > 1:  # within a clip people turn, about that heading in its middle
            heading = heading + math.pi * (raw[..., 2:] - raw[:, raw.shape[1] // 2, None, 2:])
        return torch.cat([raw[..., :2] * self.max_tilt, heading], dim=-1)


def spline_basis(frames: int, key_every: int) -> Float[Tensor, "frames keys"]:
    """Weights of the control points of a uniform cubic B-spline at each frame; every row is positive and sums to 1."""
    place = torch.arange(frames, dtype=torch.float64) / key_every
    first = place.floor()
    x = (place - first)[:, None]
    weights = torch.cat([(1 - x) ** 3, 3 * x**3 - 6 * x**2 + 4, -3 * x**3 + 3 * x**2 + 3 * x + 1, x**3], dim=1) / 6
    basis = torch.zeros(frames, int(first[-1]) + 4, dtype=torch.float64)
    return basis.scatter(1, first.long()[:, None] + torch.arange(4), weights).float()


def original_state_dict(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Adapt a DH-AUG generator's weights: every frame's 35 outputs lose number 31, which nothing reads."""
    adapted = dict(state_dict)
    for name in ("deconv_out.weight", "deconv_out.bias"):
        weight = state_dict[name]
        if weight.shape[0] % ORIGINAL_OUTPUTS:
            raise ValueError(
                f"{name} has {weight.shape[0]} rows, expected a multiple of {ORIGINAL_OUTPUTS}: "
                "is this a DH-AUG generator with --GAN_OUTPUT_DIM 35?"
            )
        frames = weight.reshape(-1, ORIGINAL_OUTPUTS, *weight.shape[1:])
        kept = [i for i in range(ORIGINAL_OUTPUTS) if i != ORIGINAL_UNREAD]
        adapted[name] = frames[:, kept].reshape(-1, *weight.shape[1:])
    return adapted
