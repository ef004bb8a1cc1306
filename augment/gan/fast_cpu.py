"""The layers of generator and critics with derivatives written out for speed, each beside its plain twin.

A gradient penalty differentiates twice. All layers here are linear piece by piece, so the second derivative of a ReLU
is zero; autograd hands it on as a tensor of zeros and runs a whole backward pass on it, a third of the penalty's matrix
products. Here the graph ends there, on a GPU as well. Besides, masks, biases and skips are written over tensors that
nobody else holds: memory passes are what a net of this width waits for on a CPU.

With `create_graph=True` only the gradient with respect to the input is made, which is what a penalty needs.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional


def plain_dense(x: Tensor, weight: Tensor, bias: Tensor, slope: float = 0.0, skip: Tensor | None = None) -> Tensor:
    """leaky_relu(W x + b + skip)."""
    y = functional.linear(x, weight, bias)
    return functional.leaky_relu(y if skip is None else y + skip, slope)


def dense(x: Tensor, weight: Tensor, bias: Tensor, slope: float = 0.0, skip: Tensor | None = None) -> Tensor:
    """plain_dense, in place and without the second derivative of its ReLU."""
    y = x @ weight.t()
    if skip is not None:
        y = y.add_(skip)
    return _ReLU.apply(y.add_(bias), slope)  # pyright: ignore[reportReturnType]


def plain_residual(x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
    """relu(x + W2 relu(W1 x + b1) + b2)."""
    return functional.relu(x + functional.linear(functional.relu(functional.linear(x, w1, b1)), w2, b2))


def residual(x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
    """plain_residual, with its derivatives written out."""
    return _Residual.apply(x, w1, b1, w2, b2)  # pyright: ignore[reportReturnType]


def _mask_(grad: Tensor, output: Tensor) -> Tensor:
    """A ReLU's backward pass, in place: zero where its output was."""
    return torch.ops.aten.threshold_backward.grad_input(grad, output, 0, grad_input=grad)


class _ReLU(torch.autograd.Function):
    """(Leaky) ReLU in place; its slopes are constants of the graph."""

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


class _Residual(torch.autograd.Function):
    """y = relu(x + W2 h + b2), h = relu(W1 x + b1)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
        h = torch.mm(x, w1.t()).add_(b1).relu_()
        y = torch.addmm(x, h, w2.t()).add_(b2).relu_()
        ctx.save_for_backward(x, h, y, w1, w2)
        return y

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        x, h, y, w1, w2 = ctx.saved_tensors
        if torch.is_grad_enabled():  # someone will differentiate this gradient
            return _ResidualSlope.apply(grad_outputs[0], h.detach(), y.detach(), w1, w2), None, None, None, None  # pyright: ignore[reportReturnType]
        grad_y = torch.ops.aten.threshold_backward(grad_outputs[0], y, 0)
        grad_h = _mask_(grad_y @ w2, h)
        weights: list[Tensor | None] = [None] * 4
        if any(ctx.needs_input_grad[1:]):
            weights = [grad_h.t() @ x, grad_h.sum(0), grad_y.t() @ h, grad_y.sum(0)]
        return grad_y.addmm_(grad_h, w1), *weights


class _ResidualSlope(torch.autograd.Function):
    """The gradient of `_Residual` with respect to x, as a function of the gradient g of y and of the weights."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, h: Tensor, y: Tensor, w1: Tensor, w2: Tensor) -> Tensor:
        grad_y = torch.ops.aten.threshold_backward(g, y, 0)
        grad_h = _mask_(grad_y @ w2, h)
        ctx.save_for_backward(h, y, w1, w2, grad_y, grad_h)
        return torch.addmm(grad_y, grad_h, w1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        h, y, w1, w2, grad_y, grad_h = ctx.saved_tensors
        (v,) = grad_outputs
        u = _mask_(v @ w1.t(), h)
        return _mask_(torch.addmm(v, u, w2.t()), y), None, None, grad_h.t() @ v, grad_y.t() @ u
