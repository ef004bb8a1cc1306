import math

import pytest
import torch

from posenets.finite_step import finite_step


@pytest.mark.parametrize("optimizer_class", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD])
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_steps_on_bad_gradients_leave_weights_and_moments_and_the_others_are_the_optimiser_s(
    optimizer_class: type[torch.optim.Optimizer], fused: bool, bad: float
):
    torch.manual_seed(0)
    ones, others = [[torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(2, 2))] for _ in range(2)]
    guarded, plain = (optimizer_class(weights, lr=0.1, fused=fused) for weights in (ones, others))  # pyright: ignore
    for spoilt in (False, True, False, True, False):
        gradients = [torch.randn(3), torch.randn(2, 2)]
        for weight, other, gradient in zip(ones, others, gradients, strict=True):
            weight.grad, other.grad = gradient.clone(), gradient.clone()
        if spoilt:
            assert ones[1].grad is not None
            ones[1].grad[0, 1] = bad
        else:
            plain.step()
        assert finite_step(guarded) == spoilt and ones[0].grad is None
    for weight, other in zip(ones, others, strict=True):
        assert torch.equal(weight, other)
        for name, value in guarded.state[weight].items():
            assert value is None or torch.equal(value, plain.state[other][name])
