import math
from collections.abc import Sequence

import torch

from benchmarks.naive_fk import link_transform
from kinematics.bones import BODY_JOINTS, BONES
from kinematics.dh import (
    ALL_LINKS,
    ARMS_BRANCH_AFTER,
    BODY,
    INDICES_IN_33,
    JOINT_ANGLES,
    LEFT_ARM,
    LEFT_LEG,
    RIGHT_ARM,
    RIGHT_LEG,
    Link,
)
from kinematics.human import LIMB_AXES, SPINE_AXES


def rest_axes(links: Sequence[Link]) -> tuple[str, ...]:
    """The pelvis axis, such as "+z" or "-x", that each link's angle turns about when all angles are zero."""
    zero = torch.zeros((), dtype=torch.float64)
    frame, names = torch.eye(3, dtype=torch.float64), []
    for link in links:
        alpha, offset = torch.deg2rad(torch.tensor([link.alpha_deg, link.offset_deg], dtype=torch.float64))
        frame = frame @ link_transform(float(alpha), zero, zero, offset)[:3, :3]
        axis = int(frame[:, 2].abs().argmax())
        names.append(("+" if frame[axis, 2] > 0 else "-") + "xyz"[axis])
    return tuple(names)


def _elementary(axis: int, angle: float, offset: float, along: int) -> torch.Tensor:
    transform = torch.eye(4, dtype=torch.float64)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    transform[i, i] = transform[j, j] = math.cos(angle)
    transform[i, j], transform[j, i] = -math.sin(angle), math.sin(angle)
    transform[along, 3] = offset
    return transform


def test_a_link_is_rotx_transx_rotz_transz():
    alpha, a, d, theta = 0.7, 0.3, -0.2, 1.9
    expected = _elementary(0, alpha, a, 0) @ _elementary(2, theta, 0.0, 2) @ _elementary(2, 0.0, d, 2)
    values = (torch.tensor(value, dtype=torch.float64) for value in (a, d, theta))
    torch.testing.assert_close(link_transform(alpha, *values), expected)


def test_links_transform_any_leading_dimensions(generator, float_dtype):
    a, d, theta = torch.randn(3, 2, 5, generator=generator, dtype=float_dtype)
    transform = link_transform(0.3, a, d, theta)
    assert transform.shape == (2, 5, 4, 4) and transform.dtype == float_dtype
    rotation = transform[..., :3, :3]
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(3, dtype=float_dtype).expand(2, 5, 3, 3))


def test_28_of_the_33_links_have_an_angle():
    assert len(ALL_LINKS) == 33
    assert len(JOINT_ANGLES) == len(set(JOINT_ANGLES)) == 28
    assert sorted(set(range(33)) - set(INDICES_IN_33)) == [4, 9, 22, 27, 32]


def test_the_links_place_every_joint_and_use_every_bone_once():
    assert sorted(link.joint for link in ALL_LINKS if link.joint) == sorted(BODY_JOINTS)
    bones = [bone.removeprefix("-") for link in ALL_LINKS for bone in (link.a, link.d) if bone]
    assert sorted(bones) == sorted(BONES)


def test_the_body_turns_about_the_axes_that_the_walk_is_written_for():
    to_chest = BODY[:ARMS_BRANCH_AFTER]
    assert rest_axes(BODY)[:12] == SPINE_AXES * 4
    for leg in (RIGHT_LEG, LEFT_LEG):
        assert rest_axes(leg)[:4] == LIMB_AXES
    for arm in (RIGHT_ARM, LEFT_ARM):
        assert rest_axes(to_chest + arm)[len(to_chest) :][:4] == LIMB_AXES
