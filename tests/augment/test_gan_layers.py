"""The derivatives that are written out against autograd's of the plain twins."""

import pytest
import torch

from augment.gan import fast_cpu


@pytest.mark.parametrize(
    "fast, plain, with_bias_twice",
    [(fast_cpu.dense, fast_cpu.plain_dense, False), (fast_cpu.residual, fast_cpu.plain_residual, True)],
)
def test_values_first_and_second_derivatives_equal_the_plain_twin_s(fast, plain, with_bias_twice, generator):
    shapes = [(9, 6), (6, 6), (6,)] + [(6, 6), (6,)] * with_bias_twice
    results = []
    for layer in (fast, plain):
        numbers = [torch.randn(shape, generator=generator.manual_seed(1), dtype=torch.float64) for shape in shapes]
        inputs = [number.requires_grad_() for number in numbers]
        out = layer(*inputs)
        first = torch.autograd.grad(out.sin().sum(), inputs)
        x = inputs[0].detach().requires_grad_()
        (slope,) = torch.autograd.grad(layer(x, *inputs[1:]).sum(), x, create_graph=True)
        penalty = (slope.norm(dim=1) - 1).square().mean()
        weights = [number for number in inputs[1:] if number.ndim == 2]
        results.append([out.detach(), *first, *torch.autograd.grad(penalty, weights)])
    torch.testing.assert_close(*results)
