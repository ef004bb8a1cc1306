"""Lifter: a posenet together with what it reads (input mode, joint layout), as it is trained, saved and used."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from data.batch import PoseBatch
from kinematics.constants import constant, indices
from kinematics.head import from_body
from kinematics.skeleton import Skeleton
from posenets.base import PoseNet, exactly
from posenets.checkpoints.content import FORMAT
from posenets.inputs.layouts import Readout, network_layout, with_hip
from posenets.inputs.modes import INPUT_MODES, PER_FRAME_MODES, prepare, rotation_of_virtual_camera

FRAMES_AT_ONCE = 16384  # of all windows together that a clip is cut into


class Lifter(nn.Module):
    """Screen joints -> root-relative joints.

    joints_2d is (..., J, 2) everywhere; (..., J, 3), with the confidences, for a posenet of 3 in_features.
    input_mode: what the network sees of joints_2d, see posenets.inputs.modes.
    skeleton: name of the joint layout. fps: frames a second of the clips it has learnt from, if that is known.
    input_layout: name of another layout for joints_2d, see posenets.inputs.layouts; None: the same.
    """

    modes: ClassVar[Sequence[str]] = INPUT_MODES

    def __init__(
        self, posenet: PoseNet, input_mode: str = "screen", skeleton: str = "h36m_16", input_layout: str | None = None
    ) -> None:
        super().__init__()
        if input_mode not in self.modes:
            raise ValueError(f"input_mode {input_mode}: choose from {', '.join(self.modes)}.")
        inner = network_layout(skeleton, input_layout)
        if inner.num_joints != posenet.num_joints:
            raise ValueError(f"{posenet.name} has {posenet.num_joints} joints, {inner.name} has {inner.num_joints}.")
        self.posenet, self.input_mode, self.skeleton = posenet, input_mode, Skeleton(skeleton)
        self.input_skeleton, self._root = Skeleton(input_layout or skeleton), inner.root
        self.readout = Readout(inner, self.skeleton) if input_layout else None
        self.epoch: int | None = None
        self.fps: float | None = None

    @property
    def frames(self) -> int:
        """Window length T."""
        return self.posenet.frames

    @property
    def target_frame(self) -> int:
        """Place in the window of the frame that is predicted."""
        return self.posenet.target_frame

    @property
    def views(self) -> int:
        """Cameras that one prediction sees."""
        return self.posenet.views

    @property
    def reads_confidence(self) -> bool:
        """Whether joints_2d has the detector's confidence as a third column."""
        return self.posenet.in_features == 3

    def lift(self, batch: PoseBatch, every_frame: bool = False) -> Float[Tensor, "batch *frames out_joints 3"]:
        """Joints of the target frame of each pose of a batch, or of every frame, in the axes of `truth`."""
        seen = batch.seen_as(self.input_skeleton).lifter_input(self.reads_confidence)
        return self.forward_window(seen) if every_frame else self(seen)

    def lift_evaluated(self, batch: PoseBatch, flip: bool = True) -> Float[Tensor, "batch out_joints 3"]:
        """As `predict`, of a batch."""
        return self.predict(batch.seen_as(self.input_skeleton).lifter_input(self.reads_confidence), flip)

    def truth(self, batch: PoseBatch) -> Float[Tensor, "batch frames out_joints 3"]:
        """What it should say of each frame: metres about the root, camera axes."""
        return batch.root_relative()

    def prepare(
        self, joints_2d: Float[Tensor, "batch frames joints features"]
    ) -> Float[Tensor, "batch frames inner_joints features"]:
        """joints_2d in the input mode; confidences as they are."""
        if joints_2d.shape[-1] != self.posenet.in_features:
            has, wants = ("a", "none") if joints_2d.shape[-1] == 3 else ("no", "one")
            shape = f"(..., {self.input_skeleton.num_joints}, {self.posenet.in_features})"
            raise ValueError(
                f"joints_2d has shape {tuple(joints_2d.shape)} with {has} confidence, the lifter reads {wants}: "
                f"expected {shape}: PoseBatch.lifter_input gives it."
            )
        joints_2d = self._inner(joints_2d)
        with exactly(joints_2d):
            seen = prepare(joints_2d[..., :2], self.input_mode, self._root)
        return torch.cat([seen, joints_2d[..., 2:]], dim=-1) if self.reads_confidence else seen

    def forward(self, joints_2d: Float[Tensor, "batch frames joints features"]) -> Float[Tensor, "batch out_joints 3"]:
        """Joints of the window's target frame (of most lifters its centre), metres, camera axes, relative to the root.

        The root itself is near 0, not at it.
        """
        joints = self._outer(self.posenet(self.prepare(joints_2d)))
        return self._turned_back(joints, joints_2d[:, self.target_frame])

    def forward_window(
        self, joints_2d: Float[Tensor, "batch frames joints features"]
    ) -> Float[Tensor, "batch frames out_joints 3"]:
        """As forward, of every frame of the window: for losses over time. Only seq2seq and st_gcn have them."""
        return self._turned_back(self._outer(self.posenet.forward_window(self.prepare(joints_2d))), joints_2d)

    def standardise(
        self,
        joints_2d: Float[Tensor, "batch frames joints features"],
        joints_3d: Float[Tensor, "batch frames out_joints 3"],
    ) -> None:
        """Give training poses to a lifter that keeps their statistics (seq2seq), as it will see them; before training.

        joints_3d: metres, camera axes, any root.
        """
        if self.readout is not None:
            joints_3d = with_hip(from_body(joints_3d, self.input_skeleton), self.input_skeleton)
        relative = joints_3d - joints_3d[:, :, self._root : self._root + 1]
        if self.input_mode == "virtual_camera":
            relative = relative @ self._rotation(joints_2d).transpose(-1, -2)
        self.posenet.standardise(self.prepare(joints_2d), relative)

    def _turned_back(self, joints: Tensor, joints_2d: Tensor) -> Tensor:
        """From the virtual camera's axes, where the network has worked in those."""
        if self.input_mode != "virtual_camera":
            return joints
        with exactly(joints):
            return joints.to(joints_2d.dtype) @ self._rotation(joints_2d)

    def _rotation(self, joints_2d: Tensor) -> Tensor:
        """Rows times this go from the virtual camera's axes to the camera's: a row times R is R^T times the column."""
        return rotation_of_virtual_camera(self._inner(joints_2d)[..., self._root, :2])

    def _inner(self, joints_2d: Tensor) -> Tensor:
        """(..., J, C) in the layout the network works on."""
        return joints_2d if self.readout is None else with_hip(joints_2d, self.input_skeleton)

    def _outer(self, joints: Tensor) -> Tensor:
        """(..., J, 3) of the network's layout in the lifter's."""
        return joints if self.readout is None else self.readout(joints)

    @torch.no_grad()
    def predict(
        self, joints_2d: Float[Tensor, "batch *views frames joints features"], flip: bool = True
    ) -> Float[Tensor, "batch out_joints 3"]:
        """Joints in evaluation mode, root at 0. flip: average with the unmirrored prediction of the mirror image."""
        return self._evaluated(self, joints_2d, flip)

    @torch.no_grad()
    def predict_clip(
        self, joints_2d: Float[Tensor, "frames joints features"], flip: bool = True, chunk: int = 0
    ) -> Float[Tensor, "frames out_joints 3"]:
        """Joints of every frame of a clip of any length, as `predict` gives them for the window around each frame.

        Windows reach over the clip's ends into copies of its first and last frame. chunk: output frames computed at
        once; 0: as many as keep the memory of a long clip under some hundred megabytes.
        """
        if not len(joints_2d):
            return joints_2d.new_zeros(0, joints_2d.shape[1], 3)
        before = self.target_frame
        after = self.frames - 1 - before
        padded = torch.cat([joints_2d[:1].expand(before, -1, -1), joints_2d, joints_2d[-1:].expand(after, -1, -1)])
        chunk = chunk or max(1, FRAMES_AT_ONCE // self.frames)
        parts = [
            self._evaluated(self._lift_clip, padded[None, start : start + chunk + self.frames - 1], flip)
            for start in range(0, len(joints_2d), chunk)
        ]
        return torch.cat(parts)

    def _lift_clip(self, clip: Tensor) -> Tensor:
        """(1, T, J, in_features) -> (T - receptive field + 1, J, 3): a frame for every window in the clip."""
        forward_sequence = getattr(self.posenet, "forward_sequence", None)
        if forward_sequence is not None and self.input_mode in PER_FRAME_MODES:
            return self._outer(forward_sequence(self.prepare(clip)))[0]
        return self(clip[0].unfold(0, self.frames, 1).movedim(-1, 1))

    def _evaluated(self, lift: Callable[[Tensor], Tensor], joints_2d: Tensor, flip: bool) -> Tensor:
        was_training = self.training
        self.eval()
        joints = lift(joints_2d)
        if flip:
            order, on_screen = (indices(layout.mirror, joints) for layout in (self.skeleton, self.input_skeleton))
            sign = constant((-1.0, 1.0, 1.0), joints_2d)[: joints_2d.shape[-1]]
            mirrored = lift(joints_2d[..., on_screen, :] * sign)
            joints = (joints + mirrored[:, order] * constant((-1.0, 1.0, 1.0), joints)) / 2
        self.train(was_training)
        root = self.skeleton.root
        return joints - joints[:, root : root + 1]

    def to_checkpoint(self, epoch: int | None = None, settings: dict[str, Any] | None = None) -> dict[str, Any]:
        """What torch.save writes. settings: plain values, for the reader of the file."""
        posenet = self.posenet
        return {
            "format": FORMAT,
            "model_pos": posenet.state_dict(),
            "posenet": dict(
                name=posenet.name, num_joints=posenet.num_joints, frames=posenet.frames, sizes=posenet.sizes
            ),
            "input_mode": self.input_mode,
            "skeleton": self.skeleton.name,
            "input_layout": None if self.readout is None else self.input_skeleton.name,
            "readout": None if self.readout is None else self.readout.state_dict(),
            "epoch": epoch,
            "fps": self.fps,
            "settings": settings or {},
        }
