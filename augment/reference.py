"""The real poses that synthetic ones are made from, placed by, and compared with."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from augment.rigs import seen_by_rigs
from data.batch import PoseBatch
from data.dataset import PoseDataset
from data.multiview.dataset import MultiViewDataset
from kinematics import Camera, DHHuman, Skeleton, bone_lengths, constants
from kinematics.batch_last import stack
from kinematics.foot_contact import lowest_heights, remove_foot_skate, smoothed
from kinematics.human import BodyPose
from kinematics.inverse import joint_angles_from_joints
from kinematics.joints import J
from kinematics.limb_frames import LimbPose, take_apart, trunk_frames

POSES_AT_ONCE = 2048  # of several views: of these only one pose and the cameras are kept
MOST_FRAMES = 1_000_000  # of all clips kept: 2 GB while they are fitted
FRAMES_AT_ONCE = 100_000  # fitting takes 2 KB a frame


@dataclass
class ReferencePoses:
    """Real poses and what can be derived from them. joints_world: (N, T, 16, 3) metres; camera: (N,) the one each pose
    was seen by, or (N, V) its rig.
    """

    joints_world: Tensor
    camera: Camera

    @classmethod
    def from_data(
        cls, data: PoseDataset | MultiViewDataset | PoseBatch, maximum: int, generator: torch.Generator
    ) -> "ReferencePoses":
        """Draw at most `maximum` poses with cameras and 16 joints, of long clips no more than MOST_FRAMES in all."""
        count = len(data)
        is_batch = isinstance(data, PoseBatch)
        maximum = max(1, min(maximum, MOST_FRAMES // (data.joints_3d.shape[-3] if is_batch else data.frames)))
        device = data.source.device if is_batch else data.device
        indices = torch.arange(count)
        if count > maximum:
            indices = torch.randperm(count, generator=generator, device=generator.device)[:maximum].sort().values
        indices = indices.to(device)
        multi_view = isinstance(data, MultiViewDataset) or (isinstance(data, PoseBatch) and data.views is not None)
        parts = indices.split(POSES_AT_ONCE) if multi_view else (indices,)
        batches = (_checked(data[part] if isinstance(data, PoseBatch) else data.batch(part)) for part in parts)
        if multi_view:
            return cls(*seen_by_rigs(batches))
        batch = next(batches)
        assert batch.camera is not None
        return cls(batch.joints_world(), batch.camera)

    def to(self, device: torch.device | str) -> "ReferencePoses":
        return ReferencePoses(self.joints_world.to(device), self.camera.to(device))

    def smooth(self) -> "ReferencePoses":
        """Smooth the joints over time (Gaussian, sd 2 frames)."""
        tracks = smoothed(self.joints_world.flatten(2)) if self.joints_world.shape[1] > 1 else self.joints_world
        return ReferencePoses(tracks.view_as(self.joints_world), self.camera)

    def __len__(self) -> int:
        return len(self.joints_world)

    @property
    def views(self) -> int | None:
        """V of the rigs; None where each pose was seen by one camera."""
        return self.camera.translation.shape[1] if self.camera.translation.ndim == 3 else None

    @property
    def hip(self) -> Tensor:
        """(N, T, 3) metres, world."""
        return self.joints_world[:, :, J.HIP]

    @cached_property
    def ground_height(self) -> Tensor:
        """(N, T) height of the lowest joint of each frame, metres."""
        return lowest_heights(self.joints_world)

    @cached_property
    def lengths(self) -> Tensor:
        """(N, 15) bone lengths, mean over the frames of a clip, metres."""
        return bone_lengths(self.joints_world).mean(dim=1)

    @cached_property
    def limbs(self) -> LimbPose:
        return take_apart(self.joints_world)

    @cached_property
    def dh_pose(self) -> BodyPose:
        """The DH body that fits each pose best, (N, T)."""
        pieces = self.joints_world.split(max(1, FRAMES_AT_ONCE // self.joints_world.shape[1]))
        return BodyPose(*(torch.cat(parts) for parts in zip(*map(joint_angles_from_joints, pieces), strict=True)))

    @cached_property
    def body_lengths(self) -> Tensor:
        """(N, 15) bone lengths of these DH bodies, metres; those of the trunk differ from `lengths`."""
        return self.dh_pose.bone_lengths.mean(dim=1)

    @cached_property
    def hip_thorax_offsets(self) -> Tensor:
        """(N, 2, 3) metres: the data's Hip and Thorax from the DH body's, in pelvis and chest (CMU's Hip: 11 cm up)."""
        fitted = DHHuman()(*self.dh_pose)
        apart = (self.joints_world - fitted)[:, :, constants.indices((J.HIP, J.THORAX), fitted), :]
        return _in_trunk(fitted, apart, inwards=True).mean(dim=1)

    @cached_property
    def is_dh_body(self) -> bool:
        """Whether Hip and Thorax lie where a DH body has them, to a thousandth of a millimetre."""
        return bool((self.hip_thorax_offsets.abs() < 1e-6).all())

    def with_hip_and_thorax(self, joints: Tensor, indices: Tensor, growth: Tensor) -> Tensor:
        """Move Hip and Thorax of DH bodies (B, T, 16, 3) to where the real people at `indices` have them.

        growth: (B,) size of each body over that person's. The neck of a clip keeps the length of its middle frame: the
        head follows the DH body's thorax, which turns about another point than the neck does.
        """
        if self.is_dh_body:
            return joints
        apart = self.hip_thorax_offsets.index_select(0, indices) * growth[:, None, None]
        apart = apart[:, None].expand(-1, joints.shape[1], -1, -1)
        moved = joints[:, :, constants.indices((J.HIP, J.THORAX), joints)] + _in_trunk(joints, apart, inwards=False)
        parts = list(joints.unbind(2))
        parts[J.HIP], parts[J.THORAX] = moved.unbind(2)
        if joints.shape[1] > 1:
            neck = parts[J.HEAD] - parts[J.THORAX]
            length = neck.norm(dim=-1, keepdim=True)
            parts[J.HEAD] = parts[J.THORAX] + neck * (length[:, length.shape[1] // 2, None] / length.clamp_min(1e-3))
        return stack(parts, -2, joints)

    def random_indices(self, count: int, generator: torch.Generator) -> Tensor:
        """(count,) int64, drawn with replacement, on the reference's device."""
        indices = torch.randint(len(self), (count,), generator=generator, device=generator.device)
        return indices.to(self.joints_world.device)

    def camera_indices(self, indices: Tensor, one_for_all: bool, generator: torch.Generator) -> Tensor:
        """(B,) real poses whose places and cameras synthetic ones take: `indices`, or, as published, one for all."""
        if not one_for_all or len(indices) == 0:
            return indices
        chosen = torch.randint(len(indices), (1,), generator=generator, device=generator.device)
        return indices[chosen.to(indices.device)].expand(len(indices))

    def offset_to_reference(self, joints: Tensor, indices: Tensor) -> Tensor:
        """Move poses (B, T, 16, 3) whose root counts from a real hip to the real poses at `indices`."""
        return joints + self.hip[indices][:, self.hip.shape[1] // 2, None, None]

    def place_on_ground(self, joints: Tensor, indices: Tensor, remove_skate: bool = True) -> Tensor:
        """Move poses (B, T, 16, 3) to where the real ones at `indices` were.

        The hip comes over the same point of the floor, the lowest joint of every frame to the same height: who stands
        goes on standing, who jumps jumps as high. remove_skate: a clip's hip is there in its middle frame and travels
        as its legs carry it; otherwise along the real hip's track.
        """
        remove_skate = remove_skate and joints.shape[1] > 1
        if remove_skate:
            ground_height = lowest_heights(self.joints_world[indices], softly=True)
        else:
            ground_height = self.ground_height.index_select(0, indices)
        x, y, z = self.hip.index_select(0, indices).unbind(-1)
        hip_x, hip_y, hip_z = joints[:, :, J.HIP].unbind(-1)
        lift = ground_height - lowest_heights(joints, softly=remove_skate)
        if remove_skate:  # smoothly, as other legs lift the body at other times
            lift = z - hip_z + smoothed((lift - (z - hip_z))[..., None])[..., 0]
        move = stack([x - hip_x, y - hip_y, lift], -1, joints)
        on_ground = joints + move[:, :, None]
        return remove_foot_skate(on_ground) if remove_skate else on_ground


def _checked(batch: PoseBatch) -> PoseBatch:
    if batch.camera is None:
        raise ValueError("Augmentation needs the cameras of the real poses, but they have none (camera is None).")
    Skeleton("h36m_16").check(batch.joints_3d)
    return batch


def _in_trunk(joints: Tensor, vectors: Tensor, inwards: bool) -> Tensor:
    """Two vectors (..., 2, 3), at the hip and at the thorax, from world axes into pelvis and chest, or out of them."""
    frames = torch.stack(trunk_frames(joints), dim=-3)
    turned = (frames.mT if inwards else frames) @ vectors[..., None]
    return turned[..., 0]
