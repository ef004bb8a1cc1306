"""Where synthetic poses come from: one function per source, all giving world joints about any hip."""

from collections.abc import Callable

import torch
from torch import Tensor

from augment.bodies import BodySampler, body_sampler, keep_bodies, scale_bones
from augment.gan.generator import PoseGenerator
from augment.reference import HIP, ReferencePoses
from augment.settings import AugmentSettings
from augment.sources.angle_swap import exchange_angles, turn_angles
from augment.sources.random_poses import RandomPoses, normal_poses, range_of_motion_poses
from augment.sources.retargeting import middle_of, retarget
from kinematics import BONES, DHHuman, joint_limits
from kinematics.balance import balancing_rotation
from kinematics.batch_last import to_batch_last
from kinematics.limb_frames import (
    LimbPose,
    exchange_limbs,
    put_together,
    take_apart,
    tilt_matrices,
    turn_limbs,
    with_lengths,
)

_WAIST, _THORAX = BONES.index("waist"), BONES.index("thorax")


class PoseSources:
    """Draws (B, T, 16, 3) metres, world axes, from each source of a mixture."""

    def __init__(
        self, settings: AugmentSettings, reference: ReferencePoses, pose_generator: PoseGenerator | None
    ) -> None:
        self.settings, self.reference, self.pose_generator = settings, reference, pose_generator
        self.human = DHHuman()
        self.bodies: BodySampler = body_sampler(settings.bodies, settings.bone_spread, reference.lengths)
        self.fk_bodies: BodySampler = body_sampler(settings.bodies, settings.bone_spread, reference.body_lengths)
        self.limits = joint_limits("anatomical")
        self._draw: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
            "gan": self.gan,
            "angle_swap": self.angle_swap,
            "limb_swap": self.limb_swap,
            "range_of_motion": self.range_of_motion,
            "clipped_normal": self.clipped_normal,
            "real": self.real,
        }

    def draw(self, source: str, indices: Tensor, generator: torch.Generator) -> Tensor:
        """One pose beside each real pose at `rows` (B,): its body, and where it stands, come from there."""
        return self._draw[source](indices, generator)

    def gan(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        """Poses of the generator; gradients flow if they are on."""
        if self.pose_generator is None:
            raise ValueError("The mixture asks for the source gan, but there is no generator.")
        pose = self.pose_generator(self.pose_generator.sample_latent(len(indices), generator))
        lengths = None
        if pose.bone_factors is not None:
            lengths = scale_bones(self.reference.body_lengths[indices], pose.bone_factors)
        return self._body(pose.joint_angles, pose.global_rotation, indices, generator, pose.root, lengths)

    def angle_swap(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        angles, rotation = self.reference.dh_pose.joint_angles, self.reference.dh_pose.global_rotation
        partners = angles[self.reference.random_indices(len(indices), generator)]
        mixed = exchange_angles(angles[indices], partners, self.settings.exchange, generator)
        mixed = turn_angles(mixed, self.limits, self.settings.turn_sd, generator)
        return self._tilted(self._body(mixed, rotation[indices], indices, generator), generator)

    def limb_swap(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        partners = self.reference.random_indices(len(indices), generator)
        clip = self._limbs_at(indices)
        pose = exchange_limbs(middle_of(clip), self._limbs_at(partners, middle=True), self.settings.exchange, generator)
        pose = retarget(turn_limbs(pose, self.settings.turn_sd, generator), clip)
        pose = with_lengths(pose, self.new_lengths(indices, generator)[:, None])
        return self._tilted(put_together(pose), generator)

    def range_of_motion(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        poses = range_of_motion_poses(len(indices), generator, 0.0, self.reference.joints_world.dtype)
        return self._tilted(self._moving(poses, indices, generator), generator)

    def clipped_normal(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        return self._moving(
            normal_poses(len(indices), generator, self.reference.joints_world.dtype), indices, generator
        )

    def real(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        if not self.settings.new_bodies_for_real or self.bodies is keep_bodies:
            return self.reference.joints_world[indices]
        return put_together(with_lengths(self._limbs_at(indices), self.new_lengths(indices, generator)[:, None]))

    def new_lengths(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        """(B, 15) bone lengths for poses that stand beside the real ones at `rows`, metres."""
        return self.bodies(self.reference.lengths.index_select(0, indices), generator)

    def _limbs_at(self, indices: Tensor, middle: bool = False) -> LimbPose:
        """The real poses at `rows`, taken apart; middle: of each clip its middle frame alone."""
        limbs = middle_of(self.reference.limbs) if middle else self.reference.limbs
        return LimbPose(*(part.index_select(0, indices) for part in limbs))

    def _moving(self, poses: RandomPoses, indices: Tensor, generator: torch.Generator) -> Tensor:
        """Random poses, in clips moved as the real ones at `rows` move."""
        joints = self._body(poses.joint_angles[:, None], poses.global_rotation[:, None], indices, generator)
        if self.reference.joints_world.shape[1] == 1:
            return joints
        return put_together(retarget(take_apart(joints), self._limbs_at(indices)))

    def _body(
        self, angles: Tensor, rotation: Tensor, indices: Tensor, generator: torch.Generator,
        root: Tensor | None = None, lengths: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """DH bodies in a pose, with the data's centres of hip and thorax.

        Shapes (B, T, 28), (B, T, 3), rows (B,), root (B, T, 3); lengths (B, 15), drawn where None.
        """
        reference_lengths = self.reference.body_lengths.index_select(0, indices)
        lengths = self.fk_bodies(reference_lengths, generator) if lengths is None else lengths
        angles, lengths = to_batch_last(angles), to_batch_last(lengths)
        joints = self.human(angles, lengths[:, None], rotation, torch.zeros_like(rotation) if root is None else root)
        growth = (lengths[:, _WAIST] + lengths[:, _THORAX]) / (
            reference_lengths[:, _WAIST] + reference_lengths[:, _THORAX]
        )
        return self.reference.with_hip_and_thorax(joints, indices, growth)

    def _tilted(self, joints: Tensor, generator: torch.Generator) -> Tensor:
        """Some bodies leaned until they balance, give or take `lean_sd`, the others tilted by `tilt_sd`."""
        settings, count = self.settings, len(joints)
        turn = tilt_matrices(count, settings.tilt_sd, generator, joints)
        if settings.balance_probability:
            balance, stands = balancing_rotation(joints[:, joints.shape[1] // 2])
            chosen = torch.rand(count, generator=generator, device=joints.device) < settings.balance_probability
            leaned = tilt_matrices(count, settings.lean_sd, generator, joints) @ balance
            turn = torch.where((chosen & stands)[:, None, None], leaned, turn)
        hip = joints[:, :, HIP : HIP + 1]
        return (joints - hip) @ turn[:, None].mT + hip
