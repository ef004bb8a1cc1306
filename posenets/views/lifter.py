"""MultiViewLifter: what a lifter of several synchronised cameras reads, and what its answer means."""

import torch
from jaxtyping import Float
from torch import Tensor

from data.batch import PoseBatch
from kinematics.constants import constant, indices
from posenets.base import PoseNet, exactly
from posenets.lifter import Lifter
from posenets.views.rays import RayPoints, ray_points

# screen: each camera's screen joints, nothing of where the cameras stand (ESMformer).
# rays: each camera's rays as points in space (posenets.views.rays); the network corrects the triangulated joints.
VIEW_MODES = ("screen", "rays")
CORRECTION = 0.1  # metres that the network's 1 stands for, in mode rays


class MultiViewLifter(Lifter):
    """Screen joints of V cameras -> joints about the root, metres, in world axes (z up).

    With `screen` the world is the one the lifter was trained in: another rig is another world. With `rays` it is the
    one the cameras are given in, however they stand; what the network adds turns with the person.
    """

    modes = VIEW_MODES

    def __init__(self, posenet: PoseNet, input_mode: str = "screen", skeleton: str = "h36m_16") -> None:
        super().__init__(posenet, input_mode, skeleton)
        if posenet.views < 2:
            raise ValueError(f"{posenet.name} sees one camera: use Lifter.")
        if (posenet.in_features == 4) != (input_mode == "rays"):
            raise ValueError(
                f"{posenet.name} has in_features {posenet.in_features}: input_mode rays needs 4 (a point and the "
                "confidence), screen 2 or 3."
            )

    def start_at_triangulation(self) -> "MultiViewLifter":
        """Let a new network of mode rays add nothing until it has learnt what: its last layer is set to 0."""
        if self.input_mode == "rays":
            for parameter in self.posenet.get_submodule("regression.1").parameters():
                torch.nn.init.zeros_(parameter)
        return self

    @property
    def reads_confidence(self) -> bool:
        """Whether it makes use of the detector's confidences."""
        return self.posenet.in_features > 2

    def lift(self, batch: PoseBatch, every_frame: bool = False) -> Float[Tensor, "batch *frames joints 3"]:
        if self.input_mode == "screen":
            seen = batch.lifter_input(self.reads_confidence)
            return self.posenet.forward_window(seen) if every_frame else self.posenet(seen)
        points = self.points(batch)
        added = self.posenet.forward_window(points.features) if every_frame else self.posenet(points.features)
        triangulated = points.joints if every_frame else points.joints[:, self.target_frame]
        turn = points.turn[:, None] if every_frame else points.turn
        with exactly(turn):
            return (triangulated + CORRECTION * added.to(turn.dtype)) @ turn  # rows times the turn: back to world axes

    def points(self, batch: PoseBatch) -> RayPoints:
        """What mode rays makes of a batch, without gradients."""
        if batch.camera is None:
            raise ValueError("input_mode rays needs the poses' cameras, but there are none: use a calibrated data set.")
        with torch.no_grad(), exactly(batch.joints_2d):
            return ray_points(batch.joints_2d, batch.certainty(), batch.camera, self.skeleton, self.target_frame)

    @torch.no_grad()
    def lift_evaluated(self, batch: PoseBatch, flip: bool = True) -> Float[Tensor, "batch joints 3"]:
        was_training = self.training
        self.eval()
        joints = self.lift(batch)
        if flip:
            mirrored = self.lift(batch.mirrored())[:, indices(self.skeleton.mirror, joints)]
            joints = (joints + mirrored * constant((-1.0, 1.0, 1.0), joints)) / 2
        self.train(was_training)
        root = self.skeleton.root
        return joints - joints[:, root : root + 1]

    def truth(self, batch: PoseBatch) -> Float[Tensor, "batch frames joints 3"]:
        """What it should say of each frame: metres about the root, world axes (those of the first view there is)."""
        world = batch.joints_world()
        first = batch.visible.any(dim=-1)[..., None, None].to(world.dtype).argmax(dim=1, keepdim=True)
        world = world.take_along_dim(first, dim=1)[:, 0]
        root = self.skeleton.root
        return world - world[:, :, root : root + 1]

    def forward(self, joints_2d: Float[Tensor, "batch views frames joints features"]) -> Tensor:
        """Joints of the target frame, metres, from the screens alone; mode rays needs cameras too: `lift`."""
        if self.input_mode != "screen":
            raise ValueError(f"Mode {self.input_mode} reads whole batches: call lift(batch) or lift_evaluated(batch).")
        return self.posenet(joints_2d)

    def forward_window(self, joints_2d: Tensor) -> Tensor:
        raise ValueError("A lifter of several views reads whole batches: call lift(batch, every_frame=True).")

    def predict_clip(self, joints_2d: Tensor, flip: bool = True, chunk: int = 0) -> Tensor:
        raise ValueError("A lifter of several views reads whole batches: call lift_evaluated(batch).")

    def standardise(self, joints_2d: Tensor, joints_3d: Tensor) -> None:
        """Nothing to keep: the networks of several views have no statistics."""
