"""What a source of synthetic poses is, and what all of them are given to make bodies with."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor

from augment.bodies import BodySampler, body_sampler
from augment.reference import ReferencePoses
from augment.settings import AugmentSettings
from data.batch import PoseBatch
from kinematics import BONES, BodyPose, DHHuman
from kinematics.balance import balancing_rotation
from kinematics.batch_last import to_batch_last
from kinematics.joints import J
from kinematics.limb_frames import LimbPose
from kinematics.rotation import random_tilt

_WAIST, _THORAX = BONES.index("waist"), BONES.index("thorax")
AverageGradients = Callable[[list[Tensor]], None]


@dataclass(frozen=True)
class SourceContext:
    """What a source is built from. average_gradients: called between backward and step, in distributed runs."""

    settings: AugmentSettings
    reference: ReferencePoses
    random: torch.Generator
    seed: int = 0
    average_gradients: AverageGradients | None = None

    @cached_property
    def human(self) -> DHHuman:
        return DHHuman()

    @cached_property
    def joint_bodies(self) -> BodySampler:
        """Draws bone lengths between the data's joints."""
        return body_sampler(self.settings.bodies, self.settings.bone_spread, self.reference.lengths)

    @cached_property
    def dh_bodies(self) -> BodySampler:
        """Draws bone lengths of DH bodies."""
        return body_sampler(self.settings.bodies, self.settings.bone_spread, self.reference.body_lengths)

    def new_lengths(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        """(B, 15) bone lengths in metres for poses made from the real ones at `indices`."""
        return self.joint_bodies(self.reference.lengths.index_select(0, indices), generator)

    def limbs_at(self, indices: Tensor) -> LimbPose:
        return LimbPose(*(part.index_select(0, indices) for part in self.reference.limbs))

    def on_new_bodies(self, angles: Tensor, rotation: Tensor, indices: Tensor, generator: torch.Generator) -> BodyPose:
        """Draw a body for angles (B, T, 28) and rotation (B, T, 3), rad, by real poses at `indices`; root at 0."""
        lengths = self.dh_bodies(self.reference.body_lengths.index_select(0, indices), generator)
        return BodyPose(angles, lengths[:, None], rotation, torch.zeros_like(rotation))

    def forward_kinematics(self, pose: BodyPose, indices: Tensor) -> Tensor:
        """World joints (B, T, 16, 3) of DH bodies (bone_lengths (B, 1, 15)), hip and thorax as in the data set."""
        real_lengths = self.reference.body_lengths.index_select(0, indices)
        angles, lengths = to_batch_last(pose.joint_angles), to_batch_last(pose.bone_lengths[:, 0])
        joints = self.human(angles, lengths[:, None], pose.global_rotation, pose.root)
        growth = (lengths[:, _WAIST] + lengths[:, _THORAX]) / (real_lengths[:, _WAIST] + real_lengths[:, _THORAX])
        return self.reference.with_hip_and_thorax(joints, indices, growth)

    def tilt(self, joints: Tensor, generator: torch.Generator) -> Tensor:
        """Lean some bodies until they balance, give or take `lean_sd`, and tilt the others by `tilt_sd`."""
        settings, count = self.settings, len(joints)
        turn = random_tilt(count, settings.tilt_sd, generator, joints)
        if settings.balance_probability:
            balance, is_standing = balancing_rotation(joints[:, joints.shape[1] // 2])
            chosen = torch.rand(count, generator=generator, device=joints.device) < settings.balance_probability
            leaned = random_tilt(count, settings.lean_sd, generator, joints) @ balance
            turn = torch.where((chosen & is_standing)[:, None, None], leaned, turn)
        hip = joints[:, :, J.HIP, None]
        return (joints - hip) @ turn[:, None].mT + hip


class PoseSource(ABC):
    """Draws synthetic poses. A subclass says how; `@register_source(name)` makes the name one of the mixture.

    learns: whether `update` trains anything. invents: whether its poses are new, so that drawing again helps.
    moves_hip: whether its poses bring a track of their hip, from a real pose's hip; they are put on the ground only
    where that leads out of the image. remove_foot_skate: whether clips travel as their legs carry them, instead of
    along the real hip's track.
    """

    learns: ClassVar[bool] = False
    invents: ClassVar[bool] = True
    moves_hip: bool = False

    def __init__(self, context: SourceContext) -> None:
        self.context, self.settings, self.reference = context, context.settings, context.reference
        self.remove_foot_skate = context.settings.gan.root == "on_ground"

    @abstractmethod
    def draw(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        """World joints (B, T, 16, 3) m about any hip; real poses at `indices` (B,) lend body, motion and place."""

    def update(self, real: PoseBatch, motion: bool = True) -> dict[str, float]:
        """Learn from real poses of one view without detector error; losses by name. motion: with the motion critics."""
        return {}

    def problem(self, losses: dict[str, float]) -> str | None:
        """Say in one sentence what has gone wrong, None if nothing has. losses: the last ones of `update`."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """Return all that resuming needs; empty where nothing is learnt."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:  # noqa: B027 - most sources keep no state
        """Continue from what `state_dict` returned."""

    @classmethod  # noqa: B027 - as above
    def check_state(cls, state: dict[str, Any], settings: AugmentSettings, frames: int) -> None:
        """Refuse a state from a file that does not fit the settings or clips of so many frames; default: none."""
