"""VideoPose3D's temporal convolutions (Pavllo et al., CVPR 2019), and DH-AUG's single-frame variant of them.

`forward` uses strides (one frame out: training), `forward_sequence` dilations (every frame out: test).
Convolutions are matrix products over all tokens, on a CPU 2-3 times as fast as Conv1d.
"""

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from posenets.base import PoseNet, check_positive, check_probability, prepend_zero_root
from posenets.checkpoints.shapes import count_modules, length
from posenets.fast_cpu import norm_relu_dropout
from posenets.registry import LifterSpec, Sizes, register_lifter


def build_filter_widths(frames: int, blocks: int = 0) -> list[int]:
    """Build filter widths for a number of frames (27 -> 3, 3, 3). blocks: pad with 1 to so many; 0: do not."""
    widths, left = [], frames
    while left > 1 and left % 3 == 0:
        widths.append(3)
        left //= 3
    if left != 1:
        raise ValueError(f"frames is {frames}, expected a power of 3 (1, 3, 9, 27, ...): or give filter_widths.")
    if blocks and blocks < len(widths):
        raise ValueError(f"{frames} frames need {len(widths)} filters of width 3, more than {blocks} blocks.")
    return widths + [1] * (blocks - len(widths))


def _sizes_from_weights(weights: Mapping[str, Tensor]) -> Sizes:
    channels, inputs, first = (length(weights, "expand_conv.weight", dimension) for dimension in range(3))
    blocks = (count_modules(weights, r"layers_conv\.(\d+)\.") + 1) // 2
    later = [length(weights, f"layers_conv.{2 * block}.weight", 2) for block in range(blocks)]
    predict_hip = length(weights, "shrink.bias") // 3 == inputs // 2
    return dict(num_joints=inputs // 2, filter_widths=[first, *later], channels=channels, predict_hip=predict_hip)


def _dh_aug_sizes(frames: int) -> Sizes:
    """DH-AUG's sizes: five layers on one frame, without the hip; its networks of several frames predict all joints."""
    sizes: Sizes = dict(channels=1024, dropout=0.25, predict_hip=frames != 1)
    return {"filter_widths": [1] * 5, **sizes} if frames == 1 else sizes


@register_lifter(
    LifterSpec(
        name="videopose", aliases=("mulit_farme_videopose",),  # DH-AUG's spelling of several frames
        signature="expand_conv.weight", sizes_from_weights=_sizes_from_weights, width="channels", dropout="dropout",
        blocks=lambda number, frames: {"filter_widths": build_filter_widths(frames, number)},
        settings=("filter_widths", "causal"), dh_aug_sizes=_dh_aug_sizes,
        training={"mulit_farme_videopose": {"lifter": {"frames": 27}}},
    )
)  # fmt: skip
class VideoPose(PoseNet):
    """Temporal convolution lifter.

    filter_widths: odd; their product is the receptive field; by default one of 3 for each factor 3 of `frames`, or
    three of 1 for one frame. predict_hip: False leaves the hip out of the network's output and puts it at 0 (PoseAug,
    DH-AUG). causal: see only past frames.
    """

    def __init__(
        self, num_joints: int = 16, frames: int = 1, filter_widths: Sequence[int] | None = None, channels: int = 1024,
        dropout: float | int = 0.25, causal: bool = False, predict_hip: bool = True, in_features: int = 2,
    ) -> None:  # fmt: skip
        if filter_widths is None:
            filter_widths = (1, 1, 1) if frames == 1 else build_filter_widths(frames)
        widths = tuple(filter_widths)
        if not widths or any(isinstance(w, bool) or not isinstance(w, int) or w < 1 or w % 2 == 0 for w in widths):
            raise ValueError(f"filter_widths is {widths}, expected one or more odd whole numbers, such as 3 3 3.")
        check_positive(num_joints=num_joints, channels=channels)
        if frames not in (1, math.prod(widths)):
            raise ValueError(f"filter_widths {widths} read {math.prod(widths)} frames, not {frames}: leave one out.")
        check_probability(dropout=dropout)
        sizes = dict(
            filter_widths=list(widths), channels=channels, dropout=dropout, causal=causal, predict_hip=predict_hip
        )
        super().__init__(num_joints, math.prod(widths), in_features, sizes)
        self.filter_widths, self.dropout, self.causal, self.predict_hip = widths, dropout, causal, predict_hip
        self.expand_conv = nn.Conv1d(num_joints * in_features, channels, widths[0], bias=False)
        self.expand_bn = nn.BatchNorm1d(channels)
        inner = [width for later in widths[1:] for width in (later, 1)]
        self.layers_conv = nn.ModuleList(nn.Conv1d(channels, channels, width, bias=False) for width in inner)
        self.layers_bn = nn.ModuleList(nn.BatchNorm1d(channels) for _ in inner)
        self.shrink = nn.Conv1d(channels, (num_joints - (not predict_hip)) * 3, 1)

    @property
    def target_frame(self) -> int:
        """Index of the window's centre frame, or of its last if causal."""
        return self.frames - 1 if self.causal else self.frames // 2

    def forward(self, joints_2d: Float[Tensor, "batch frames joints features"]) -> Float[Tensor, "batch joints 3"]:
        """Predict the centre frame (causal: the last), metres. joints_2d: T = receptive field."""
        self.check_input(joints_2d)
        return self._lift(joints_2d, dilated=False).squeeze(1)

    def forward_sequence(
        self, joints_2d: Float[Tensor, "batch frames joints features"]
    ) -> Float[Tensor, "batch frames_out joints 3"]:
        """Predict every frame of a clip that has all its neighbours: T - receptive field + 1 of them."""
        frames, joints, features = joints_2d.shape[1:]
        if frames < self.frames or (joints, features) != (self.num_joints, self.in_features):
            raise ValueError(
                f"joints_2d has {frames} frames of {joints} joints with {features} numbers, expected at least "
                f"{self.frames} frames of {self.num_joints} with {self.in_features}: pad the clip with "
                "copies of its first and last frame."
            )
        return self._lift(joints_2d, dilated=True)

    def _lift(self, joints_2d: Tensor, dilated: bool) -> Tensor:
        tokens = joints_2d.flatten(2)  # (B, T, in_features * J)
        dilation = 1
        for block, width in enumerate(self.filter_widths):
            step = dilation if dilated else None
            windows = _windows(tokens, width, step)
            if block == 0:
                tokens = self._convolve(windows, self.expand_conv, self.expand_bn)
            else:
                kept = _kept_tokens(tokens, width, step, self.causal)
                hidden = self._convolve(windows, self.layers_conv[2 * block - 2], self.layers_bn[2 * block - 2])
                tokens = kept + self._convolve(hidden, self.layers_conv[2 * block - 1], self.layers_bn[2 * block - 1])
            dilation *= width
        joints = F.linear(tokens, self.shrink.weight.squeeze(-1), self.shrink.bias)
        joints = joints.unflatten(-1, (-1, 3))  # (B, T_out, J or J - 1, 3) metres
        return joints if self.predict_hip else prepend_zero_root(joints)

    def _convolve(self, windows: Tensor, conv: nn.Module, norm: nn.Module) -> Tensor:
        """Apply convolution, norm, ReLU, dropout. windows: (B, T, width * C_in), the tokens under the filter."""
        assert isinstance(conv, nn.Conv1d) and isinstance(norm, nn.BatchNorm1d)
        weight = conv.weight.squeeze(-1) if conv.kernel_size == (1,) else conv.weight.transpose(1, 2).flatten(1)
        features = F.linear(windows.flatten(0, 1), weight)  # (B * T, C)
        return norm_relu_dropout(features, norm, self.dropout).unflatten(0, windows.shape[:2])


def _windows(tokens: Tensor, width: int, dilation: int | None) -> Tensor:
    """Concatenate the tokens (B, T, C) under each filter position: (B, T_out, width * C). dilation None: strided."""
    if width == 1:
        return tokens
    if dilation is None:
        return tokens.unflatten(1, (-1, width)).flatten(2)
    count = tokens.shape[1] - (width - 1) * dilation
    return torch.cat([tokens[:, k * dilation : k * dilation + count] for k in range(width)], dim=-1)


def _kept_tokens(tokens: Tensor, width: int, dilation: int | None, causal: bool) -> Tensor:
    """Select the tokens a block's output is added to: the filter's middle, or its last if causal."""
    place = width - 1 if causal else width // 2
    if dilation is None:
        return tokens[:, place::width]
    return tokens[:, place * dilation : tokens.shape[1] - (width - 1 - place) * dilation]
