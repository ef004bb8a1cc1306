"""The DH human: joint angles and bone lengths -> joints.

At rest every link of kinematics.dh turns about a pelvis axis, and the four limbs turn about the same ones, as do the
four joints of the spine. So the body needs no matrices: the three axes of a frame are carried up the spine, the
bones of the limbs are written out in the frame they hang from. Everything is laid out angle by angle, (28, N), so
that each step works on long contiguous rows: on a CPU, memory passes and kernel launches are what costs.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kinematics.bones import BODY_JOINTS, BONES
from kinematics.dh import JOINT_ANGLES

LIMB_AXES = ("+z", "+y", "+x", "+x")  # twist, abduction, flexion, knee or elbow
SPINE_AXES = ("+z", "-x", "+y")  # twist, flexion, lean: of waist, spine, chest and neck

Frame = tuple[Tensor, Tensor, Tensor]  # axes right, forward, up, each (3, N): world coordinates


def _rows(name: str, values: Tensor, entries: int, batch: torch.Size) -> Tensor:
    """(..., entries) -> (entries, N) contiguous."""
    if values.shape[-1] != entries:
        raise ValueError(f"{name} has {values.shape[-1]} entries in its last dimension, expected {entries}.")
    return values.expand(*batch, entries).reshape(-1, entries).t().contiguous()


def _turn(first: Tensor, second: Tensor, sin: Tensor, cos: Tensor) -> tuple[Tensor, Tensor]:
    """Two axes of a frame after a turn from the first towards the second."""
    return torch.addcmul(cos * first, sin, second), torch.addcmul(cos * second, sin, first, value=-1)


def _global_frame(rotation: Tensor) -> Frame:
    """Columns of Rx Ry Rz. rotation: (3, N) rad."""
    (sx, sy, sz), (cx, cy, cz) = rotation.sin(), rotation.cos()
    sxsy, cxsy = sx * sy, cx * sy
    right = torch.stack([cy * cz, cx * sz + sxsy * cz, sx * sz - cxsy * cz])
    forward = torch.stack([-cy * sz, cx * cz - sxsy * sz, sx * cz + cxsy * sz])
    up = torch.stack([sy, -sx * cy, cx * cy])
    return right, forward, up


def _spine_joint(frame: Frame, sin: Tensor, cos: Tensor) -> Frame:
    """The frame after the three turns of SPINE_AXES. sin, cos: (3, N)."""
    right, forward, up = frame
    right, forward = _turn(right, forward, sin[0], cos[0])
    up, forward = _turn(up, forward, sin[1], cos[1])
    up, right = _turn(up, right, sin[2], cos[2])
    return right, forward, up


def _neck_vector(frame: Frame, sin: Tensor, cos: Tensor, length: Tensor) -> Tensor:
    """Thorax -> head (3, N): the up axis after the three turns of SPINE_AXES."""
    right, forward, up = frame
    ahead, above = sin[1] * cos[2], length * cos[1] * cos[2]
    to_right = length * (cos[0] * sin[2] - sin[0] * ahead)
    to_front = length * (sin[0] * sin[2] + cos[0] * ahead)
    return torch.addcmul(torch.addcmul(to_right * right, to_front, forward), above, up)


def _limb_vectors(frame: Frame, sin: Tensor, cos: Tensor, upper: Tensor, lower: Tensor) -> Tensor:
    """Both bones of a pair of limbs, (3, bones 2, sides 2, N) in the world.

    sin, cos: (8, N), right limb first, in the order of LIMB_AXES. upper, lower: lengths (sides 2, N), right first.
    A bone is Rz(twist) Ry(abduction) Rx(flexion [+ hinge]) (0, 0, -length) in the frame it hangs from.
    """
    sin_twist, sin_abduction, sin_flexion, sin_hinge = sin.unflatten(0, (2, 4)).unbind(1)
    cos_twist, cos_abduction, cos_flexion, cos_hinge = cos.unflatten(0, (2, 4)).unbind(1)
    sin_both, cos_both = _turn(sin_flexion, cos_flexion, sin_hinge, cos_hinge)
    swing = torch.stack([upper * sin_flexion, lower * sin_both])  # (2, 2, N) forward, before abduction
    drop = torch.stack([upper * cos_flexion, lower * cos_both])
    drop, side = drop * cos_abduction, drop * sin_abduction
    side, swing = _turn(side, swing, sin_twist, cos_twist)
    right, forward, up = (axis[:, None, None] for axis in frame)
    return torch.addcmul(torch.addcmul(swing * forward, side, right, value=-1), drop, up, value=-1)


def _limb_joints(left: Tensor, right: Tensor, vectors: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Joints of the left and of the right limb, each (3, N), from their first joints and `_limb_vectors`."""
    upper, lower = vectors.unbind(1)
    right_middle, left_middle = right + upper[:, 0], left + upper[:, 1]
    return [left, left_middle, left_middle + lower[:, 1]], [right, right_middle, right_middle + lower[:, 0]]


class DHHuman(nn.Module):
    """Forward kinematics of the body of kinematics.dh."""

    def forward(
        self,
        joint_angles: Float[Tensor, "*#batch 28"],
        bone_lengths: Float[Tensor, "*#batch 15"],
        global_rotation: Float[Tensor, "*#batch 3"],
        root: Float[Tensor, "*#batch 3"],
    ) -> Float[Tensor, "*batch 16 3"]:
        """Joint positions of a DH human.

        joint_angles: (..., 28) radians, in the order of JOINT_ANGLES. bone_lengths: (..., 15) metres, order of BONES.
        global_rotation: (..., 3) radians x, y, z: the pelvis frame is Rx Ry Rz. root: (..., 3) metres, the hip centre.
        Returns (..., 16, 3) metres, world frame. Leading dimensions broadcast.
        All angles zero: standing straight, arms hanging, facing +y with +x to the subject's right and +z up.
        """
        inputs = (joint_angles, bone_lengths, global_rotation, root)
        batch = torch.broadcast_shapes(*(values.shape[:-1] for values in inputs))
        angles = _rows("joint_angles", joint_angles, len(JOINT_ANGLES), batch)
        lengths = _rows("bone_lengths", bone_lengths, len(BONES), batch)
        rotation = _rows("global_rotation", global_rotation, 3, batch)
        hip = _rows("root", root, 3, batch)
        joints = _walk(angles, lengths, _global_frame(rotation), hip)
        return torch.stack([joint.t() for joint in joints], dim=1).reshape(*batch, len(BODY_JOINTS), 3)


def _walk(angles: Tensor, lengths: Tensor, pelvis: Frame, hip: Tensor) -> list[Tensor]:
    """The joints in the order of BODY_JOINTS, each (3, N). angles: (28, N), lengths: (15, N), hip: (3, N)."""
    length = dict(zip(BONES, lengths, strict=True))
    sin, cos = angles.sin(), angles.cos()
    left_hip = torch.addcmul(hip, length["left_hip"], pelvis[0], value=-1)
    right_hip = torch.addcmul(hip, length["right_hip"], pelvis[0])
    legs = _limb_vectors(pelvis, sin[:8], cos[:8], lengths[2:4].flip(0), lengths[:2].flip(0))
    left_leg, right_leg = _limb_joints(left_hip, right_hip, legs)

    frame = _spine_joint(pelvis, sin[8:11], cos[8:11])
    spine = torch.addcmul(hip, length["waist"], frame[2])
    frame = _spine_joint(frame, sin[11:14], cos[11:14])
    thorax = torch.addcmul(spine, length["thorax"], frame[2])
    chest = _spine_joint(frame, sin[14:17], cos[14:17])
    head = thorax + _neck_vector(chest, sin[17:20], cos[17:20], length["neck"])

    left_shoulder = torch.addcmul(thorax, length["left_shoulder"], chest[0], value=-1)
    right_shoulder = torch.addcmul(thorax, length["right_shoulder"], chest[0])
    arms = _limb_vectors(chest, sin[20:], cos[20:], lengths[10:12].flip(0), lengths[12:14].flip(0))
    left_arm, right_arm = _limb_joints(left_shoulder, right_shoulder, arms)
    return [hip, *right_leg, *left_leg, spine, thorax, head, *left_arm, *right_arm]
