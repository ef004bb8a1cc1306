"""RayLifter: a network that corrects joints triangulated from calibrated cameras."""

import torch
from jaxtyping import Float
from torch import Tensor

from data.batch import PoseBatch
from kinematics.precision import no_autocast
from posenets.base import PoseNet
from posenets.lifter import Lifter
from posenets.views.rays import RayPoints, ray_points

CORRECTION = 0.1  # metres per unit of the network's output


class RayLifter(Lifter):
    """Corrects triangulated joints of V cameras (posenets.views.rays); joints about the root, metres, world axes."""

    modes = ("rays",)

    def __init__(
        self, posenet: PoseNet, input_mode: str = "rays", skeleton: str = "h36m_16", input_layout: str | None = None,
        reads_focal: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(posenet, input_mode, skeleton, input_layout)
        if reads_focal:
            raise ValueError("A lifter of input_mode rays always reads its cameras: leave known focal lengths out.")
        if posenet.in_features != 4:
            raise ValueError(
                f"{posenet.name} has in_features {posenet.in_features}: input_mode rays needs 4 (a point and the "
                "confidence)."
            )

    def forward_batch(self, batch: PoseBatch, every_frame: bool = False) -> Float[Tensor, "batch *frames joints 3"]:
        points = self.points(batch)
        added = self.posenet.forward_window(points.features) if every_frame else self.posenet(points.features)
        triangulated = points.joints if every_frame else points.joints[:, self.target_frame]
        turn = points.turn[:, None] if every_frame else points.turn
        with no_autocast(turn):
            return (triangulated + CORRECTION * added.to(turn.dtype)) @ turn  # row vectors: back to world axes

    def predict_batch(self, batch: PoseBatch, test_flip: bool = True) -> Float[Tensor, "batch joints 3"]:
        return self._evaluate(self.forward_batch, batch, batch.mirrored() if test_flip else None)

    def points(self, batch: PoseBatch) -> RayPoints:
        """Compute the network's input, without gradients."""
        if batch.camera is None:
            raise ValueError("input_mode rays needs the poses' cameras, but there are none: use a calibrated data set.")
        with torch.no_grad(), no_autocast(batch.joints_2d):
            return ray_points(batch.joints_2d, batch.certainty(), batch.camera, self.skeleton, self.target_frame)
