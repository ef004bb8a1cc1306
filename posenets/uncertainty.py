"""How sure a lifter is: a standard deviation for each coordinate of each joint, by a small network fitted afterwards.

The lifter stays as it is. What tells its error is what it read and what it said: the 2D pose, the predicted pose, and
how far the mirror image's prediction differs. The network is fitted by Gaussian negative log likelihood on people whom
the lifter has not learnt from: training.uncertainty.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from kinematics.constants import indices
from kinematics.precision import no_autocast
from kinematics.skeleton import Skeleton
from posenets.checkpoints.fitting import build_within, fill

MIRROR_FLOOR_M = 0.003  # added before the logarithm
SMALLEST_M, LARGEST_M = 0.001, 2.0  # bounds of a standard deviation
SMALLEST_STD = 1e-3  # of a feature: a constant one stays near 0, in float16 too
WIDEST_FEATURE = 3.0  # standard deviations: what is rarer than in the fit counts as the rarest there
WIDTH = 64
STEPS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 800, 512, 3e-3, 1.0


class Lifted(NamedTuple):
    """What a lifter read in its target frames and predicted.

    joints_2d: (B, K, 2 or 3) screen, the confidence last; prediction, mirrored: (B, J, 3) metres, root at 0; the second
    is the prediction of the mirror image, mirrored back.
    """

    joints_2d: Tensor
    prediction: Tensor
    mirrored: Tensor

    @property
    def mean(self) -> Tensor:
        return (self.prediction + self.mirrored) / 2


class JointUncertainty(nn.Module):
    """Standard deviation of each coordinate of each joint: metres, camera axes, about the root, whose own is 0.

    It is that of a Gaussian error of `Lifted.mean`, the prediction averaged with the mirror image's. keypoints: K;
    confidence: whether the 2D has it.
    """

    mean: Tensor
    std: Tensor
    base: Tensor

    def __init__(self, skeleton: Skeleton, keypoints: int, confidence: bool, width: int = WIDTH) -> None:
        super().__init__()
        self.moving = [joint for joint in range(skeleton.num_joints) if joint != skeleton.root]
        coordinates = 3 * len(self.moving)
        features = (2 + confidence) * keypoints + 3 + 2 * coordinates
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("base", torch.zeros(coordinates))
        self.hidden, self.output = nn.Linear(features, width), nn.Linear(width, coordinates)

    @classmethod
    def from_weights(
        cls, weights: Mapping[str, Tensor], path: object, skeleton: Skeleton, keypoints: int, confidence: bool
    ) -> "JointUncertainty":
        """Load what state_dict gave; `path` names the file in the refusal of what does not fit."""
        width = weights["hidden.bias"].numel() if "hidden.bias" in weights else WIDTH
        try:
            model = build_within(weights, lambda: cls(skeleton, keypoints, confidence, max(width, 1)))
        except ValueError as error:
            raise ValueError(f"{path} does not fit together: {error}") from error
        fill(model, weights, path)
        return model.requires_grad_(False).eval()

    def features(self, lifted: Lifted) -> Float[Tensor, "batch features"]:
        """Describe poses: 2D about its middle, the middle and the size, 3D, and the mirror's distance; standardized."""
        return ((self.describe(lifted) - self.mean) / self.std).clamp(-WIDEST_FEATURE, WIDEST_FEATURE)

    def describe(self, lifted: Lifted) -> Float[Tensor, "batch features"]:
        """Compute the features before standardization."""
        joints_2d, joints = lifted.joints_2d[..., :2], lifted.mean
        middle = joints_2d.mean(dim=1)
        centred = joints_2d - middle[:, None]
        size = centred.square().sum(-1).mean(-1).sqrt().clamp_min(1e-6)[:, None]  # (B, 1)
        apart = (lifted.prediction - lifted.mirrored).abs() / 2
        moving = indices(self.moving, joints)
        parts = (
            centred / size[..., None], middle, size.log(), lifted.joints_2d[..., 2:], joints[:, moving],
            (apart[:, moving] + MIRROR_FLOOR_M).log(),
        )  # fmt: skip
        return torch.cat([part.flatten(1) for part in parts], dim=1)

    def log_sd(self, features: Float[Tensor, "batch features"]) -> Float[Tensor, "batch coordinates"]:
        return self.base + self.output(F.silu(self.hidden(features)))

    def forward(self, lifted: Lifted) -> Float[Tensor, "batch joints 3"]:
        with no_autocast(lifted.prediction):
            sd = self.log_sd(self.features(lifted)).exp().clamp(SMALLEST_M, LARGEST_M)
        result = torch.zeros_like(lifted.prediction)
        result[:, self.moving] = sd.unflatten(1, (-1, 3))
        return result


def fit_joint_uncertainty(
    lifted: Lifted, target: Float[Tensor, "batch joints 3"], skeleton: Skeleton, seed: int = 0
) -> JointUncertainty:
    """Fit to poses and their true joints, metres, root at 0: some thousands, of people not trained on."""
    keypoints, numbers = lifted.joints_2d.shape[-2:]
    lifted, target = Lifted(*(part.detach().cpu() for part in lifted)), target.detach().cpu()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = JointUncertainty(skeleton, keypoints, numbers > 2)
        nn.init.zeros_(model.output.weight)
        nn.init.zeros_(model.output.bias)
        error = (lifted.mean - target)[:, model.moving].flatten(1)
        model.base.copy_(error.square().mean(dim=0).sqrt().clamp_min(SMALLEST_M).log())
        std, mean = torch.std_mean(model.describe(lifted), dim=0)
        model.mean.copy_(mean)
        model.std.copy_(std.clamp_min(SMALLEST_STD))
        _minimize_nll(model, model.features(lifted), error)
    return model.requires_grad_(False).eval()


def _minimize_nll(
    model: JointUncertainty, features: Float[Tensor, "poses features"], error: Float[Tensor, "poses coordinates"]
) -> None:
    """Minimize the Gaussian negative log likelihood of errors, metres."""
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=STEPS)
    for _ in range(STEPS):
        some = torch.randint(len(error), (BATCH,))
        log_sd = model.log_sd(features[some])
        loss = (log_sd + 0.5 * (error[some] * (-log_sd).exp()).square()).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
