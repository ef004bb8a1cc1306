"""Forward kinematics of the DH human: joint angles and bone lengths -> joints.

At rest every link of kinematics.dh rotates about a pelvis axis, so no matrices are needed: three axes are carried up
the spine, and each step is arithmetic on rows of N numbers, one per pose, written for torch.compile.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kinematics.batch_last import is_batch_last
from kinematics.bones import BODY_JOINTS, BONES
from kinematics.dh import JOINT_ANGLES

LIMB_AXES = ("+z", "+y", "+x", "+x")  # twist, abduction, flexion, knee or elbow
SPINE_AXES = ("+z", "-x", "+y")  # twist, flexion, lean: of waist, spine, chest and neck

Row = Tensor  # (N,) one number per pose
Vector = tuple[Row, Row, Row]  # world coordinates
Frame = tuple[Vector, Vector, Vector]  # axes right, forward, up
Rows = tuple[Row, ...]

# name: (number of entries, what they are)
_INPUTS = {
    "joint_angles": (len(JOINT_ANGLES), "one per name of kinematics.JOINT_ANGLES"),
    "global_rotation": (3, "turns about x, y and z"),
    "bone_lengths": (len(BONES), "one per bone of kinematics.BONES"),
    "root": (3, "x, y and z"),
}


class BodyPose(NamedTuple):
    """Inputs of DHHuman: angles (..., 28) rad, lengths (..., 15) m, Euler x y z (..., 3) rad, root (..., 3) m."""

    joint_angles: Tensor
    bone_lengths: Tensor
    global_rotation: Tensor
    root: Tensor


class DHHuman(nn.Module):
    """Forward kinematics of the body in kinematics.dh."""

    def forward(
        self,
        joint_angles: Float[Tensor, "*#batch angles"],
        bone_lengths: Float[Tensor, "*#batch bones"],
        global_rotation: Float[Tensor, "*#batch turns"],
        root: Float[Tensor, "*#batch xyz"],
    ) -> Float[Tensor, "*out 16 3"]:
        """Compute the joint positions of a DH human.

        joint_angles: (..., 28) radians, in the order of JOINT_ANGLES. bone_lengths: (..., 15) metres, order of BONES.
        global_rotation: (..., 3) radians x, y, z: the pelvis frame is Rx Ry Rz. root: (..., 3) metres, the hip centre.
        Returns (..., 16, 3) metres, world frame, batch last (kinematics.batch_last) if joint_angles are. Leading
        dimensions broadcast.
        With all angles zero the body stands upright, arms hanging, facing +y, with +x to its right and +z up.
        """
        inputs = (joint_angles, global_rotation, bone_lengths, root)
        for values, (name, (entries, meaning)) in zip(inputs, _INPUTS.items(), strict=True):
            if values.shape[-1] != entries:
                raise ValueError(f"{name} has {values.shape[-1]} entries, expected {entries}: {meaning}.")
        batch = torch.broadcast_shapes(*(values.shape[:-1] for values in inputs))
        turned_round = is_batch_last(joint_angles) and joint_angles.shape[:-1] == batch
        # One copy makes 49 contiguous rows of (N, 28), (N, 3), (N, 15), (N, 3).
        rows = torch.cat([_as_rows(values.expand(*batch, -1), turned_round) for values in inputs])
        turns, lengths, hip = rows.split([len(JOINT_ANGLES) + 3, len(BONES), 3])
        joints = _walk(turns.sin().unbind(), turns.cos().unbind(), lengths.unbind(), _vector(hip.unbind()))
        coordinates = torch.stack([row for joint in joints for row in joint])  # (48, N)
        if turned_round:
            bodies = coordinates.reshape(len(BODY_JOINTS), 3, *batch[1:], batch[0])
            return bodies.movedim((0, 1), (-3, -2)).movedim(-1, 0)
        return coordinates.t().contiguous().reshape(*batch, len(BODY_JOINTS), 3)


def _as_rows(values: Tensor, turned_round: bool) -> Tensor:
    """Transpose (*batch, n) to (n, N). turned_round: the batch's first dimension goes last (kinematics.batch_last)."""
    if turned_round:
        return values.movedim((-1, 0), (0, -1)).reshape(values.shape[-1], -1)
    return values.reshape(-1, values.shape[-1]).t()


def _walk(sin: Rows, cos: Rows, lengths: Rows, hip: Vector) -> list[Vector]:
    """Compute the joints in the order of BODY_JOINTS. sin, cos: of 28 joint angles and 3 global ones."""
    length = dict(zip(BONES, lengths, strict=True))
    pelvis = _global_frame(sin[28:], cos[28:])
    right_hip = _along(hip, length["right_hip"], pelvis[0])
    left_hip = _along(hip, length["left_hip"], pelvis[0], -1)
    right_leg = _limb(right_hip, pelvis, sin[:4], cos[:4], (length["right_thigh"], length["right_shin"]))
    left_leg = _limb(left_hip, pelvis, sin[4:8], cos[4:8], (length["left_thigh"], length["left_shin"]))

    frame = _spine_joint(pelvis, sin[8:11], cos[8:11])
    spine = _along(hip, length["waist"], frame[2])
    frame = _spine_joint(frame, sin[11:14], cos[11:14])
    thorax = _along(spine, length["thorax"], frame[2])
    chest = _spine_joint(frame, sin[14:17], cos[14:17])
    head = _head(thorax, chest, sin[17:20], cos[17:20], length["neck"])

    right_shoulder = _along(thorax, length["right_shoulder"], chest[0])
    left_shoulder = _along(thorax, length["left_shoulder"], chest[0], -1)
    right_bones, left_bones = ((length[f"{side}_upper_arm"], length[f"{side}_forearm"]) for side in ("right", "left"))
    right_arm = _limb(right_shoulder, chest, sin[20:24], cos[20:24], right_bones)
    left_arm = _limb(left_shoulder, chest, sin[24:28], cos[24:28], left_bones)
    return [hip, *right_leg, *left_leg, spine, thorax, head, *left_arm, *right_arm]


def _vector(rows: Rows) -> Vector:
    x, y, z = rows
    return x, y, z


def _along(start: Vector, length: Row, direction: Vector, sign: int = 1) -> Vector:
    """Compute start + sign * length * direction."""
    return _vector(tuple(torch.addcmul(p, length, u, value=sign) for p, u in zip(start, direction, strict=True)))


def _turn_rows(first: Row, second: Row, sin: Row, cos: Row) -> tuple[Row, Row]:
    """Compute (cos first + sin second, cos second - sin first)."""
    return (cos * first).addcmul_(sin, second), (cos * second).addcmul_(sin, first, value=-1)


def _turn(first: Vector, second: Vector, sin: Row, cos: Row) -> tuple[Vector, Vector]:
    """Rotate two axes of a frame, the first towards the second."""
    firsts, seconds = zip(*(_turn_rows(u, v, sin, cos) for u, v in zip(first, second, strict=True)), strict=True)
    return _vector(firsts), _vector(seconds)


def _global_frame(sin: Rows, cos: Rows) -> Frame:
    """Compute the columns of Rx Ry Rz."""
    (sx, sy, sz), (cx, cy, cz) = sin, cos
    sxsy, cxsy = sx * sy, cx * sy
    right = cy * cz, cx * sz + sxsy * cz, sx * sz - cxsy * cz
    forward = -cy * sz, cx * cz - sxsy * sz, sx * cz + cxsy * sz
    return right, forward, (sy, -sx * cy, cx * cy)


def _spine_joint(frame: Frame, sin: Rows, cos: Rows) -> Frame:
    """Rotate a frame by the three angles of SPINE_AXES."""
    right, forward, up = frame
    right, forward = _turn(right, forward, sin[0], cos[0])
    up, forward = _turn(up, forward, sin[1], cos[1])
    up, right = _turn(up, right, sin[2], cos[2])
    return right, forward, up


def _head(thorax: Vector, frame: Frame, sin: Rows, cos: Rows, length: Row) -> Vector:
    """Compute the head: the thorax plus (0, 0, length) in the frame rotated by the three angles of SPINE_AXES."""
    side, ahead, above = length * sin[2], length * sin[1] * cos[2], length * cos[1] * cos[2]
    ahead, side = _turn_rows(ahead, side, sin[0], cos[0])
    return _along(_along(_along(thorax, side, frame[0]), ahead, frame[1]), above, frame[2])


def _limb(start: Vector, frame: Frame, sin: Rows, cos: Rows, lengths: tuple[Row, Row]) -> list[Vector]:
    """Compute the joints of a limb, whose bones are Rz(twist) Ry(abduction) Rx(flexion [+ hinge]) (0, 0, -length)."""
    right, forward, up = frame
    both = _turn_rows(sin[2], cos[2], sin[3], cos[3])  # sine and cosine of flexion + hinge
    joints = [start]
    for length, (sin_swing, cos_swing) in zip(lengths, ((sin[2], cos[2]), both), strict=True):
        ahead, below = length * sin_swing, length * cos_swing
        to_left, below = below * sin[1], below * cos[1]
        to_left, ahead = _turn_rows(to_left, ahead, sin[0], cos[0])
        joint = _along(_along(_along(joints[-1], ahead, forward), to_left, right, -1), below, up, -1)
        joints.append(joint)
    return joints
