"""Seq2Seq: the recurrence written out, the statistics it keeps, what depends on what."""

import pytest
import torch

from data import PoseBatch
from posenets import ScreenLifter, build_posenet
from posenets.inputs.modes import rotation_of_virtual_camera


def small(frames: int = 4, num_joints: int = 16, **sizes):
    torch.manual_seed(0)
    posenet = build_posenet("seq2seq", num_joints, frames, **{"width": 12, **sizes})
    for parameter in posenet.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return posenet.eval()


def plain_cell(cell, features, hidden, state, layer_norm: bool):
    """One step of a cell for one sample, by its equations."""
    gates = cell.weight_ih @ features + cell.weight_hh @ hidden
    if not layer_norm:
        gates = gates + cell.bias_ih + cell.bias_hh
    gates = gates.view(4, -1)
    if layer_norm:
        gates = (gates - gates.mean(1, keepdim=True)) / (gates.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
        gates = gates * cell.gate_gain + cell.gate_bias
    entry, forget, new, leave = gates
    state = forget.sigmoid() * state + entry.sigmoid() * new.tanh()
    if layer_norm:
        state = (state - state.mean()) / (state.var(correction=0) + 1e-5).sqrt()
        state = state * cell.cell_norm.weight + cell.cell_norm.bias
    return leave.sigmoid() * state.tanh(), state


def plain(posenet, joints_2d: torch.Tensor, layer_norm: bool) -> torch.Tensor:
    """One window (T, J, 2) -> (T, J, 3)."""
    seen = (joints_2d - posenet.mean_2d) / posenet.std_2d
    hidden = state = torch.zeros(posenet.sizes["width"], dtype=joints_2d.dtype)
    for frame in reversed(range(len(seen))):
        hidden, state = plain_cell(posenet.encoder, seen[frame].flatten(), hidden, state, layer_norm)
    answer = torch.ones(3 * (posenet.num_joints - 1), dtype=joints_2d.dtype)
    joints = torch.zeros(*joints_2d.shape[:2], 3, dtype=joints_2d.dtype)
    for frame in range(len(seen)):
        hidden, state = plain_cell(posenet.decoder, answer, hidden, state, layer_norm)
        answer = posenet.output(hidden) + answer
        joints[frame, 1:] = answer.view(-1, 3) * posenet.std_3d + posenet.mean_3d
    return joints


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("num_joints", [16, 17])
def test_window_equals_the_recurrence_written_out(layer_norm, num_joints, float_dtype):
    posenet = small(num_joints=num_joints, layer_norm=layer_norm).to(float_dtype)
    shape = (50, 4, num_joints)
    posenet.fit_normalization(torch.randn(*shape, 2, dtype=float_dtype), torch.randn(*shape, 3, dtype=float_dtype))
    joints_2d = torch.randn(3, 4, num_joints, 2, dtype=float_dtype)
    expected = torch.stack([plain(posenet, window, layer_norm) for window in joints_2d])
    joints = posenet.forward_window(joints_2d)
    assert torch.allclose(joints, expected, atol=1e-4 if float_dtype == torch.float32 else 1e-10)
    assert torch.equal(joints[:, :, 0], torch.zeros_like(joints[:, :, 0]))


def test_the_answer_is_the_windows_last_frame():
    posenet = small()
    joints_2d = torch.randn(3, 4, 16, 2)
    assert posenet.target_frame == 3
    assert torch.equal(posenet(joints_2d), posenet.forward_window(joints_2d)[:, 3])


def test_it_may_answer_with_the_windows_middle_instead():
    posenet, other = small(frames=5), small(frames=5, middle_frame=True)
    other.load_state_dict(posenet.state_dict())
    joints_2d = torch.randn(3, 5, 16, 2)
    assert other.target_frame == 2
    assert torch.equal(other(joints_2d), posenet.forward_window(joints_2d)[:, 2])


def test_published_size():
    count = sum(p.numel() for p in build_posenet("seq2seq", 17, 5).parameters())
    assert count == 8_781_872 + 4 * 1024 * 2  # the original leaves neck/nose out of the input


def test_samples_of_a_batch_do_not_see_each_other_and_may_be_any_number():
    posenet = small(layer_norm=True)
    joints_2d = torch.randn(7, 4, 16, 2)
    together = posenet.forward_window(joints_2d)
    for sample in range(7):
        alone = posenet.forward_window(joints_2d[sample : sample + 1])
        assert torch.allclose(alone[0], together[sample], atol=1e-5)


def test_every_predicted_frame_depends_on_past_and_future_frames():
    posenet = small().double()
    joints_2d = torch.randn(1, 4, 16, 2, dtype=torch.float64)
    before = posenet.forward_window(joints_2d)
    for frame in range(4):
        changed = joints_2d.clone()
        changed[:, frame] += 0.1
        difference = (posenet.forward_window(changed) - before).abs().amax((0, 2, 3))
        assert (difference > 1e-9).all()


def test_an_untrained_network_without_output_weights_repeats_its_start():
    posenet = small()
    torch.nn.init.zeros_(posenet.output.weight), torch.nn.init.zeros_(posenet.output.bias)
    assert torch.equal(posenet.forward_window(torch.randn(2, 4, 16, 2))[:, :, 1:], torch.ones(2, 4, 15, 3))


def test_units_of_the_data_do_not_matter_once_normalized(generator):
    joints_2d = torch.randn(40, 4, 16, 2, generator=generator, dtype=torch.float64)
    joints_3d = torch.randn(40, 4, 16, 3, generator=generator, dtype=torch.float64)
    screen, pixels = small().double(), small().double()
    screen.fit_normalization(joints_2d, joints_3d)
    pixels.fit_normalization(500 * joints_2d + 500, 1000 * joints_3d)
    assert torch.allclose(pixels(500 * joints_2d + 500), 1000 * screen(joints_2d), atol=1e-6)


def test_statistics_are_of_joints_minus_the_hip_and_travel_with_the_weights(generator):
    joints_2d = torch.randn(200, 16, 2, generator=generator) * 3 + 1
    joints_3d = torch.randn(200, 16, 3, generator=generator)
    posenet = small()
    posenet.fit_normalization(joints_2d, joints_3d + torch.tensor([0.0, 0.0, 4.0]))
    relative = (joints_3d - joints_3d[:, :1])[:, 1:]
    assert torch.allclose(posenet.mean_2d, joints_2d.mean(0), atol=1e-5)
    assert torch.allclose(posenet.std_3d, relative.std(0, correction=0), atol=1e-5)
    again = small()
    again.load_state_dict(posenet.state_dict())
    assert torch.equal(again.mean_3d, posenet.mean_3d) and torch.equal(again.std_2d, posenet.std_2d)


def test_a_coordinate_that_never_changes_is_not_divided_by_zero(generator):
    joints_2d = torch.randn(30, 4, 16, 2, generator=generator)
    joints_2d[:, :, 0] = 0.25
    posenet = small()
    posenet.fit_normalization(joints_2d, torch.zeros(30, 4, 16, 3))
    assert torch.isfinite(posenet(joints_2d)).all()
    assert torch.equal(posenet.std_2d[0], torch.ones(2))


def test_poses_of_another_layout_are_refused():
    with pytest.raises(ValueError, match=r"joints_3d has shape \(5, 17, 3\), expected poses of 16 joints"):
        small().fit_normalization(torch.zeros(5, 16, 2), torch.zeros(5, 17, 3))
    with pytest.raises(ValueError, match="joints_2d has shape"):
        small().fit_normalization(torch.zeros(0, 16, 2), torch.zeros(5, 16, 3))


@pytest.mark.parametrize("rates", [{"dropout1": 0.5, "dropout2": 0.0}, {"dropout1": 0.0, "dropout2": 0.5}])
def test_both_dropouts_act_in_training_only(rates):
    posenet, steady = small(**rates), small(dropout2=0.0).train()
    joints_2d = torch.randn(3, 4, 16, 2)
    assert torch.equal(posenet(joints_2d), steady(joints_2d))
    posenet.train()
    assert not torch.allclose(posenet(joints_2d), posenet(joints_2d), atol=1e-3)


def test_normalised_cells_begin_by_remembering():
    torch.manual_seed(0)
    posenet = build_posenet("seq2seq", frames=3, width=8, layer_norm=True)
    assert torch.equal(posenet.encoder.gate_bias, torch.tensor([[0.0], [1.0], [0.0], [0.0]]).expand(4, 8))


@pytest.mark.parametrize("input_mode", ["screen", "root", "virtual_camera"])
def test_a_lifter_normalizes_what_its_network_sees_and_is_asked_for(input_mode, generator):
    joints_2d = 0.3 * torch.randn(60, 4, 16, 2, generator=generator)
    joints_3d = torch.randn(60, 4, 16, 3, generator=generator)
    lifter = ScreenLifter(small(), input_mode)
    lifter.fit_normalization(PoseBatch.of(joints_3d + 2, joints_2d, None))
    relative = joints_3d - joints_3d[:, :, :1]
    if input_mode == "virtual_camera":
        rotation = rotation_of_virtual_camera(joints_2d[:, :, 0])
        relative = torch.einsum("btij,btkj->btki", rotation, relative)
    assert torch.allclose(lifter.posenet.mean_2d, lifter.prepare(joints_2d)[0].mean((0, 1)), atol=1e-5)
    assert torch.allclose(lifter.posenet.mean_3d, relative.mean((0, 1))[1:], atol=1e-5)


@pytest.mark.parametrize("input_mode", ["screen", "virtual_camera"])
def test_a_lifters_window_ends_in_its_answer(input_mode, generator):
    joints_2d = 0.3 * torch.randn(5, 4, 16, 2, generator=generator)
    lifter = ScreenLifter(small(), input_mode)
    window = lifter.forward_window(joints_2d)
    assert window.shape == (5, 4, 16, 3)
    assert torch.allclose(window[:, -1], lifter(joints_2d), atol=1e-6)


def test_lifters_without_statistics_take_no_notice():
    lifter = ScreenLifter(build_posenet("simple_baseline", linear_size=8))
    before = {key: value.clone() for key, value in lifter.state_dict().items()}
    lifter.fit_normalization(PoseBatch.of(torch.randn(5, 1, 16, 3), torch.randn(5, 1, 16, 2), None))
    assert all(torch.equal(value, before[key]) for key, value in lifter.state_dict().items())
