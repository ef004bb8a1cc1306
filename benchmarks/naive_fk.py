"""Forward kinematics the obvious way: a 4x4 matrix per link, multiplied along the chains.

Vectorised over the poses and nothing else. The tests compare kinematics.DHHuman with it, the benchmark races them.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics.bones import BODY_JOINTS, BONES
from kinematics.dh import (
    ARMS_BRANCH_AFTER,
    BODY,
    JOINT_ANGLES,
    LEFT_ARM,
    LEFT_LEG,
    RIGHT_ARM,
    RIGHT_LEG,
    Link,
)


def link_transform(
    alpha: float | int, a: Float[Tensor, "*batch"], d: Float[Tensor, "*batch"], theta: Float[Tensor, "*batch"]
) -> Float[Tensor, "*batch 4 4"]:
    """T_parent_link of one modified DH link. alpha, theta: radians; a, d: metres."""
    sa, ca = math.sin(alpha), math.cos(alpha)
    st, ct = theta.sin(), theta.cos()
    zero, one = torch.zeros_like(theta), torch.ones_like(theta)
    entries = (
        (ct, -st, zero, a)
        + (ca * st, ca * ct, torch.full_like(theta, -sa), -sa * d)
        + (sa * st, sa * ct, torch.full_like(theta, ca), ca * d)
        + (zero, zero, zero, one)
    )
    return torch.stack(entries, dim=-1).unflatten(-1, (4, 4))


def _signed_length(bone: str | None, bone_lengths: Tensor) -> Tensor:
    if bone is None:
        return torch.zeros_like(bone_lengths[:, 0])
    length = bone_lengths[:, BONES.index(bone.removeprefix("-"))]
    return -length if bone.startswith("-") else length


def _link(link: Link, joint_angles: Tensor, bone_lengths: Tensor) -> Tensor:
    """(N, 4, 4) T_parent_link."""
    theta = torch.full_like(joint_angles[:, 0], math.radians(link.offset_deg))
    if link.angle is not None:
        theta = theta + joint_angles[:, JOINT_ANGLES.index(link.angle)]
    a, d = _signed_length(link.a, bone_lengths), _signed_length(link.d, bone_lengths)
    return link_transform(math.radians(link.alpha_deg), a, d, theta)


def _global_transform(rotation: Tensor, root: Tensor) -> Tensor:
    """(N, 4, 4): Rx Ry Rz, then the root."""
    transform = torch.eye(4, dtype=root.dtype, device=root.device).repeat(len(root), 1, 1)
    for axis in range(3):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        turn = torch.eye(4, dtype=root.dtype, device=root.device).repeat(len(root), 1, 1)
        sin, cos = rotation[:, axis].sin(), rotation[:, axis].cos()
        turn[:, i, i], turn[:, i, j], turn[:, j, i], turn[:, j, j] = cos, -sin, sin, cos
        transform = transform @ turn
    return torch.cat([transform[:, :, :3], torch.cat([root, torch.ones_like(root[:, :1])], dim=1)[:, :, None]], dim=2)


def naive_forward_kinematics(joint_angles: Tensor, bone_lengths: Tensor, rotation: Tensor, root: Tensor) -> Tensor:
    """(N, 28) rad, (N, 15) m, (N, 3) rad, (N, 3) m -> (N, 16, 3) m. The same as DHHuman."""
    world = _global_transform(rotation, root)
    placed: dict[str, Tensor] = {}

    def walk(start: Tensor, links: tuple[Link, ...]) -> Tensor:
        frame = start
        for link in links:
            frame = frame @ _link(link, joint_angles, bone_lengths)
            if link.joint is not None:
                placed[link.joint] = frame[:, :3, 3]
        return frame

    walk(world, RIGHT_LEG)
    walk(world, LEFT_LEG)
    chest = walk(world, BODY[:ARMS_BRANCH_AFTER])
    walk(chest, BODY[ARMS_BRANCH_AFTER:])
    walk(chest, RIGHT_ARM)
    walk(chest, LEFT_ARM)
    return torch.stack([placed[joint] for joint in BODY_JOINTS], dim=1)
