"""PoseFormer (Zheng et al., ICCV 2021): a transformer over the joints of each frame, then one over the frames.

Names and shapes of the weights are PoseFormer's. The prediction is of the window's centre frame; its hip is near 0,
not at it.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from posenets.base import PoseNet, dropped, positive_int, probability

# CUDA's attention kernels count sequences in 16 bits, and the joints of each frame of a batch are one sequence.
MOST_SEQUENCES = 2**15
# On a CPU the fused kernel takes up to twice as long as two products and a softmax to learn from sequences this short
# (17 joints, 27 frames), which are kept for the backward pass: 1 MB per window of 27 frames and stack.
SHORT_SEQUENCE = 32
# Without gradients, so many frames pass at a time: 4,096 windows of 81 would need 7 GB at once and be no faster.
FRAMES_AT_ONCE = 2**13


class _Attention(nn.Module):
    """Multi-head self-attention with one matrix for queries, keys and values."""

    def __init__(self, width: int, num_heads: int, qkv_bias: bool) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(width, width * 3, bias=qkv_bias)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        qkv = self.qkv(tokens).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)  # (3, B, heads, N, C)
        if tokens.shape[1] <= SHORT_SEQUENCE and qkv.requires_grad and not qkv.is_cuda:
            attended = _attention_in_steps(*qkv)
        else:
            parts = [F.scaled_dot_product_attention(*part) for part in qkv.split(MOST_SEQUENCES, dim=1)]
            attended = torch.cat(parts) if len(parts) > 1 else parts[0]
        return self.proj(attended.transpose(1, 2).flatten(2))


def _attention_in_steps(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """What F.scaled_dot_product_attention computes. (B, heads, N, C) -> the same shape."""
    affinity = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    return affinity.softmax(-1) @ value


class _Mlp(nn.Module):
    def __init__(self, width: int, hidden: int, rate: float | int) -> None:
        super().__init__()
        self.fc1, self.fc2, self.rate = nn.Linear(width, hidden), nn.Linear(hidden, width), rate

    def forward(self, tokens: Tensor) -> Tensor:
        hidden = dropped(F.gelu(self.fc1(tokens)), self.rate, self.training)
        return self.fc2(hidden)


class _Block(nn.Module):
    """Attention and MLP, each behind a norm and beside a skip.

    drop_path: rate at which a sequence skips either while training (stochastic depth).
    """

    def __init__(
        self, width: int, num_heads: int, mlp_ratio: float | int, qkv_bias: bool, dropout: float | int,
        drop_path: float | int,
    ) -> None:  # fmt: skip
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = _Attention(width, num_heads, qkv_bias)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = _Mlp(width, int(width * mlp_ratio + 1e-6), dropout)  # a ratio read off weights may round below
        self.dropout, self.drop_path = dropout, drop_path

    def forward(self, tokens: Float[Tensor, "batch tokens width"]) -> Float[Tensor, "batch tokens width"]:
        tokens = tokens + self._sometimes(self.attn(self.norm1(tokens)))
        return tokens + self._sometimes(self.mlp(self.norm2(tokens)))

    def _sometimes(self, branch: Tensor) -> Tensor:
        branch = dropped(branch, self.dropout, self.training)
        if not self.training or self.drop_path == 0:
            return branch
        kept = branch.new_empty(len(branch), 1, 1).bernoulli_(1 - self.drop_path)
        return branch * (kept / (1 - self.drop_path))


class PoseFormer(PoseNet):
    """Transformer lifter of a window's centre frame.

    embed_dim_ratio: units per joint, so that a frame's token has num_joints times as many; depth: blocks of each of
    the two stacks; mlp_ratio: hidden units of an MLP over its width; dropout: also of PoseFormer's own `drop_rate`, 0
    as published; drop_path_rate: stochastic depth of the last block of each stack, growing evenly from 0.
    """

    name = "poseformer"

    def __init__(
        self, num_joints: int = 17, frames: int = 27, embed_dim_ratio: int = 32, depth: int = 4, num_heads: int = 8,
        mlp_ratio: float | int = 2.0, qkv_bias: bool = True, dropout: float | int = 0.0,
        drop_path_rate: float | int = 0.1, in_features: int = 2,
    ) -> None:  # fmt: skip
        positive_int(
            num_joints=num_joints, frames=frames, embed_dim_ratio=embed_dim_ratio, depth=depth, num_heads=num_heads
        )
        probability(dropout=dropout, drop_path_rate=drop_path_rate)
        if embed_dim_ratio % num_heads:
            raise ValueError(f"embed_dim_ratio is {embed_dim_ratio}, expected a multiple of num_heads, {num_heads}.")
        if not (math.isfinite(mlp_ratio) and embed_dim_ratio * mlp_ratio >= 1):
            raise ValueError(f"mlp_ratio is {mlp_ratio}, expected a number that leaves an MLP at least one unit.")
        sizes = dict(
            embed_dim_ratio=embed_dim_ratio, depth=depth, num_heads=num_heads, mlp_ratio=mlp_ratio, qkv_bias=qkv_bias,
            dropout=dropout, drop_path_rate=drop_path_rate,
        )  # fmt: skip
        super().__init__(num_joints, frames, in_features, sizes)
        self.dropout = dropout
        joint_width, width = embed_dim_ratio, embed_dim_ratio * num_joints
        rates = [drop_path_rate * block / max(depth - 1, 1) for block in range(depth)]
        shared = (num_heads, mlp_ratio, qkv_bias, dropout)
        self.Spatial_patch_to_embedding = nn.Linear(in_features, joint_width)
        self.Spatial_pos_embed = nn.Parameter(torch.zeros(1, num_joints, joint_width))
        self.Temporal_pos_embed = nn.Parameter(torch.zeros(1, frames, width))
        self.Spatial_blocks = nn.ModuleList(_Block(joint_width, *shared, rate) for rate in rates)
        self.blocks = nn.ModuleList(_Block(width, *shared, rate) for rate in rates)
        self.Spatial_norm = nn.LayerNorm(joint_width, eps=1e-6)
        self.Temporal_norm = nn.LayerNorm(width, eps=1e-6)
        self.weighted_mean = nn.Conv1d(frames, 1, 1)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, num_joints * 3))

    def forward(self, joints_2d: Float[Tensor, "batch frames joints features"]) -> Float[Tensor, "batch joints 3"]:
        """Joints of the window's centre frame, metres."""
        self.check_input(joints_2d)
        return self._in_parts(lambda windows: self._over_time(self._over_joints(windows)), joints_2d)

    def forward_sequence(
        self, joints_2d: Float[Tensor, "batch frames joints 2"]
    ) -> Float[Tensor, "batch frames_out joints 3"]:
        """Joints of every frame of a clip that has all its neighbours: T - frames + 1 of them.

        What frames alone decide is computed once for each, not once for each of the windows that it is in.
        """
        clip, joints = joints_2d.shape[1:3]
        if clip < self.frames or joints != self.num_joints:
            raise ValueError(
                f"joints_2d has {clip} frames of {joints} joints, expected at least {self.frames} frames of "
                f"{self.num_joints}: pad the clip with copies of its first and last frame."
            )
        tokens = self._in_parts(self._over_joints, joints_2d.flatten(0, 1)[:, None]).view(*joints_2d.shape[:2], -1)
        windows = tokens.unfold(1, self.frames, 1).movedim(-1, 2)  # (B, T_out, frames, J * C)
        return self._in_parts(self._over_time, windows.flatten(0, 1)).unflatten(0, windows.shape[:2])

    def _in_parts(self, lift: Callable[[Tensor], Tensor], windows: Tensor) -> Tensor:
        """Windows (B, T, ...) in one go where gradients need them all, else so many at a time."""
        count = len(windows) if torch.is_grad_enabled() else FRAMES_AT_ONCE // windows.shape[1]
        return torch.cat([lift(part) for part in windows.split(max(count, 1))])

    def _over_joints(self, joints_2d: Tensor) -> Tensor:
        """One token for each frame: (B, T, J, 2) -> (B, T, J * C)."""
        tokens = self.Spatial_patch_to_embedding(joints_2d.flatten(0, 1)) + self.Spatial_pos_embed  # (B * T, J, C)
        tokens = dropped(tokens, self.dropout, self.training)
        for block in self.Spatial_blocks:
            tokens = block(tokens)
        return self.Spatial_norm(tokens).flatten(1).unflatten(0, joints_2d.shape[:2])

    def _over_time(self, tokens: Tensor) -> Tensor:
        """The answer of each window: (B, frames, J * C) -> (B, J, 3)."""
        tokens = dropped(tokens + self.Temporal_pos_embed, self.dropout, self.training)
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.Temporal_norm(tokens)
        weights = self.weighted_mean.weight.squeeze(-1)  # (1, T)
        assert self.weighted_mean.bias is not None
        pooled = (weights @ tokens).squeeze(1) + self.weighted_mean.bias  # (B, J * C)
        return self.head(pooled).unflatten(-1, (self.num_joints, 3))
