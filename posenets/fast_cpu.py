"""Dropout, batch norm and attention for CPUs, each with a plain twin; `keep_mask`, `norm_relu_dropout` and `attention`
use the fast one on a CPU and the plain one elsewhere.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

# CUDA's attention kernels count sequences in 16 bits; each frame of a batch is one sequence of joints.
MOST_SEQUENCES = 2**15
# In training the fused kernel takes up to twice as long as two products and a softmax for sequences this short (17
# joints, 34 coordinates, 27 frames). Their attention maps are stored for the backward pass: 1 MB per window of 27
# frames and stack of PoseFormer.
SHORT_SEQUENCE = 36


def keep_mask(like: Tensor, rate: float | int) -> Tensor:
    """Draw a uint8 mask of `like`'s shape: 0 with probability `rate` (on a CPU to 1/65536), else 1."""
    return fast_keep_mask(like, rate) if like.device.type == "cpu" else plain_keep_mask(like, rate)


def plain_keep_mask(like: Tensor, rate: float | int) -> Tensor:
    """Draw a mask from one float per unit."""
    return (torch.rand(like.shape, device=like.device) >= rate).view(torch.uint8)


def fast_keep_mask(like: Tensor, rate: float | int) -> Tensor:
    """Draw a mask from 64-bit words, cut into bytes if the rate is a multiple of 1/256, else into 16 bits.

    Drawing one float per unit would cost as much as the matrix product of a 1024-wide layer (14 of 17 ms at batch
    1024).
    """
    in_bytes = float(rate * 256).is_integer()
    dtype, levels = (torch.int8, 256) if in_bytes else (torch.int16, 65536)
    count = like.numel()
    words = torch.empty(-(-count * dtype.itemsize // 8), dtype=torch.int64).random_(-(2**63), None)
    smallest_kept = round(rate * levels) - levels // 2
    return (words.view(dtype)[:count] >= smallest_kept).view(torch.uint8).view(like.shape)


def norm_relu_dropout(
    features: Float[Tensor, "rows channels"], norm: nn.BatchNorm1d, rate: float | int
) -> Float[Tensor, "rows channels"]:
    """Apply batch norm, ReLU and dropout, in the training or evaluation mode of `norm`."""
    if not norm.training or rate == 0:
        return F.relu(norm(features), inplace=True)
    twin = fast_norm_relu_dropout if features.device.type == "cpu" else plain_norm_relu_dropout
    return twin(features, norm, rate, keep_mask(features, rate))


def plain_norm_relu_dropout(features: Tensor, norm: nn.BatchNorm1d, rate: float | int, kept: Tensor) -> Tensor:
    """Apply the three one after another. kept: dropout's mask."""
    return F.relu(norm(features), inplace=True) * kept / (1 - rate)


def fast_norm_relu_dropout(features: Tensor, norm: nn.BatchNorm1d, rate: float | int, kept: Tensor) -> Tensor:
    """Apply the three in fewer passes over memory.

    Dropout's 1 / (1 - rate) is folded into the affine part of the norm (ReLU commutes with it), and the mask is applied
    before the ReLU, whose backward pass then stops the gradient of dropped units.
    """
    if norm.num_batches_tracked is not None:
        norm.num_batches_tracked.add_(1)
    weight, bias = norm.weight / (1 - rate), norm.bias / (1 - rate)
    momentum = norm.momentum or 0.0
    out = F.batch_norm(features, norm.running_mean, norm.running_var, weight, bias, True, momentum, norm.eps)
    with torch.no_grad():
        out.mul_(kept)
    return F.relu(out, inplace=True)


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Compute scaled dot product attention, (B, heads, N, C) -> the same shape."""
    if torch.compiler.is_exporting():  # one graph for a batch of any size
        return F.scaled_dot_product_attention(query, key, value)
    learns_on_cpu = query.requires_grad and query.device.type == "cpu"
    twin = fast_attention if learns_on_cpu and query.shape[-2] <= SHORT_SEQUENCE else plain_attention
    return twin(query, key, value)


def plain_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Compute attention with PyTorch's kernels, at most MOST_SEQUENCES sequences at a time."""
    shares = zip(*(part.split(MOST_SEQUENCES) for part in (query, key, value)), strict=True)
    parts = [F.scaled_dot_product_attention(*share) for share in shares]
    return torch.cat(parts) if len(parts) > 1 else parts[0]


def fast_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Compute attention with two products and a softmax, for training on short sequences."""
    affinity = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    return affinity.softmax(-1) @ value
