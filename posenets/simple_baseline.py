"""SimpleBaseline (Martinez et al., ICCV 2017) on one frame, as SemGCN's twin, PoseAug's `mlp`, or normalized."""

from collections.abc import Mapping

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from posenets.base import check_positive, check_probability, prepend_zero_root
from posenets.checkpoints.shapes import count_modules, length
from posenets.fast_cpu import norm_relu_dropout
from posenets.normalized import NormalizedNet
from posenets.registry import LifterSpec, Sizes, register_lifter


class _Stage(nn.Module):
    """Two layers with a skip."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.w1, self.batch_norm1 = nn.Linear(width, width), nn.BatchNorm1d(width)
        self.w2, self.batch_norm2 = nn.Linear(width, width), nn.BatchNorm1d(width)

    def forward(self, features: Float[Tensor, "batch width"], rate: float | int) -> Float[Tensor, "batch width"]:
        hidden = norm_relu_dropout(self.w1(features), self.batch_norm1, rate)
        return features + norm_relu_dropout(self.w2(hidden), self.batch_norm2, rate)


def _sizes_from_weights(weights: Mapping[str, Tensor]) -> Sizes:
    num_joints = length(weights, "w1.weight", 1) // 2
    return dict(
        num_joints=num_joints, linear_size=length(weights, "w1.weight"),
        num_stage=count_modules(weights, r"linear_stages\.(\d+)\."),
        predict_hip=length(weights, "w2.bias") // 3 == num_joints, normalized="mean_2d" in weights,
    )  # fmt: skip


# SimpleBaseline as its own authors trained it.
_MARTINEZ = {
    "lifter": {"normalized": True, "posenet_width": 1024, "posenet_blocks": 2, "dropout": 0.5},
    "learning": {
        "lr": 1e-3, "lr_schedule": "staircase", "lr_decay": 0.96, "lr_decay_steps": 100_000, "loss": "standard_mse",
        "batch_size": 64, "max_norm": 1.0, "max_grad_norm": 0.0, "flip_augment": "none",
    },
}  # fmt: skip


@register_lifter(
    LifterSpec(
        name="simple_baseline", aliases=("mlp", "martinez"), signature="linear_stages.0.w1.weight",
        sizes_from_weights=_sizes_from_weights, width="linear_size", blocks="num_stage", dropout="dropout",
        settings=("normalized",), renamed_sizes={"standardised": "normalized"}, training={"martinez": _MARTINEZ},
        h36m_length={"martinez": {"learning": {"epochs": 200}}},
        dh_aug_sizes=lambda frames: dict(linear_size=1024, num_stage=4, dropout=0.25, predict_hip=False),
    )
)  # fmt: skip
class SimpleBaseline(NormalizedNet):
    """Fully connected lifter of a single frame.

    predict_hip: False leaves the hip out of the network's output and puts it at 0 (PoseAug, DH-AUG). normalized:
    standardize inputs and outputs (Martinez), and leave the hip out.
    """

    def __init__(
        self, num_joints: int = 16, linear_size: int = 1024, num_stage: int = 2, dropout: float | int = 0.5,
        predict_hip: bool = True, normalized: bool = False, in_features: int = 2,
    ) -> None:  # fmt: skip
        check_positive(num_joints=num_joints, linear_size=linear_size, num_stage=num_stage)
        check_probability(dropout=dropout)
        predict_hip = predict_hip and not normalized
        sizes = dict(
            linear_size=linear_size, num_stage=num_stage, dropout=dropout, predict_hip=predict_hip,
            normalized=normalized,
        )  # fmt: skip
        super().__init__(num_joints, 1, in_features, sizes)
        if normalized:
            self.register_statistics()
        self.dropout, self.predict_hip = dropout, predict_hip
        self.w1 = nn.Linear(num_joints * in_features, linear_size)
        self.batch_norm1 = nn.BatchNorm1d(linear_size)
        self.linear_stages = nn.ModuleList(_Stage(linear_size) for _ in range(num_stage))
        self.w2 = nn.Linear(linear_size, (num_joints - (not predict_hip)) * 3)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, joints_2d: Float[Tensor, "batch frames joints features"]) -> Float[Tensor, "batch joints 3"]:
        """Predict joints, metres. joints_2d: one frame, T = 1."""
        self.check_input(joints_2d)
        seen = self.normalize(joints_2d) if self.has_statistics else joints_2d
        features = F.linear(seen.flatten(1), self.w1.weight, self.w1.bias)  # (B, width)
        features = norm_relu_dropout(features, self.batch_norm1, self.dropout)
        for stage in self.linear_stages:
            features = stage(features, self.dropout)
        joints = self.w2(features).unflatten(-1, (-1, 3))
        if self.has_statistics:
            return self.denormalize(joints)
        return joints if self.predict_hip else prepend_zero_root(joints)
