import torch

from kinematics import BONE_JOINTS, BONES, Skeleton, bone_lengths
from kinematics.bones import bone_vectors


def test_bones_are_the_edges_of_the_skeleton():
    skeleton = Skeleton("h36m_16")
    edges = {(parent, child) for child, parent in enumerate(skeleton.parents) if parent >= 0}
    assert set(BONE_JOINTS) == edges
    assert len(BONES) == len(BONE_JOINTS) == 15


def test_lengths_are_distances_of_the_two_joints(generator, float_dtype):
    joints = torch.randn(2, 3, 16, 3, generator=generator, dtype=float_dtype)
    lengths = bone_lengths(joints)
    assert lengths.shape == (2, 3, 15)
    for index, (parent, child) in enumerate(BONE_JOINTS):
        expected = (joints[..., child, :] - joints[..., parent, :]).square().sum(-1).sqrt()
        torch.testing.assert_close(lengths[..., index], expected)
    torch.testing.assert_close(bone_vectors(joints).norm(dim=-1), lengths)


def test_a_bone_of_length_zero_has_a_finite_gradient():
    joints = torch.zeros(16, 3, requires_grad=True)
    bone_lengths(joints).sum().backward()
    assert joints.grad is not None
    assert torch.equal(joints.grad, torch.zeros(16, 3))
