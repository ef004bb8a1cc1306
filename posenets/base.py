"""PoseNet, the base class of lifters: checks input shapes and keeps the sizes the network is rebuilt from."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from posenets.fast_cpu import keep_mask

FEATURES = {
    2: "x and y", 3: "and the confidence or the known focal length", 4: "and both; of rays a point and the confidence",
}  # fmt: skip


class PoseNet(nn.Module):
    """A lifter: screen joints of T frames -> joints of one frame.

    num_joints: joints in and out; frames: T; sizes: keywords that rebuild the same network. in_features: numbers per
    input joint (VideoPose3D's word): 2 for x and y, 1 more for the detector's confidence, 1 more for known focal
    lengths, 4 for ray points of several cameras. views: number of cameras; with more than one the input is
    (B, V, T, J, in_features).
    """

    name: ClassVar[str]
    views: int = 1
    feature_counts: ClassVar[tuple[int, ...]] = (2, 3, 4)

    def __init__(self, num_joints: int, frames: int, in_features: int, sizes: dict[str, Any]) -> None:
        super().__init__()
        if in_features not in self.feature_counts:
            meanings = ", ".join(f"{count} ({FEATURES[count]})" for count in self.feature_counts)
            raise ValueError(f"in_features is {in_features}, expected one of {meanings}.")
        self.num_joints, self.frames, self.in_features = num_joints, frames, in_features
        self.sizes = {**sizes, "in_features": in_features}

    @property
    def target_frame(self) -> int:
        """Index of the predicted frame in the window: the centre, unless a lifter is causal."""
        return self.frames // 2

    def forward(self, joints_2d: Float[Tensor, "batch *window features"]) -> Float[Tensor, "batch joints 3"]:
        """Predict the joints of the target frame, metres, from (B, T, J, in_features)."""
        return self.forward_window(joints_2d)[:, self.target_frame]

    def forward_window(self, joints_2d: Tensor) -> Tensor:
        """Predict every frame of the window, (B, T, J, 3) metres: only for lifters that can."""
        raise ValueError(f"{self.name} predicts one frame of its window: choose seq2seq or st_gcn for all of them.")

    @property
    def predicts_window(self) -> bool:
        return type(self).forward_window is not PoseNet.forward_window

    @property
    def has_statistics(self) -> bool:
        """Whether the network normalizes with statistics of the training poses, stored with the weights."""
        return False

    def zero_output(self) -> None:
        """Make a new network output 0: only for lifters that correct triangulated joints."""

    def fit_normalization(self, joints_2d: Tensor, joints_3d: Tensor) -> None:
        """Compute normalization statistics from training poses, as forward will see them, before training."""

    def target_std(self) -> Tensor | None:
        """Return the standard deviation of every predicted coordinate, (J, 3) metres: only with statistics."""
        return None

    def check_input(self, joints_2d: Tensor) -> None:
        """Refuse input with another number of joints or frames."""
        shape = tuple(joints_2d.shape)
        expected = (self.frames, self.num_joints, self.in_features)
        expected, seen = (expected, "") if self.views == 1 else ((self.views, *expected), f" from {self.views} views")
        if shape[1:] != expected:
            raise ValueError(
                f"joints_2d has shape {shape}, expected (B, {', '.join(map(str, expected))}): "
                f"{self.name} reads {self.frames} frame(s) of {self.num_joints} joints{seen}."
            )


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
    """Prepend joint 0 at the origin, for networks that predict all joints but the hip (PoseAug, DH-AUG)."""
    return torch.cat([torch.zeros_like(joints[..., :1, :]), joints], dim=-2)


def dropped(features: Float[Tensor, "*shape"], rate: float | int, training: bool) -> Float[Tensor, "*shape"]:
    """Apply dropout, with the fast mask of posenets.fast_cpu."""
    if not training or rate == 0:
        return features
    return features * keep_mask(features, rate) / (1 - rate)


def forward_in_parts(forward: Callable[[Tensor], Tensor], inputs: Tensor, count: int) -> Tensor:
    """Apply a function to `count` of a batch at a time; to all at once with gradients or in an export."""
    if torch.is_grad_enabled() or torch.compiler.is_exporting():
        return forward(inputs)
    return torch.cat([forward(part) for part in inputs.split(max(count, 1))])


def drop_path(
    branch: Float[Tensor, "*batch tokens width"], rate: float | int, training: bool
) -> Float[Tensor, "*batch tokens width"]:
    """Apply stochastic depth: drop some sequences of a branch and scale up the others to keep the mean."""
    if not training or rate == 0:
        return branch
    kept = branch.new_empty(*branch.shape[:-2], 1, 1).bernoulli_(1 - rate)
    return branch * (kept / (1 - rate))
