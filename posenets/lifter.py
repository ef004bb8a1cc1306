"""Lifter: a posenet with its input mode and joint layout, as it is trained, saved and used."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from data.batch import PoseBatch
from kinematics.constants import constant, indices
from kinematics.head import from_body
from kinematics.precision import no_autocast
from kinematics.skeleton import Skeleton
from posenets.base import FEATURES, PoseNet
from posenets.checkpoints.content import FORMAT
from posenets.inputs.layouts import JointRegressor, network_layout, prepend_mid_hip
from posenets.inputs.modes import INPUT_MODES, PER_FRAME_MODES, VIEW_MODES, by_standard_camera, prepare
from posenets.uncertainty import JointUncertainty, Lifted

FRAMES_AT_ONCE = 16384  # sum over the windows of a clip that are processed together


class Lifter(nn.Module, ABC):
    """PoseBatch -> root-relative joints, metres: in camera axes of one camera, in world axes (z up) of several.

    input_mode: see posenets.inputs.modes. skeleton: name of the joint layout. fps: frame rate of the training clips,
    None if unknown. input_layout: name of another layout of the 2D joints, see posenets.inputs.layouts. reads_focal:
    has learnt to use cameras' intrinsics where they are known, see posenets.inputs.modes. uncertainty: how sure it is
    of each joint, once that has been fitted (training.uncertainty); kept in its checkpoints.
    """

    modes: ClassVar[Sequence[str]]
    epoch: int | None
    fps: float | None
    uncertainty: JointUncertainty | None

    def __init__(
        self, posenet: PoseNet, input_mode: str, skeleton: str, input_layout: str | None = None,
        reads_focal: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        modes = self.modes if posenet.views == 1 else VIEW_MODES
        if input_mode not in self.modes or input_mode not in modes:
            raise ValueError(f"input_mode {input_mode}: choose from {', '.join(modes)}.")
        inner = network_layout(skeleton, input_layout)
        if inner.num_joints != posenet.num_joints:
            raise ValueError(f"{posenet.name} has {posenet.num_joints} joints, {inner.name} has {inner.num_joints}.")
        if input_layout and posenet.views > 1:
            raise ValueError(f"input_layout {input_layout}: {posenet.name} reads the joints it predicts: leave it out.")
        self.posenet, self.input_mode, self.skeleton = posenet, input_mode, Skeleton(skeleton)
        self.input_skeleton, self._root = Skeleton(input_layout or skeleton), inner.root
        self.readout = JointRegressor(inner, self.skeleton) if input_layout else None
        self.reads_focal, self.epoch = reads_focal, None
        self.fps = None
        self.uncertainty = None

    @property
    def frames(self) -> int:
        return self.posenet.frames

    @property
    def target_frame(self) -> int:
        return self.posenet.target_frame

    @property
    def views(self) -> int:
        return self.posenet.views

    @property
    def reads_confidence(self) -> bool:
        return self.posenet.in_features - self.reads_focal > 2

    @abstractmethod
    def forward_batch(self, batch: PoseBatch, every_frame: bool = False) -> Float[Tensor, "batch *frames out_joints 3"]:
        """Predict the target frame of each pose, or every frame, in the axes of `target`. The root is near 0."""

    @abstractmethod
    def predict_batch(self, batch: PoseBatch, test_flip: bool = True) -> Float[Tensor, "batch out_joints 3"]:
        """Predict joints in evaluation mode, root at 0. test_flip: average with the mirror image's prediction."""

    def target(self, batch: PoseBatch) -> Float[Tensor, "batch frames out_joints 3"]:
        """Compute each frame's ground truth, metres about the root: camera axes, or world axes of several views."""
        if self.views == 1:
            return batch.root_relative()
        world = batch.joints_world()
        first = batch.visible.any(dim=-1)[..., None, None].to(world.dtype).argmax(dim=1, keepdim=True)
        return self._root_relative(world.take_along_dim(first, dim=1)[:, 0])  # the first view that is not missing

    def fit_normalization(self, batch: PoseBatch) -> None:  # noqa: B027
        """Compute the network's normalization statistics, if it has any, from training poses, before training."""

    @torch.no_grad()
    def _evaluate(self, forward: Callable[[Any], Tensor], inputs: Any, mirrored: Any = None) -> Tensor:
        """Predict in evaluation mode, averaged with the mirrored-back prediction of mirrored inputs; root at 0."""
        was_training = self.training
        self.eval()
        joints = forward(inputs)
        if mirrored is not None:
            joints = (joints + self._mirror_joints(forward(mirrored))) / 2
        self.train(was_training)
        return self._root_relative(joints)

    def _mirror_joints(self, joints: Tensor) -> Tensor:
        return joints[:, indices(self.skeleton.mirror, joints)] * constant((-1.0, 1.0, 1.0), joints)

    def _root_relative(self, joints: Tensor) -> Tensor:
        root = self.skeleton.root
        return joints - joints[..., root : root + 1, :]

    def to_checkpoint(self, epoch: int | None = None, settings: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the dictionary that write_checkpoint writes. settings: plain values, for information."""
        net = self.posenet
        return {
            "format": FORMAT,
            "model_pos": net.state_dict(),
            "posenet": dict(name=net.name, num_joints=net.num_joints, frames=net.frames, sizes=net.sizes),
            "input_mode": self.input_mode,
            "skeleton": self.skeleton.name,
            "input_layout": None if self.readout is None else self.input_skeleton.name,
            "readout": None if self.readout is None else self.readout.state_dict(),
            "reads_focal": self.reads_focal,
            "epoch": epoch,
            "fps": self.fps,
            "uncertainty": None if self.uncertainty is None else self.uncertainty.state_dict(),
            "settings": settings or {},
        }


class ScreenLifter(Lifter):
    """Lifter of screen joints of one camera (B, T, J, C), or of several (B, V, T, J, C).

    C: x and y, the confidence if it reads_confidence, and if it reads_focal by_standard_camera's flag.
    """

    modes = INPUT_MODES

    def __init__(
        self, posenet: PoseNet, input_mode: str = "screen", skeleton: str = "h36m_16", input_layout: str | None = None,
        reads_focal: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(posenet, input_mode, skeleton, input_layout, reads_focal)
        if posenet.in_features - reads_focal not in (2, 3):
            known = "3 or 4 with known focal lengths" if reads_focal else "2 or 3"
            raise ValueError(f"{posenet.name} has in_features {posenet.in_features}: screen joints have {known}.")

    def forward_batch(self, batch: PoseBatch, every_frame: bool = False) -> Float[Tensor, "batch *frames out_joints 3"]:
        joints_2d = self._joints_2d(batch)
        return self.forward_window(joints_2d) if every_frame else self(joints_2d)

    def predict_batch(self, batch: PoseBatch, test_flip: bool = True) -> Float[Tensor, "batch out_joints 3"]:
        return self.predict(self._joints_2d(batch), test_flip)

    def _joints_2d(self, batch: PoseBatch) -> Tensor:
        batch = batch.seen_as(self.input_skeleton)
        joints_2d = batch.lifter_input(self.reads_confidence)
        return by_standard_camera(joints_2d, batch.camera, batch.focals_known()) if self.reads_focal else joints_2d

    def prepare(
        self, joints_2d: Float[Tensor, "*batch frames joints features"]
    ) -> tuple[Float[Tensor, "*batch frames inner_joints features"], Float[Tensor, "batch frames 3 3"] | None]:
        """Normalize joints_2d (not confidences) for the input mode; also return the virtual camera's rotation."""
        if joints_2d.shape[-1] != self.posenet.in_features:
            has, wants = ("a", "none") if joints_2d.shape[-1] == 3 else ("no", "one")
            what = f"with {has} confidence, the lifter reads {wants}"
            if self.reads_focal:
                what = f"and the lifter reads {FEATURES[2]}, {self.reads_confidence * 'the confidence, '}a focal flag"
            source = "posenets.inputs.modes.by_standard_camera" if self.reads_focal else "PoseBatch.lifter_input"
            shape = f"(..., {self.input_skeleton.num_joints}, {self.posenet.in_features})"
            raise ValueError(
                f"joints_2d has shape {tuple(joints_2d.shape)} {what}: expected {shape}: {source} gives it."
            )
        if self.readout is not None:
            joints_2d = prepend_mid_hip(joints_2d, self.input_skeleton)
        with no_autocast(joints_2d):
            seen, rotation = prepare(joints_2d[..., :2], self.input_mode, self._root)
        return torch.cat([seen, joints_2d[..., 2:]], dim=-1) if joints_2d.shape[-1] > 2 else seen, rotation

    def forward(self, joints_2d: Float[Tensor, "*batch frames joints features"]) -> Float[Tensor, "batch out_joints 3"]:
        """Predict the joints of the window's target frame, metres, relative to the root, which is near 0."""
        seen, rotation = self.prepare(joints_2d)
        return self._to_output(self.posenet(seen), None if rotation is None else rotation[:, self.target_frame])

    def forward_window(
        self, joints_2d: Float[Tensor, "*batch frames joints features"]
    ) -> Float[Tensor, "batch frames out_joints 3"]:
        """Predict every frame of the window: for losses over time."""
        seen, rotation = self.prepare(joints_2d)
        return self._to_output(self.posenet.forward_window(seen), rotation)

    def _to_output(self, joints: Tensor, rotation: Tensor | None) -> Tensor:
        """Convert the network's output to the lifter's layout and axes: a row times R is R^T times the column."""
        joints = joints if self.readout is None else self.readout(joints)
        if rotation is None:
            return joints
        with no_autocast(joints):
            return joints.to(rotation.dtype) @ rotation

    def fit_normalization(self, batch: PoseBatch) -> None:
        if not self.posenet.has_statistics:
            return
        joints_3d = batch.joints_3d
        if self.readout is not None:
            joints_3d = prepend_mid_hip(from_body(joints_3d, self.input_skeleton), self.input_skeleton)
        seen, rotation = self.prepare(self._joints_2d(batch))
        relative = joints_3d - joints_3d[:, :, self._root : self._root + 1]
        self.posenet.fit_normalization(seen, relative if rotation is None else relative @ rotation.transpose(-1, -2))

    def predict(
        self, joints_2d: Float[Tensor, "batch *views frames joints features"], test_flip: bool = True
    ) -> Float[Tensor, "batch out_joints 3"]:
        """Predict screen joints, as predict_batch does."""
        return self._evaluate(self, joints_2d, self._mirror(joints_2d) if test_flip else None)

    def predict_clip(
        self, joints_2d: Float[Tensor, "frames joints features"], test_flip: bool = True, chunk: int = 0
    ) -> Float[Tensor, "frames out_joints 3"]:
        """Predict every frame of a clip, windows padded with its end frames. chunk: frames at once; 0: by memory."""
        if not len(joints_2d):
            return joints_2d.new_zeros(0, joints_2d.shape[1], 3)
        before = self.target_frame
        after = self.frames - 1 - before
        padded = torch.cat([joints_2d[:1].expand(before, -1, -1), joints_2d, joints_2d[-1:].expand(after, -1, -1)])
        chunk = chunk or max(1, FRAMES_AT_ONCE // self.frames)
        starts = range(0, len(joints_2d), chunk)
        parts = [padded[None, start : start + chunk + self.frames - 1] for start in starts]
        mirrored = [self._mirror(part) if test_flip else None for part in parts]
        return torch.cat([self._evaluate(self._lift_clip, *pair) for pair in zip(parts, mirrored, strict=True)])

    def predict_clip_with_sd(
        self, joints_2d: Float[Tensor, "frames joints features"], test_flip: bool = True
    ) -> tuple[Float[Tensor, "frames out_joints 3"], Float[Tensor, "frames out_joints 3"] | None]:
        """Predict as predict_clip does, with each coordinate's standard deviation, metres; None if it is not known."""
        if self.uncertainty is None or not len(joints_2d):
            return self.predict_clip(joints_2d, test_flip), None
        lifted = self._lifted(joints_2d, joints_2d, lambda clip: self.predict_clip(clip, test_flip=False))
        sd = self.uncertainty(lifted)
        if test_flip:
            return lifted.mean, sd
        # The mean's error, and how far from the mean this prediction is.
        return lifted.prediction, torch.hypot(sd, (lifted.prediction - lifted.mirrored) / 2)

    def predict_both(self, batch: PoseBatch) -> Lifted:
        """Predict the target frames and those of the mirror image: what `uncertainty` is fitted to and reads."""
        windows = self._joints_2d(batch)
        return self._lifted(windows, windows[:, self.target_frame], lambda seen: self._evaluate(self, seen))

    def _lifted(self, joints_2d: Tensor, target_2d: Tensor, predict: Callable[[Tensor], Tensor]) -> Lifted:
        mirrored = self._mirror_joints(predict(self._mirror(joints_2d)))
        return Lifted(target_2d[..., : 2 + self.reads_confidence], predict(joints_2d), mirrored)

    def _mirror(self, joints_2d: Tensor) -> Tensor:
        sign = constant((-1.0, 1.0, 1.0, 1.0), joints_2d)[: joints_2d.shape[-1]]
        return joints_2d[..., indices(self.input_skeleton.mirror, joints_2d), :] * sign

    def _lift_clip(self, clip: Tensor) -> Tensor:
        """Lift each window of a clip: (1, T, J, in_features) -> (T - receptive field + 1, J, 3)."""
        forward_sequence = getattr(self.posenet, "forward_sequence", None)
        if forward_sequence is not None and self.input_mode in PER_FRAME_MODES:
            return self._to_output(forward_sequence(self.prepare(clip)[0]), None)[0]
        return self(clip[0].unfold(0, self.frames, 1).movedim(-1, 1))
