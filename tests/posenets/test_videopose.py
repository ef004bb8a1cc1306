"""VideoPose: the two ways through the network, windows, and the plain-Conv1d network it must equal."""

import pytest
import torch
from torch import nn

from posenets import build_posenet


def conv1d_twin(posenet, joints_2d: torch.Tensor) -> torch.Tensor:
    """The network written with nn.Conv1d and dilation, one frame out for each full window."""
    features = torch.relu(posenet.expand_bn(posenet.expand_conv(joints_2d.flatten(2).transpose(1, 2))))
    dilation = posenet.filter_widths[0]
    for block, width in enumerate(posenet.filter_widths[1:]):
        conv, single = posenet.layers_conv[2 * block], posenet.layers_conv[2 * block + 1]
        hidden = nn.functional.conv1d(features, conv.weight, dilation=dilation)
        hidden = torch.relu(posenet.layers_bn[2 * block](hidden))
        hidden = torch.relu(posenet.layers_bn[2 * block + 1](single(hidden)))
        place = (width - 1 if posenet.causal else width // 2) * dilation
        features = features[:, :, place : place + hidden.shape[2]] + hidden
        dilation *= width
    return posenet.shrink(features).transpose(1, 2).unflatten(2, (-1, 3))


def shaken(posenet) -> nn.Module:
    """Batch norms of a trained network: no mean 0 and variance 1."""
    for name, buffer in posenet.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(std=0.3)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2.0)
    return posenet.eval()


@pytest.mark.parametrize("widths", [(1,), (1, 1, 1), (3,), (3, 3), (1, 3, 5)])
@pytest.mark.parametrize("causal", [False, True])
def test_sequence_equals_the_conv1d_network(widths, causal, float_dtype):
    torch.manual_seed(0)
    posenet = shaken(build_posenet("videopose", filter_widths=widths, channels=12, causal=causal).to(float_dtype))
    clip = torch.randn(2, posenet.frames + 4, 16, 2, dtype=float_dtype)
    assert torch.allclose(posenet.forward_sequence(clip), conv1d_twin(posenet, clip), atol=1e-5)


@pytest.mark.parametrize("widths", [(3, 3), (1, 3), (5, 1, 3), (3, 3, 3), (7,)])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("predict_hip", [False, True])
def test_a_window_gives_what_the_sequence_gives_there(widths, causal, predict_hip, float_dtype):
    torch.manual_seed(0)
    posenet = shaken(
        build_posenet("videopose", filter_widths=widths, channels=12, causal=causal, predict_hip=predict_hip)
    ).to(float_dtype)
    frames = posenet.frames
    clip = torch.randn(2, frames + 3, 16, 2, dtype=float_dtype)
    whole = posenet.forward_sequence(clip)
    windows = torch.stack([posenet(clip[:, i : i + frames]) for i in range(4)], dim=1)
    assert torch.allclose(whole, windows, atol=1e-6)


@pytest.mark.parametrize("causal", [False, True])
def test_both_ways_have_the_same_gradients(causal):
    torch.manual_seed(0)
    posenet = shaken(build_posenet("videopose", frames=9, channels=12, causal=causal)).double()
    windows = torch.randn(4, 9, 16, 2, dtype=torch.float64)
    gradients = []
    for joints in (posenet(windows), posenet.forward_sequence(windows).squeeze(1)):
        gradients.append(torch.autograd.grad(joints.square().sum(), list(posenet.parameters())))
    assert all(torch.allclose(a, b, rtol=1e-9) for a, b in zip(*gradients, strict=True))


def test_causal_prediction_is_of_the_last_frame():
    assert build_posenet("videopose", frames=9, channels=4, causal=True).target_frame == 8
    assert build_posenet("videopose", frames=9, channels=4).target_frame == 4


def test_clips_shorter_than_the_window_are_refused():
    posenet = build_posenet("videopose", frames=9, channels=4)
    with pytest.raises(ValueError, match="at least 9 frames"):
        posenet.forward_sequence(torch.zeros(1, 8, 16, 2))
    with pytest.raises(ValueError, match=r"expected \(B, 9, 16, 2\)"):
        posenet(torch.zeros(1, 1, 16, 2))


def test_even_filters_are_refused():
    with pytest.raises(ValueError, match="odd"):
        build_posenet("videopose", filter_widths=[3, 2])
