"""Attention, MLP and block of the transformer lifters, with the names of timm's vision transformer."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from posenets.base import drop_path, dropped
from posenets.fast_cpu import attention


def attend(
    query: Float[Tensor, "batch tokens width"], key: Float[Tensor, "batch tokens width"],
    value: Float[Tensor, "batch tokens width"], num_heads: int,
) -> Float[Tensor, "batch tokens width"]:  # fmt: skip
    """Compute multi-head attention of queries, keys and values that are already projected."""
    heads = [part.unflatten(-1, (num_heads, -1)).transpose(1, 2) for part in (query, key, value)]  # (B, heads, N, C)
    return attention(*heads).transpose(1, 2).flatten(2)


class Attention(nn.Module):
    """Multi-head self-attention with one matrix for queries, keys and values."""

    def __init__(self, width: int, num_heads: int, qkv_bias: bool = True) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(width, width * 3, bias=qkv_bias)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = self.qkv(tokens).chunk(3, dim=-1)
        return self.proj(attend(query, key, value, self.num_heads))


class Mlp(nn.Module):
    """Two layers with a GELU between. width_out: the width, unless given."""

    def __init__(self, width: int, hidden: int, rate: float | int = 0, width_out: int = 0) -> None:
        super().__init__()
        self.fc1, self.fc2, self.rate = nn.Linear(width, hidden), nn.Linear(hidden, width_out or width), rate

    def forward(self, tokens: Tensor) -> Tensor:
        hidden = dropped(F.gelu(self.fc1(tokens)), self.rate, self.training)
        return self.fc2(hidden)


class Block(nn.Module):
    """Attention and MLP, each with a norm before and a skip. drop_path: rate of stochastic depth."""

    def __init__(
        self, width: int, attention: nn.Module, hidden: int, dropout: float | int, drop_path: float | int
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = attention
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, hidden, dropout)
        self.dropout, self.drop_path = dropout, drop_path

    def forward(self, tokens: Float[Tensor, "batch tokens width"]) -> Float[Tensor, "batch tokens width"]:
        tokens = tokens + self.residual_drop(self.attn(self.norm1(tokens)))
        return tokens + self.residual_drop(self.mlp(self.norm2(tokens)))

    def residual_drop(self, branch: Float[Tensor, "*batch tokens width"]) -> Float[Tensor, "*batch tokens width"]:
        """Apply dropout and stochastic depth to a branch, in training."""
        return drop_path(dropped(branch, self.dropout, self.training), self.drop_path, self.training)


def rising_rates(last: float | int, depth: int) -> list[float]:
    """Compute the stochastic depth of each block of a stack: evenly from 0 to `last`."""
    return [last * block / max(depth - 1, 1) for block in range(depth)]
