"""Joint definitions: Human3.6M's, CMU's, COCO's, and random ones."""

import pytest
import torch

from data.cmu.prepared import read_prepared
from kinematics.batch_last import is_batch_last, to_batch_last
from kinematics.definitions import (
    CMU_TO_H36M,
    PARAMETERS,
    as_coco,
    body_size,
    cmu_to_h36m,
    redefine,
    sample_definitions,
)
from kinematics.joints import J
from kinematics.limb_frames import body_frame
from kinematics.rotation import random_tilt
from kinematics.skeleton import Skeleton

FIXED = [J.R_KNEE, J.R_ANKLE, J.L_KNEE, J.L_ANKLE, J.L_ELBOW, J.L_WRIST, J.R_ELBOW, J.R_WRIST]
# Means over Human3.6M, in units of mid-hips to mid-shoulders: right, up, forward from mid-hips.
H36M_MEANS = {
    J.HIP: (0, 0, 0), J.R_HIP: (0.303, 0.02, 0), J.SPINE: (0, 0.548, -0.063), J.THORAX: (0, 1.118, 0.018),
    J.HEAD: (0.0, 1.486, 0.120),
}  # fmt: skip


@pytest.fixture(scope="module")
def clips() -> list[torch.Tensor]:
    """Every 30th frame of each built-in clip, 16 joints, float64."""
    layout, body = Skeleton("h36m_17"), Skeleton("h36m_16")
    prepared = read_prepared("no such folder")
    return [torch.from_numpy(layout.convert(c.joints_world[::30].astype("float64"), body)) for c in prepared.values()]


def _of(**values: float) -> torch.Tensor:
    return torch.tensor([values.get(name, 0.0) for name in PARAMETERS], dtype=torch.float64)


def test_cmu_bodies_get_the_mean_proportions_of_human36m(clips):
    joints = torch.cat([cmu_to_h36m(clip) for clip in clips])
    hips = (joints[:, J.R_HIP] + joints[:, J.L_HIP]) / 2
    trunk = (joints[:, J.R_SHOULDER] + joints[:, J.L_SHOULDER]) / 2 - hips
    length = trunk.norm(dim=-1)
    up = trunk / length[:, None]
    right = joints[:, J.R_HIP] - joints[:, J.L_HIP]
    right = right - (right * up).sum(-1, keepdim=True) * up
    right = right / right.norm(dim=-1, keepdim=True)
    axes = torch.stack([right, up, torch.linalg.cross(up, right)], dim=-1)
    for joint, wanted in H36M_MEANS.items():
        local = ((joints[:, joint] - hips)[:, None] @ axes)[:, 0] / length[:, None]
        torch.testing.assert_close(local.mean(0), torch.tensor(wanted, dtype=torch.float64), atol=0.02, rtol=0)
    assert float(length.mean()) == pytest.approx(0.438, abs=0.01)


def test_conversion_keeps_limbs_and_shoulders_and_the_body_as_large_as_it_was(clips):
    for clip in clips[::12]:
        moved = cmu_to_h36m(clip)
        torch.testing.assert_close(moved[:, FIXED], clip[:, FIXED], atol=0, rtol=0)
        torch.testing.assert_close(moved[:, J.L_SHOULDER], clip[:, J.L_SHOULDER], atol=1e-12, rtol=0)
        assert abs(float(body_size(moved) / body_size(clip)) - 1) < 0.03


def test_hips_stay_where_they_are_in_a_rigid_pelvis(clips):
    for clip in clips[::24]:
        pelvis = body_frame(clip[:, 1] - clip[:, 4], clip[:, 0] - (clip[:, 1] + clip[:, 4]) / 2)
        local = ((cmu_to_h36m(clip)[:, J.R_HIP] - clip[:, J.HIP])[:, None] @ pelvis)[:, 0]
        assert float(local.std(dim=0).max()) < 1e-3  # the excerpt is rounded to half a millimetre


def test_nothing_moves_without_a_parameter(clips):
    torch.testing.assert_close(redefine(clips[0], _of()), clips[0], atol=0, rtol=0)


@pytest.mark.parametrize("name", PARAMETERS)
def test_each_parameter_moves_what_it_names_by_its_amount(name, clips):
    shift = redefine(clips[3], _of(**{name: 0.05})) - clips[3]
    moved = {J(joint) for joint in range(16) if float(shift[:, joint].norm(dim=-1).max()) > 1e-9}
    of_part = {
        "hips": {J.R_HIP, J.L_HIP} | (set() if name == "hips_width" else {J.HIP}), "hip": {J.HIP}, "spine": {J.SPINE},
        "thorax": {J.THORAX}, "head": {J.HEAD}, "shoulders": {J.R_SHOULDER, J.L_SHOULDER},
    }  # fmt: skip
    assert moved == of_part[name.split("_")[0]]
    if not name.endswith(("width", "length")):
        far = shift[:, sorted(moved)].norm(dim=-1)
        torch.testing.assert_close(far, torch.full_like(far, 0.05))


def test_definitions_turn_with_the_body(clips, float_dtype, generator):
    joints = torch.cat(clips)[:200].to(float_dtype)
    turn = random_tilt(200, 2.0, generator, joints)
    parameters = sample_definitions(200, 1.0, 1.0, generator, joints)
    tolerance = 1e-5 if float_dtype == torch.float32 else 1e-12
    turned_first = redefine(joints @ turn.mT, parameters)
    torch.testing.assert_close(turned_first, redefine(joints, parameters) @ turn.mT, atol=tolerance, rtol=0)


def test_the_memory_layout_stays_and_changes_nothing(clips, generator):
    joints = torch.cat(clips)[:64]
    parameters = sample_definitions(64, 1.0, 1.0, generator, joints)
    batch_last = redefine(to_batch_last(joints), parameters)
    assert is_batch_last(batch_last)
    torch.testing.assert_close(batch_last, redefine(joints, parameters))


def test_share_and_width_of_random_definitions(generator):
    like = torch.empty(0, dtype=torch.float64)
    drawn = sample_definitions(20_000, 0.3, 1.0, generator, like)
    given = drawn.abs().sum(dim=1) > 0
    assert float(given.double().mean()) == pytest.approx(0.3, abs=0.02)
    half = sample_definitions(20_000, 1.0, 0.5, generator, like)
    torch.testing.assert_close(half.std(0), drawn[given].std(0) / 2, rtol=0.05, atol=0)


def test_random_definitions_span_cmu_s(generator):
    back = {name: -value for name, value in CMU_TO_H36M.items()}
    back["hips_width"] = 1 / (1 + CMU_TO_H36M["hips_width"]) - 1
    drawn = sample_definitions(5000, 1.0, 1.0, generator, torch.empty(0))
    for name, value in back.items():
        column = drawn[:, PARAMETERS.index(name)]
        assert float(column.quantile(0.02)) < value < float(column.quantile(0.98)), name


def test_coco_s_missing_joints_are_middles(clips):
    joints = as_coco(clips[0])
    torch.testing.assert_close(joints[:, J.HIP], (joints[:, J.R_HIP] + joints[:, J.L_HIP]) / 2)
    torch.testing.assert_close(joints[:, J.THORAX], (joints[:, J.R_SHOULDER] + joints[:, J.L_SHOULDER]) / 2)
    torch.testing.assert_close(joints[:, J.SPINE], (joints[:, J.HIP] + joints[:, J.THORAX]) / 2)
    torch.testing.assert_close(joints[:, FIXED], clips[0][:, FIXED], atol=0, rtol=0)
