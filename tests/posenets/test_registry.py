"""Lifters by name."""

import pytest
import torch

from posenets import ALIASES, build_posenet, get_spec, lifter_names
from posenets.videopose import build_filter_widths

SMALL = {
    "videopose": {"channels": 8}, "simple_baseline": {"linear_size": 8}, "sem_gcn": {"hid_dim": 8},
    "st_gcn": {"hid_dim": 8}, "poseformer": {"embed_dim_ratio": 8}, "seq2seq": {"width": 8},
}  # fmt: skip
assert lifter_names(False) == sorted(SMALL)
TEMPORAL = ["videopose", "st_gcn", "poseformer", "seq2seq"]


@pytest.mark.parametrize("name", [*SMALL, *ALIASES])
@pytest.mark.parametrize("num_joints", [16, 17])
def test_every_lifter_maps_screen_joints_to_joints(name, num_joints, float_dtype):
    posenet = build_posenet(name, num_joints, **SMALL[ALIASES.get(name, name)]).to(float_dtype)
    joints = posenet(torch.randn(4, 1, num_joints, 2, dtype=float_dtype))
    assert joints.shape == (4, num_joints, 3) and joints.dtype == float_dtype
    joints.square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in posenet.parameters())


@pytest.mark.parametrize("name", TEMPORAL)
@pytest.mark.parametrize("frames", [3, 9, 27])
def test_temporal_lifters_read_windows(name, frames):
    posenet = build_posenet(name, 17, frames, **SMALL[name])
    assert posenet.frames == frames
    assert posenet(torch.randn(2, frames, 17, 2)).shape == (2, 17, 3)


@pytest.mark.parametrize("name", TEMPORAL)
def test_every_frame_of_the_window_counts(name):
    torch.manual_seed(0)
    posenet = build_posenet(name, 16, 9, **SMALL[name]).eval()
    joints_2d = torch.randn(2, 9, 16, 2, requires_grad=True)
    posenet(joints_2d).square().sum().backward()
    assert (joints_2d.grad.abs().sum((2, 3)) > 0).all()


@pytest.mark.parametrize(
    "name, frames", [("st_gcn", 1), ("st_gcn", 3), ("poseformer", 1), ("poseformer", 9), ("seq2seq", 3)]
)
def test_gradients_reach_every_weight(name, frames):
    torch.manual_seed(0)
    posenet = build_posenet(name, 16, frames, **SMALL[name])
    for parameter in posenet.parameters():  # some begin at 0, where they shut a branch
        torch.nn.init.normal_(parameter, std=0.3)
    posenet(torch.randn(6, frames, 16, 2)).square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in posenet.parameters())
    without = {key for key, p in posenet.named_parameters() if p.grad.abs().sum() < 1e-12}
    assert without <= {"weighted_mean.bias"}  # PoseFormer's layer norm takes the same off all units again


@pytest.mark.parametrize("name", SMALL)
def test_sizes_build_the_same_network_again(name):
    posenet = build_posenet(name, **{**get_spec(name).dh_aug_sizes(1), **SMALL[name]})
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
        ("videopos", {}, "choose from esmformer, poseformer, .*videopose. Perhaps you meant: videopose"),
        ("videopose", {"chanels": 3}, "no size chanels.*Perhaps you meant: channels"),
        ("videopose", {"frames": 10}, "power of 3"),
        ("videopose", {"frames": 9, "filter_widths": [3, 3, 3]}, "read 27 frames, not 9"),
        ("mlp", {"frames": 3}, "reads 1 frame"),
        ("mlp", {"linear_size": 0}, "linear_size is 0"),
        ("mlp", {"dropout": 1.0}, "dropout is 1.0"),
        ("gcn", {"num_joints": 13}, "No layout has 13 joints"),
        ("stgcn", {"num_joints": 15}, "num_joints is 15, expected 16 or 17"),
        ("st_gcn", {"inter_channels": [8, 0]}, r"inter_channels\[1\] is 0"),
        ("st_gcn", {"inter_channels": []}, r"len\(inter_channels\) is 0"),
        ("st_gcn", {"dropout": -0.1}, "dropout is -0.1"),
        ("poseformer", {"frames": 0}, "frames is 0"),
        ("poseformer", {"embed_dim_ratio": 20}, "embed_dim_ratio is 20, expected a multiple of num_heads, 8"),
        ("poseformer", {"drop_path_rate": 1}, "drop_path_rate is 1, expected a rate from 0 to under 1"),
        ("poseformer", {"mlp_ratio": 0.01}, "mlp_ratio is 0.01"),
        ("poseformer", {"mlp_ratio": float("nan")}, "mlp_ratio is nan"),
        ("seq2seq", {"num_joints": 1}, "num_joints is 1, expected at least 2"),
        ("seq2seq", {"dropout2": 1.0}, "dropout2 is 1.0"),
        ("seq2seq", {"widht": 4}, "no size widht: choose from width, .*Perhaps you meant: width"),
    ],
)
def test_bad_names_and_sizes_are_refused(name, keywords, message):
    with pytest.raises(ValueError, match=message):
        build_posenet(name, **keywords)


@pytest.mark.parametrize("name", SMALL)
def test_input_of_another_joint_count_or_length_is_refused(name):
    posenet = build_posenet(name, **SMALL[name])
    with pytest.raises(ValueError, match=r"shape \(2, 1, 17, 2\), expected \(B, 1, 16, 2\)"):
        posenet(torch.zeros(2, 1, 17, 2))
    with pytest.raises(ValueError, match=rf"\(B, 1, 16, 2\): {name} reads 1 frame\(s\) of 16 joints."):
        posenet(torch.zeros(2, 3, 16, 2))


def test_dh_augs_videopose_of_several_frames_has_the_hip_out():
    posenet = build_posenet("videopose", frames=9, **get_spec("mulit_farme_videopose").dh_aug_sizes(9))
    assert posenet.filter_widths == (3, 3) and posenet.predict_hip
    assert sum(p.numel() for p in posenet.parameters()) == 4_347_952


def test_filters_beyond_those_the_frames_need_are_one_wide():
    assert build_filter_widths(1, 4) == [1] * 4 and build_filter_widths(9, 4) == [3, 3, 1, 1]
    with pytest.raises(ValueError, match="27 frames need 3 filters"):
        build_filter_widths(27, 2)


def test_only_some_lifters_predict_all_frames_of_a_window():
    with pytest.raises(ValueError, match="poseformer predicts one frame of its window: choose seq2seq or st_gcn"):
        build_posenet("poseformer", **SMALL["poseformer"]).forward_window(torch.zeros(1, 1, 16, 2))


@pytest.mark.parametrize("name", SMALL)
def test_a_third_feature_changes_the_first_layer_only_and_counts(name):
    torch.manual_seed(0)
    plain, more = (build_posenet(name, in_features=n, **SMALL[name]).eval() for n in (2, 3))
    assert plain.state_dict().keys() == more.state_dict().keys()
    shapes = [
        (key, weight.shape, more.state_dict()[key].shape)
        for key, weight in plain.state_dict().items()
        if weight.shape != more.state_dict()[key].shape
    ]
    assert shapes and all(sum(new) - sum(old) in (1, 16, 17) for _, old, new in shapes), shapes
    joints_2d = torch.randn(2, 1, 16, 3, requires_grad=True)
    more(joints_2d)[:, 1:].square().sum().backward()
    assert (joints_2d.grad[..., 2].abs().sum((1, 2)) > 0).all()
    again = build_posenet(name, **more.sizes).eval()
    again.load_state_dict(more.state_dict())
    assert torch.equal(again(joints_2d), more(joints_2d))
    for posenet, joints in ((plain, joints_2d), (more, joints_2d[..., :2])):
        with pytest.raises(ValueError, match=rf"expected \(B, 1, 16, {posenet.in_features}\)"):
            posenet(joints)
    with pytest.raises(ValueError, match="in_features is 5, expected one of 2"):
        build_posenet(name, in_features=5, **SMALL[name])
