"""The layers that the generator and the critics are made of, written for speed: one product, the rest in place."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class _ConstantSlopeReLU(torch.autograd.Function):
    """(Leaky) ReLU in place whose derivative is a constant of the graph.

    Autograd's own hands the second derivative, zero everywhere, on as a tensor of zeros, and a gradient penalty then
    runs the whole backward pass of its forward pass on zeros: a third of its matrix products.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: float) -> Tensor:
        ctx.mark_dirty(x)
        output = functional.leaky_relu_(x, slope) if slope else torch.relu_(x)
        ctx.save_for_backward(output)
        ctx.slope = slope
        return output

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        (output,) = ctx.saved_tensors
        grad, output = grad_outputs[0], output.detach()  # the output's sign is the input's
        if ctx.slope:
            return torch.ops.aten.leaky_relu_backward(grad, output, ctx.slope, True), None
        return torch.ops.aten.threshold_backward(grad, output, 0), None


class Dense(nn.Linear):
    """relu(W x + b + skip), leaky with `slope`; the weights are named as nn.Linear's."""

    def forward(
        self,
        x: Float[Tensor, "batch inputs"],
        slope: float = 0.0,
        skip: Float[Tensor, "batch outputs"] | None = None,
        twice: bool = False,
    ) -> Float[Tensor, "batch outputs"]:
        """twice: the result will be differentiated twice, as a gradient penalty does."""
        y = x @ self.weight.t()
        if skip is not None:
            y = y.add_(skip)
        y = y.add_(self.bias)
        if twice:
            return _ConstantSlopeReLU.apply(y, slope)  # pyright: ignore[reportReturnType]
        return functional.leaky_relu_(y, slope) if slope else torch.relu_(y)


class ResidualBlock(nn.Module):
    """relu(x + fc2(relu(fc1(x))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = Dense(width, width)
        self.fc2 = Dense(width, width)

    def forward(self, x: Float[Tensor, "batch width"], twice: bool = False) -> Float[Tensor, "batch width"]:
        return self.fc2(self.fc1(x, twice=twice), skip=x, twice=twice)
