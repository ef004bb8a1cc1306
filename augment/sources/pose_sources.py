"""Where synthetic poses come from: one function per source, all giving world joints about any hip."""

from collections.abc import Callable

import torch
from torch import Tensor

from augment.bodies import BodySampler, body_sampler, keep_bodies
from augment.gan.generator import PoseGenerator
from augment.reference import Reference
from augment.settings import AugmentSettings
from augment.sources.angle_swap import exchange_angles, turn_angles
from augment.sources.random_poses import RandomPoses, normal_poses, range_of_motion_poses
from augment.sources.retargeting import middle_of, retarget
from kinematics import BONES, DHHuman, joint_limits
from kinematics.balance import balancing_rotation
from kinematics.batch_last import to_batch_last
from kinematics.bones import scale_bones
from kinematics.joints import J
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

    def __init__(self, settings: AugmentSettings, reference: Reference, pose_generator: PoseGenerator | None) -> None:
        self.settings, self.reference, self.pose_generator = settings, reference, pose_generator
        self.human = DHHuman()
        self.bodies: BodySampler = body_sampler(settings.bodies, settings.bone_spread, reference.lengths)
        self.fk_bodies: BodySampler = body_sampler(settings.bodies, settings.bone_spread, reference.body_lengths)
        self.limits = joint_limits("anatomical")
        self._draw: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
            "gan": self.gan,
            "crossover": self.crossover,
            "limbs": self.limbs,
            "rom": self.rom,
            "normal": self.normal,
            "real": self.real,
        }

    def draw(self, source: str, rows: Tensor, generator: torch.Generator) -> Tensor:
        """One pose beside each real pose at `rows` (B,): its body, and where it stands, come from there."""
        return self._draw[source](rows, generator)

    def gan(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Poses of the generator; gradients flow if they are on."""
        if self.pose_generator is None:
            raise ValueError("The mixture asks for the source gan, but there is no generator.")
        pose = self.pose_generator(self.pose_generator.noise(len(rows), generator))
        lengths = None
        if pose.bone_factors is not None:
            lengths = scale_bones(self.reference.body_lengths[rows], pose.bone_factors)
        return self._body(pose.joint_angles, pose.global_rotation, rows, generator, pose.root, lengths)

    def crossover(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        angles, rotation = self.reference.fit.joint_angles, self.reference.fit.global_rotation
        partners = angles[self.reference.random_rows(len(rows), generator)]
        mixed = exchange_angles(angles[rows], partners, self.settings.exchange, generator)
        mixed = turn_angles(mixed, self.limits, self.settings.turn_sd, generator)
        return self._tilted(self._body(mixed, rotation[rows], rows, generator), generator)

    def limbs(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        partners = self.reference.random_rows(len(rows), generator)
        clip = self._limbs_at(rows)
        pose = exchange_limbs(middle_of(clip), self._limbs_at(partners, middle=True), self.settings.exchange, generator)
        pose = retarget(turn_limbs(pose, self.settings.turn_sd, generator), clip)
        pose = with_lengths(pose, self.new_lengths(rows, generator)[:, None])
        return self._tilted(put_together(pose), generator)

    def rom(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        poses = range_of_motion_poses(len(rows), generator, 0.0, self.reference.joints_world.dtype)
        return self._tilted(self._moving(poses, rows, generator), generator)

    def normal(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        return self._moving(normal_poses(len(rows), generator, self.reference.joints_world.dtype), rows, generator)

    def real(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        if not self.settings.new_bodies_for_real or self.bodies is keep_bodies:
            return self.reference.joints_world[rows]
        return put_together(with_lengths(self._limbs_at(rows), self.new_lengths(rows, generator)[:, None]))

    def new_lengths(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """(B, 15) bone lengths for poses that stand beside the real ones at `rows`, metres."""
        return self.bodies(self.reference.lengths.index_select(0, rows), generator)

    def _limbs_at(self, rows: Tensor, middle: bool = False) -> LimbPose:
        """The real poses at `rows`, taken apart; middle: of each clip its middle frame alone."""
        limbs = middle_of(self.reference.limbs) if middle else self.reference.limbs
        return LimbPose(*(part.index_select(0, rows) for part in limbs))

    def _moving(self, poses: RandomPoses, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Random poses, in clips moved as the real ones at `rows` move."""
        joints = self._body(poses.joint_angles[:, None], poses.global_rotation[:, None], rows, generator)
        if self.reference.joints_world.shape[1] == 1:
            return joints
        return put_together(retarget(take_apart(joints), self._limbs_at(rows)))

    def _body(
        self, angles: Tensor, rotation: Tensor, rows: Tensor, generator: torch.Generator,
        root: Tensor | None = None, lengths: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """DH bodies in a pose, with the data's centres of hip and thorax.

        Shapes (B, T, 28), (B, T, 3), rows (B,), root (B, T, 3); lengths (B, 15), drawn where None.
        """
        own = self.reference.body_lengths.index_select(0, rows)
        lengths = self.fk_bodies(own, generator) if lengths is None else lengths
        angles, lengths = to_batch_last(angles), to_batch_last(lengths)
        joints = self.human(angles, lengths[:, None], rotation, torch.zeros_like(rotation) if root is None else root)
        growth = (lengths[:, _WAIST] + lengths[:, _THORAX]) / (own[:, _WAIST] + own[:, _THORAX])
        return self.reference.with_centres(joints, rows, growth)

    def _tilted(self, joints: Tensor, generator: torch.Generator) -> Tensor:
        """Some bodies leaned until they balance, give or take `lean_sd`, the others tilted by `tilt_sd`."""
        settings, count = self.settings, len(joints)
        turn = tilt_matrices(count, settings.tilt_sd, generator, joints)
        if settings.balanced:
            balance, stands = balancing_rotation(joints[:, joints.shape[1] // 2])
            chosen = torch.rand(count, generator=generator, device=joints.device) < settings.balanced
            leaned = tilt_matrices(count, settings.lean_sd, generator, joints) @ balance
            turn = torch.where((chosen & stands)[:, None, None], leaned, turn)
        hip = joints[:, :, J.HIP, None]
        return (joints - hip) @ turn[:, None].mT + hip
