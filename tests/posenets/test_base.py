"""The fused norm-ReLU-dropout against the three modules one after another."""

import pytest
import torch
from torch import nn

from posenets.base import keep_mask, norm_relu_dropout


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.1])
def test_gradients_equal_those_of_separate_modules(rate, float_dtype):
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(6).to(float_dtype)
    nn.init.uniform_(norm.weight, 0.5, 1.5)
    nn.init.normal_(norm.bias)
    features = torch.randn(40, 6, dtype=float_dtype, requires_grad=True)
    out = norm_relu_dropout(features, norm, rate)
    grads = torch.autograd.grad((out * out.detach().cos()).sum(), (features, norm.weight, norm.bias))

    twin = nn.BatchNorm1d(6).to(float_dtype)
    twin.load_state_dict({**norm.state_dict(), "running_mean": torch.zeros(6), "running_var": torch.ones(6)})
    plain = torch.relu(twin(features))
    kept = (out > 0) | (plain == 0)  # where the ReLU is shut, both are 0 whatever the mask says
    expected = plain * kept / (1 - rate)
    expected_grads = torch.autograd.grad((expected * expected.detach().cos()).sum(), (features, *twin.parameters()))
    assert torch.allclose(out, expected, atol=1e-5)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(grads, expected_grads, strict=True))
    assert torch.allclose(norm.running_mean, twin.running_mean) and torch.allclose(norm.running_var, twin.running_var)
    assert int(norm.num_batches_tracked) == 1


def test_evaluation_mode_drops_nothing_and_learns_nothing():
    norm = nn.BatchNorm1d(6).eval()
    features = torch.randn(10, 6)
    assert torch.equal(norm_relu_dropout(features.clone(), norm, 0.9), torch.relu(norm(features)))
    assert int(norm.num_batches_tracked) == 0


@pytest.mark.parametrize("rate", [0.25, 0.5, 0.1, 0.9, 1 / 3])
def test_units_are_dropped_at_the_rate_and_independently(rate):
    torch.manual_seed(0)
    kept = keep_mask(torch.empty(500, 401), rate).float()
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
