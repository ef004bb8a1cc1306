"""The loss of a lifter on poses whose 3D is known."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from data import PoseBatch
from posenets import Lifter
from training.config.settings import LearningSettings


def mean_square(prediction: Float[Tensor, "*batch joints 3"], target: Float[Tensor, "*batch joints 3"]) -> Tensor:
    """Mean squared coordinate error as a loss, square metres."""
    return (prediction - target).square().mean()


def mean_distance(prediction: Float[Tensor, "*batch joints 3"], target: Float[Tensor, "*batch joints 3"]) -> Tensor:
    """MPJPE as a loss, metres."""
    return (prediction - target).square().sum(-1).add(1e-12).sqrt().mean()


class LabelLoss:
    """Distance of a lifter's predictions from the labels (Lifter.target)."""

    def __init__(self, settings: LearningSettings, lifter: Lifter) -> None:
        if settings.loss == "standard_mse" and lifter.readout is not None:
            raise ValueError(
                "--loss standard_mse is in the spread of the network's own joints, which with --input_layout are not "
                "those it is judged by: add --loss mpjpe."
            )
        if settings.loss == "standard_mse" and lifter.posenet.target_std() is None:
            raise ValueError(
                f"--loss standard_mse needs the spread of the training poses, which {lifter.posenet.name} has not: "
                "choose seq2seq or simple_baseline with --normalized True, or another loss."
            )
        if settings.loss_frames == "all" and not lifter.posenet.predicts_window:
            lifter.posenet.forward_window(torch.empty(0))  # says in one sentence that it has none
        self.settings = settings

    def __call__(self, lifter: Lifter, batch: PoseBatch) -> Tensor:
        """The mean over a batch; in metres, or as the settings say."""
        prediction = forward_batch(lifter, batch, self.settings)
        target = lifter.target(batch)
        if self.settings.loss_frames != "all":
            target = target[:, lifter.target_frame, None]
        return self.between(lifter, prediction, target)

    def between(self, lifter: Lifter, prediction: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of predictions and targets (B, T, J, 3), metres."""
        measure = mean_distance if self.settings.loss == "mpjpe" else mean_square
        spread = lifter.posenet.target_std() if self.settings.loss == "standard_mse" else None
        if spread is not None:
            prediction, target = prediction / spread, target / spread
        loss = measure(prediction, target)
        weight = self.settings.difference_weight if self.settings.loss_frames == "all" else 0.0
        if weight and target.shape[1] > 1:
            loss = loss + weight * measure(prediction.diff(dim=1), target.diff(dim=1))
        return loss

    def synchronise(self) -> None:
        """Nothing is learnt here that processes would have to agree on."""

    def state_dict(self) -> dict[str, Any] | None:
        """Nothing is learnt here."""

    def merged(self, states: list[dict[str, Any]]) -> dict[str, Any]:
        """Nothing is learnt here."""
        return states[0]

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing is learnt here."""


def forward_batch(
    lifter: Lifter, batch: PoseBatch, settings: LearningSettings
) -> Float[Tensor, "batch frames joints 3"]:
    """Predict every frame, or the target as one frame, with gradients, metres; in bfloat16 on a GPU if asked for."""
    narrow = settings.precision == "bfloat16" and batch.joints_2d.is_cuda
    every_frame = settings.loss_frames == "all"
    with torch.autocast(batch.joints_2d.device.type, dtype=torch.bfloat16, enabled=narrow):
        prediction = lifter.forward_batch(batch, every_frame)
    return (prediction if every_frame else prediction[:, None]).to(batch.joints_3d.dtype)
