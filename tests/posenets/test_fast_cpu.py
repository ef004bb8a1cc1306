"""What is written for a CPU against its plain twins."""

import copy

import pytest
import torch
from torch import nn

from posenets.fast_cpu import (
    fast_attention,
    fast_keep_mask,
    fast_norm_relu_dropout,
    keep_mask,
    norm_relu_dropout,
    plain_attention,
    plain_keep_mask,
    plain_norm_relu_dropout,
)


@pytest.mark.parametrize("rate", [0.25, 0.1])
def test_norm_relu_dropout_and_its_gradients_equal_the_plain_twin_s(rate, float_dtype):
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(6).to(float_dtype)
    nn.init.uniform_(norm.weight, 0.5, 1.5)
    nn.init.normal_(norm.bias)
    features = torch.randn(40, 6, dtype=float_dtype, requires_grad=True)
    kept, twin = keep_mask(features, rate), copy.deepcopy(norm)
    out = fast_norm_relu_dropout(features, norm, rate, kept)
    expected = plain_norm_relu_dropout(features, twin, rate, kept)
    grads = torch.autograd.grad((out * out.detach().cos()).sum(), (features, *norm.parameters()))
    wanted = torch.autograd.grad((expected * out.detach().cos()).sum(), (features, *twin.parameters()))
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(grads, wanted)
    torch.testing.assert_close([*norm.buffers()], [*twin.buffers()])
    assert int(norm.num_batches_tracked) == 1


@pytest.mark.parametrize("tokens", [1, 17, 36])
def test_attention_and_its_gradients_equal_the_plain_twin_s(tokens, float_dtype):
    heads = torch.randn(3, 5, 2, tokens, 4, dtype=float_dtype, requires_grad=True)
    results = [twin(*heads) for twin in (fast_attention, plain_attention)]
    grads = [torch.autograd.grad((out * out.detach().cos()).sum(), heads)[0] for out in results]
    torch.testing.assert_close(*results)
    torch.testing.assert_close(*grads, atol=1e-4, rtol=1e-4)


def test_evaluation_mode_drops_nothing_and_learns_nothing():
    norm = nn.BatchNorm1d(6).eval()
    features = torch.randn(10, 6)
    assert torch.equal(norm_relu_dropout(features.clone(), norm, 0.9), torch.relu(norm(features)))
    assert int(norm.num_batches_tracked) == 0


@pytest.mark.parametrize("draw", [fast_keep_mask, plain_keep_mask])
@pytest.mark.parametrize("rate", [0.25, 0.5, 0.1, 0.9, 1 / 3])
def test_units_are_dropped_at_the_rate_and_independently(draw, rate):
    torch.manual_seed(0)
    kept = draw(torch.empty(500, 401), rate).float()
    assert set(kept.unique().tolist()) == {0.0, 1.0}
    assert abs(1 - kept.mean().item() - rate) < 0.006  # 5 sd of the mean of 200,500 draws
    neighbours = ((kept[:, 1:] - kept.mean()) * (kept[:, :-1] - kept.mean())).mean() / kept.var()
    assert abs(neighbours.item()) < 0.012


def test_the_same_seed_drops_the_same_units():
    masks = []
    for _ in range(2):
        torch.manual_seed(7)
        masks.append(keep_mask(torch.empty(33, 5), 0.25))
    assert torch.equal(*masks)
    assert not torch.equal(masks[0], keep_mask(torch.empty(33, 5), 0.25))
