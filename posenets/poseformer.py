"""PoseFormer (Zheng et al., ICCV 2021): a transformer over the joints of each frame, then one over the frames."""

import math
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from posenets.base import PoseNet, check_positive, check_probability, dropped, forward_in_parts
from posenets.checkpoints.shapes import count_modules, length
from posenets.registry import LifterSpec, Sizes, register_lifter
from posenets.transformer import Attention, Block, rising_rates

# Without gradients, so many frames pass at a time: 4,096 windows of 81 would need 7 GB at once and be no faster.
FRAMES_AT_ONCE = 2**13


def _sizes_from_weights(weights: Mapping[str, Tensor]) -> Sizes:
    return dict(
        num_joints=length(weights, "Spatial_pos_embed", 1), frames=length(weights, "Temporal_pos_embed", 1),
        embed_dim_ratio=length(weights, "Spatial_patch_to_embedding.weight"),
        depth=count_modules(weights, r"blocks\.(\d+)\."),
        mlp_ratio=length(weights, "blocks.0.mlp.fc1.weight") / length(weights, "blocks.0.mlp.fc1.weight", 1),
        qkv_bias=any(key.endswith("attn.qkv.bias") for key in weights),
    )  # fmt: skip


_TRAINING = {
    "lifter": {"frames": 27},
    "learning": {"lr": 4e-4, "weight_decay": 0.1, "lr_schedule": "exponential", "lr_decay": 0.99, "max_grad_norm": 0.0},
}


@register_lifter(
    LifterSpec(
        name="poseformer", aliases=("mulit_farme_poseformer",),  # as DH-AUG spells it
        signature="Spatial_patch_to_embedding.weight", sizes_from_weights=_sizes_from_weights,
        width="embed_dim_ratio", blocks="depth", dropout="dropout", budget_sizes=False,
        training={"poseformer": _TRAINING},
        h36m_length={"poseformer": {"learning": {"epochs": 200, "batch_size": 512}}},
        dh_aug_sizes=lambda frames: dict(embed_dim_ratio=32, depth=4, num_heads=8, mlp_ratio=2.0),
    )
)  # fmt: skip
class PoseFormer(PoseNet):
    """Transformer lifter of a window's centre frame.

    embed_dim_ratio: units per joint, so that a frame's token has num_joints times as many; depth: blocks of each of
    the two stacks; mlp_ratio: hidden units of an MLP over its width; dropout: also of PoseFormer's own `drop_rate`, 0
    as published; drop_path_rate: stochastic depth of the last block of each stack, growing evenly from 0.
    """

    def __init__(
        self, num_joints: int = 17, frames: int = 27, embed_dim_ratio: int = 32, depth: int = 4, num_heads: int = 8,
        mlp_ratio: float | int = 2.0, qkv_bias: bool = True, dropout: float | int = 0.0,
        drop_path_rate: float | int = 0.1, in_features: int = 2,
    ) -> None:  # fmt: skip
        check_positive(
            num_joints=num_joints, frames=frames, embed_dim_ratio=embed_dim_ratio, depth=depth, num_heads=num_heads
        )
        check_probability(dropout=dropout, drop_path_rate=drop_path_rate)
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
        self.Spatial_patch_to_embedding = nn.Linear(in_features, joint_width)
        self.Spatial_pos_embed = nn.Parameter(torch.zeros(1, num_joints, joint_width))
        self.Temporal_pos_embed = nn.Parameter(torch.zeros(1, frames, width))
        self.Spatial_blocks, self.blocks = (self._blocks(units) for units in (joint_width, width))
        self.Spatial_norm = nn.LayerNorm(joint_width, eps=1e-6)
        self.Temporal_norm = nn.LayerNorm(width, eps=1e-6)
        self.weighted_mean = nn.Conv1d(frames, 1, 1)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, num_joints * 3))

    def _blocks(self, width: int) -> nn.ModuleList:
        heads, bias, rate = (self.sizes[size] for size in ("num_heads", "qkv_bias", "drop_path_rate"))
        hidden = int(width * self.sizes["mlp_ratio"] + 1e-6)  # a ratio read off weights may round below
        return nn.ModuleList(
            Block(width, Attention(width, heads, bias), hidden, self.dropout, depth_rate)
            for depth_rate in rising_rates(rate, self.sizes["depth"])
        )

    def forward(self, joints_2d: Float[Tensor, "batch frames joints features"]) -> Float[Tensor, "batch joints 3"]:
        """Predict the window's centre frame, metres."""
        self.check_input(joints_2d)
        return self._in_parts(lambda windows: self._over_time(self._over_joints(windows)), joints_2d)

    def forward_sequence(
        self, joints_2d: Float[Tensor, "batch frames joints 2"]
    ) -> Float[Tensor, "batch frames_out joints 3"]:
        """Predict every frame of a clip that has all its neighbours, T - frames + 1; each frame is encoded once."""
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
        """Process windows (B, T, ...), FRAMES_AT_ONCE frames at a time."""
        return forward_in_parts(lift, windows, FRAMES_AT_ONCE // windows.shape[1])

    def _over_joints(self, joints_2d: Tensor) -> Tensor:
        """Encode each frame as a token: (B, T, J, 2) -> (B, T, J * C)."""
        tokens = self.Spatial_patch_to_embedding(joints_2d.flatten(0, 1)) + self.Spatial_pos_embed  # (B * T, J, C)
        tokens = dropped(tokens, self.dropout, self.training)
        for block in self.Spatial_blocks:
            tokens = block(tokens)
        return self.Spatial_norm(tokens).flatten(1).unflatten(0, joints_2d.shape[:2])

    def _over_time(self, tokens: Tensor) -> Tensor:
        """Encode each window and predict its joints: (B, frames, J * C) -> (B, J, 3)."""
        tokens = dropped(tokens + self.Temporal_pos_embed, self.dropout, self.training)
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.Temporal_norm(tokens)
        weights = self.weighted_mean.weight.squeeze(-1)  # (1, T)
        assert self.weighted_mean.bias is not None
        pooled = (weights @ tokens).squeeze(1) + self.weighted_mean.bias  # (B, J * C)
        return self.head(pooled).unflatten(-1, (self.num_joints, 3))
