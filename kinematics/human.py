"""The DH human: joint angles and bone lengths -> joints.

At rest every link of kinematics.dh turns about a pelvis axis: the four limbs about the same four, the four joints of
the spine about the same three. So the body needs no matrices: three axes are carried up the spine, and the bones of a
limb are written out in the frame it hangs from. All poses go through one straight line of arithmetic on rows of N
numbers, one row per angle, length or coordinate; what is done alike to three coordinates, two sides or two bones is
one operation on all their rows. torch.compile makes a few vectorised loops of it, and long contiguous rows in few
operations are also what eager PyTorch is fastest at on a CPU.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kinematics.bones import BODY_JOINTS, BONES
from kinematics.dh import JOINT_ANGLES
from kinematics.rows import are_in_rows

LIMB_AXES = ("+z", "+y", "+x", "+x")  # twist, abduction, flexion, knee or elbow
SPINE_AXES = ("+z", "-x", "+y")  # twist, flexion, lean: of waist, spine, chest and neck

Row = Tensor  # (N,) one number of each pose
Rows = Tensor  # (n, N)
Vector = Tensor  # (3, N) world coordinates
Frame = tuple[Vector, Vector, Vector]  # axes right, forward, up

# name: entries, and what they are
_INPUTS = {
    "joint_angles": (len(JOINT_ANGLES), "one per name of kinematics.JOINT_ANGLES"),
    "global_rotation": (3, "turns about x, y and z"),
    "bone_lengths": (len(BONES), "one per bone of kinematics.BONES"),
    "root": (3, "x, y and z"),
}


class DHHuman(nn.Module):
    """Forward kinematics of the body of kinematics.dh."""

    def forward(
        self,
        joint_angles: Float[Tensor, "*#batch angles"],
        bone_lengths: Float[Tensor, "*#batch bones"],
        global_rotation: Float[Tensor, "*#batch turns"],
        root: Float[Tensor, "*#batch xyz"],
    ) -> Float[Tensor, "*out 16 3"]:
        """Joint positions of a DH human.

        joint_angles: (..., 28) radians, in the order of JOINT_ANGLES. bone_lengths: (..., 15) metres, order of BONES.
        global_rotation: (..., 3) radians x, y, z: the pelvis frame is Rx Ry Rz. root: (..., 3) metres, the hip centre.
        Returns (..., 16, 3) metres, world frame, in rows (kinematics.rows) if joint_angles are. Leading dimensions
        broadcast.
        All angles zero: standing straight, arms hanging, facing +y with +x to the subject's right and +z up.
        """
        inputs = (joint_angles, global_rotation, bone_lengths, root)
        for values, (name, (entries, meaning)) in zip(inputs, _INPUTS.items(), strict=True):
            if values.shape[-1] != entries:
                raise ValueError(f"{name} has {values.shape[-1]} entries, expected {entries}: {meaning}.")
        batch = torch.broadcast_shapes(*(values.shape[:-1] for values in inputs))
        turned_round = are_in_rows(joint_angles) and joint_angles.shape[:-1] == batch
        # One copy turns (N, 28), (N, 3), (N, 15), (N, 3) into 49 contiguous rows.
        rows = torch.cat([_as_rows(values.expand(*batch, -1), turned_round) for values in inputs])
        turns, lengths, hip = rows.split([len(JOINT_ANGLES) + 3, len(BONES), 3])
        joints = _walk(turns.sin(), turns.cos(), dict(zip(BONES, lengths.unbind(), strict=True)), hip)
        coordinates = torch.stack(joints)  # (16, 3, N)
        if turned_round:
            return coordinates.unflatten(-1, (*batch[1:], batch[0])).movedim((0, 1), (-3, -2)).movedim(-1, 0)
        return coordinates.flatten(0, 1).t().contiguous().reshape(*batch, len(BODY_JOINTS), 3)


def _as_rows(values: Tensor, turned_round: bool) -> Rows:
    """(*batch, n) -> (n, N). turned_round: with the first dimension of the batch as the last, as kinematics.rows."""
    if turned_round:
        return values.movedim((-1, 0), (0, -1)).reshape(values.shape[-1], -1)
    return values.reshape(-1, values.shape[-1]).t()


def _walk(sin: Rows, cos: Rows, length: dict[str, Row], hip: Vector) -> list[Vector]:
    """The joints in the order of BODY_JOINTS. sin, cos: 28 joint angles and 3 global ones. length: by bone."""
    pelvis = _global_frame(sin[28:], cos[28:])
    frame = _spine_joint(pelvis, sin[8:11], cos[8:11])
    spine = torch.addcmul(hip, length["waist"], frame[2])
    frame = _spine_joint(frame, sin[11:14], cos[11:14])
    thorax = torch.addcmul(spine, length["thorax"], frame[2])
    chest = _spine_joint(frame, sin[14:17], cos[14:17])
    head = _head(thorax, chest, sin[17:20], cos[17:20], length["neck"])
    legs = _limb_pair(hip, pelvis, sin[:8], cos[:8], length, ("hip", "thigh", "shin"))
    arms = _limb_pair(thorax, chest, sin[20:28], cos[20:28], length, ("shoulder", "upper_arm", "forearm"))
    right_leg, left_leg, right_arm, left_arm = (
        [joint[:, side] for joint in pair] for pair in (legs, arms) for side in (0, 1)
    )
    return [hip, *right_leg, *left_leg, spine, thorax, head, *left_arm, *right_arm]


def _turn(first: Tensor, second: Tensor, sin: Row, cos: Row) -> tuple[Tensor, Tensor]:
    """(cos first + sin second, cos second - sin first): two axes of a frame after a turn from the first to the second,
    or two coordinates after the opposite turn."""
    return (cos * first).addcmul_(sin, second), (cos * second).addcmul_(sin, first, value=-1)


def _global_frame(sin: Rows, cos: Rows) -> Frame:
    """Columns of Rx Ry Rz."""
    (sx, sy, sz), (cx, cy, cz) = sin.unbind(), cos.unbind()
    right, forward = torch.stack([cy, sx * sy, -cx * sy]), torch.stack([torch.zeros_like(cx), cx, sx])
    right, forward = _turn(right, forward, sz, cz)
    return right, forward, torch.stack([sy, -sx * cy, cx * cy])


def _spine_joint(frame: Frame, sin: Rows, cos: Rows) -> Frame:
    """The frame after the three turns of SPINE_AXES."""
    right, forward, up = frame
    right, forward = _turn(right, forward, sin[0], cos[0])
    up, forward = _turn(up, forward, sin[1], cos[1])
    up, right = _turn(up, right, sin[2], cos[2])
    return right, forward, up


def _head(thorax: Vector, frame: Frame, sin: Rows, cos: Rows, length: Row) -> Vector:
    """Thorax + the neck: the up axis after the three turns of SPINE_AXES, (0, 0, length) in the last frame."""
    side, level = length * sin[2], length * cos[2]
    ahead, side = _turn(level * sin[1], side, sin[0], cos[0])
    head = torch.addcmul(thorax, side, frame[0]).addcmul_(ahead, frame[1])
    return head.addcmul_(level * cos[1], frame[2])


def _limb_pair(
    middle: Vector, frame: Frame, sin: Rows, cos: Rows, length: dict[str, Row], bones: tuple[str, str, str]
) -> tuple[Tensor, Tensor, Tensor]:
    """The three joints of both legs or both arms, each (3, 2, N), right before left.

    middle: hip or thorax; frame: what they hang from. sin, cos: 2 x 4 rows, of the angles about LIMB_AXES. bones: from
    the middle out. A bone is Rz(twist) Ry(abduction) Rx(flexion [+ hinge]) (0, 0, -length).
    """
    shared, *own = (torch.stack([length[f"{side}_{bone}"] for side in ("right", "left")]) for bone in bones)
    (sin_twist, sin_abduction, *sins), (cos_twist, cos_abduction, *coss) = (
        rows.unflatten(0, (2, 4)).unbind(1) for rows in (sin, cos)
    )
    sins[1], coss[1] = _turn(sins[0], coss[0], sins[1], coss[1])  # of flexion + hinge
    lengths = torch.stack(own)  # (bones 2, sides 2, N)
    ahead, below = lengths * torch.stack(sins), lengths * torch.stack(coss)
    below, to_left = below * cos_abduction, below * sin_abduction
    to_left, ahead = _turn(to_left, ahead, sin_twist, cos_twist)
    right, forward, up = (axis[:, None, None] for axis in frame)
    first = torch.stack([middle + shared[0] * frame[0], middle - shared[1] * frame[0]], dim=1)
    vectors = (ahead * forward).addcmul_(to_left, right, value=-1)  # (3, bones 2, sides 2, N)
    upper, lower = vectors.addcmul_(below, up, value=-1).unbind(1)
    knee = first + upper
    return first, knee, knee + lower
