"""Lifters by name."""

import pytest
import torch

from posenets import ALIASES, DH_AUG_SIZES, LIFTERS, build_posenet

SMALL = {"videopose": {"channels": 8}, "simple_baseline": {"linear_size": 8}, "sem_gcn": {"hid_dim": 8}}


@pytest.mark.parametrize("name", [*LIFTERS, *ALIASES])
@pytest.mark.parametrize("num_joints", [16, 17])
def test_every_lifter_maps_screen_joints_to_joints(name, num_joints, float_dtype):
    posenet = build_posenet(name, num_joints, **SMALL[ALIASES.get(name, name)]).to(float_dtype)
    joints = posenet(torch.randn(4, 1, num_joints, 2, dtype=float_dtype))
    assert joints.shape == (4, num_joints, 3) and joints.dtype == float_dtype
    joints.square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in posenet.parameters())


@pytest.mark.parametrize("name", LIFTERS)
def test_sizes_build_the_same_network_again(name):
    posenet = build_posenet(name, **{**DH_AUG_SIZES[name], **SMALL[name]})
    again = build_posenet(name, posenet.num_joints, posenet.frames, **posenet.sizes)
    again.load_state_dict(posenet.state_dict())
    joints_2d = torch.randn(2, 1, 16, 2)
    assert torch.equal(again.eval()(joints_2d), posenet.eval()(joints_2d))


@pytest.mark.parametrize("name", ["videopose", "simple_baseline"])
def test_a_lifter_without_hip_output_puts_the_hip_at_zero(name):
    joints = build_posenet(name, predict_hip=False, **SMALL[name])(torch.randn(5, 1, 16, 2))
    assert torch.equal(joints[:, 0], torch.zeros(5, 3)) and joints[:, 1:].abs().amin() > 0


def test_frames_choose_filters_of_width_three():
    assert build_posenet("videopose", frames=27, channels=4).filter_widths == (3, 3, 3)


@pytest.mark.parametrize(
    "name, keywords, message",
    [
        ("videopos", {}, "choose from videopose, simple_baseline, sem_gcn. Perhaps you meant: videopose"),
        ("videopose", {"chanels": 3}, "no size chanels.*Perhaps you meant: channels"),
        ("videopose", {"frames": 10}, "power of 3"),
        ("videopose", {"frames": 9, "filter_widths": [3, 3, 3]}, "reads 27 frame"),
        ("mlp", {"frames": 3}, "reads 1 frame"),
        ("mlp", {"linear_size": 0}, "linear_size is 0"),
        ("mlp", {"dropout": 1.0}, "dropout is 1.0"),
        ("gcn", {"num_joints": 13}, "No layout has 13 joints"),
    ],
)
def test_bad_names_and_sizes_are_refused(name, keywords, message):
    with pytest.raises(ValueError, match=message):
        build_posenet(name, **keywords)


def test_input_of_another_joint_count_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 1, 17, 2\), expected \(B, 1, 16, 2\)"):
        build_posenet("mlp", linear_size=8)(torch.zeros(2, 1, 17, 2))
