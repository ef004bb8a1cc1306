"""The bone templates file: PoseAug's order in, any order out, other units refused."""

from pathlib import Path

import numpy as np
import pytest

from data.h36m.bone_templates import POSEAUG_BONES, TEMPLATES_FILE, bone_lengths_of, load_bone_templates, reordered
from kinematics.skeleton import Skeleton


def save(folder: Path, lengths: np.ndarray) -> Path:
    path = folder / TEMPLATES_FILE
    path.parent.mkdir(parents=True)
    np.save(path, lengths)
    return folder


def test_bone_k_ends_at_joint_k_plus_1() -> None:
    assert [child for _, child in POSEAUG_BONES] == list(range(1, 16))
    names = Skeleton("h36m_16").joints
    assert [names[parent] for parent, child in POSEAUG_BONES if names[child] == "Head"] == ["Thorax"]


def test_lengths_are_distances_and_a_glitch_does_not_count() -> None:
    joints = np.random.default_rng(0).normal(size=(1, 16, 3)).repeat(5, axis=0)
    joints[2] *= 100
    expected = [np.linalg.norm(joints[0, child] - joints[0, parent]) for parent, child in POSEAUG_BONES]
    np.testing.assert_allclose(bone_lengths_of(joints), expected)


def test_reordering_follows_the_pairs() -> None:
    order = np.random.default_rng(0).permutation(15)
    bones = [POSEAUG_BONES[i] for i in order]
    np.testing.assert_array_equal(reordered(np.arange(15.0), bones), order)


def test_a_copy_with_a_last_axis_of_one_is_read(tmp_path: Path) -> None:
    lengths = np.random.default_rng(0).uniform(0.1, 0.5, (5, 15, 1))
    np.testing.assert_allclose(load_bone_templates(save(tmp_path, lengths)), lengths[..., 0], rtol=1e-6)


@pytest.mark.parametrize(
    "lengths, words",
    [
        (np.full((5, 15), 300.0), "300 to 300, expected 0.03 to 0.8 metres"),
        (np.full((5, 15), np.nan), "expected 0.03 to 0.8 metres"),
        (np.full((5, 16), 0.3), r"shape \(5, 16\), expected \(bodies, 15\)"),
        (np.full((0, 15), 0.3), r"shape \(0, 15\)"),
    ],
)
def test_other_units_and_shapes_are_refused(lengths: np.ndarray, words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=words):
        load_bone_templates(save(tmp_path, lengths))


def test_a_missing_file_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="python -m data.prepare_data_h36m"):
        load_bone_templates(tmp_path)
