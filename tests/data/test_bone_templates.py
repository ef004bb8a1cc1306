"""The bone templates: PoseAug's order, lengths that a glitch does not change."""

import numpy as np

from data.prepare_data_h36m import POSEAUG_BONES, bone_lengths_of
from kinematics.skeleton import Skeleton


def test_bone_k_ends_at_joint_k_plus_1() -> None:
    assert [child for _, child in POSEAUG_BONES] == list(range(1, 16))
    names = Skeleton("h36m_16").joints
    assert [names[parent] for parent, child in POSEAUG_BONES if names[child] == "Head"] == ["Thorax"]


def test_lengths_are_distances_and_a_glitch_does_not_count() -> None:
    joints = np.random.default_rng(0).normal(size=(1, 16, 3)).repeat(5, axis=0)
    joints[2] *= 100
    expected = [np.linalg.norm(joints[0, child] - joints[0, parent]) for parent, child in POSEAUG_BONES]
    np.testing.assert_allclose(bone_lengths_of(joints), expected)
