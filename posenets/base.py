"""What every lifter shares: its shape check, its recipe for being rebuilt."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from posenets.fast_cpu import keep_mask

FEATURES = {2: "x and y", 3: "and the confidence", 4: "a point in space and the confidence"}


class PoseNet(nn.Module):
    """A lifter: screen joints of T frames in, joints of one frame out.

    num_joints: joints in and out; frames: T; sizes: keywords that build the same network again. in_features: numbers
    per joint in (VideoPose3D's word): 2, x and y, or 3 with the detector's confidence; 4 where a lifter of several
    views makes points in space of them. views: cameras that see the same body; of more than one the input has a
    dimension, the second: (B, V, T, J, in_features).
    """

    name: ClassVar[str]
    views: int = 1
    feature_counts: ClassVar[tuple[int, ...]] = (2, 3)

    def __init__(self, num_joints: int, frames: int, in_features: int, sizes: dict[str, Any]) -> None:
        super().__init__()
        if in_features not in self.feature_counts:
            meanings = ", ".join(f"{count} ({FEATURES[count]})" for count in self.feature_counts)
            raise ValueError(f"in_features is {in_features}, expected one of {meanings}.")
        self.num_joints, self.frames, self.in_features = num_joints, frames, in_features
        self.sizes = {**sizes, "in_features": in_features}

    @property
    def target_frame(self) -> int:
        """Which frame of the window the prediction is of: the centre, unless a lifter is causal."""
        return self.frames // 2

    def forward(self, joints_2d: Float[Tensor, "batch *window features"]) -> Float[Tensor, "batch joints 3"]:
        """Predict the joints of the target frame, metres, from (B, T, J, in_features)."""
        return self.forward_window(joints_2d)[:, self.target_frame]

    def forward_window(self, joints_2d: Tensor) -> Tensor:
        """Joints of every frame of the window, (B, T, J, 3) metres: only of lifters that predict them all."""
        raise ValueError(f"{self.name} predicts one frame of its window: choose seq2seq or st_gcn for all of them.")

    @property
    def predicts_window(self) -> bool:
        return type(self).forward_window is not PoseNet.forward_window

    @property
    def has_statistics(self) -> bool:
        """Whether it normalizes with statistics of the training poses, kept beside the weights."""
        return False

    def zero_output(self) -> None:
        """Let a new network answer 0: only of lifters that correct triangulated joints."""

    def fit_normalization(self, joints_2d: Tensor, joints_3d: Tensor) -> None:
        """Take the statistics it normalizes with from training poses, as forward will see them; before training."""

    def target_std(self) -> Tensor | None:
        """Standard deviation of every coordinate it predicts, (J, 3) metres: only of lifters with statistics."""
        return None

    def check_input(self, joints_2d: Tensor) -> None:
        """Refuse input of another joint count or window length by name."""
        shape = tuple(joints_2d.shape)
        expected = (self.frames, self.num_joints, self.in_features)
        expected, seen = (expected, "") if self.views == 1 else ((self.views, *expected), f" from {self.views} views")
        if shape[1:] != expected:
            raise ValueError(
                f"joints_2d has shape {shape}, expected (B, {', '.join(map(str, expected))}): "
                f"{self.name} reads {self.frames} frame(s) of {self.num_joints} joints{seen}."
            )


def no_autocast(like: Tensor) -> torch.autocast:
    """Keep products in their factors' float type inside autocast: bfloat16's three digits are centimetres."""
    return torch.autocast(like.device.type, enabled=False)


def check_positive(**values: int) -> None:
    """Refuse sizes that are not whole numbers above 0."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is {value!r}, expected a whole number above 0.")


def check_probability(**values: float | int) -> None:
    """Refuse dropout rates outside [0, 1)."""
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name} is {value!r}, expected a rate from 0 to under 1.")


def prepend_zero_root(joints: Float[Tensor, "*batch joints_without_hip 3"]) -> Float[Tensor, "*batch joints 3"]:
    """Joint 0 put back at the origin, for networks that predict all joints but the hip (PoseAug, DH-AUG)."""
    return torch.cat([torch.zeros_like(joints[..., :1, :]), joints], dim=-2)


def dropped(features: Float[Tensor, "*shape"], rate: float | int, training: bool) -> Float[Tensor, "*shape"]:
    """Dropout, with the cheap mask of posenets.fast_cpu."""
    if not training or rate == 0:
        return features
    return features * keep_mask(features, rate) / (1 - rate)


def forward_in_parts(forward: Callable[[Tensor], Tensor], inputs: Tensor, count: int) -> Tensor:
    """Forward `count` of a batch at a time; all at once with gradients, or for the graph of an export."""
    if torch.is_grad_enabled() or torch.compiler.is_exporting():
        return forward(inputs)
    return torch.cat([forward(part) for part in inputs.split(max(count, 1))])


def drop_path(
    branch: Float[Tensor, "*batch tokens width"], rate: float | int, training: bool
) -> Float[Tensor, "*batch tokens width"]:
    """Stochastic depth: a branch without some of its sequences, the others larger so that the mean stays."""
    if not training or rate == 0:
        return branch
    kept = branch.new_empty(*branch.shape[:-2], 1, 1).bernoulli_(1 - rate)
    return branch * (kept / (1 - rate))
