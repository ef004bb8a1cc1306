"""Pieces of one person's keypoints -> 3D, in camera axes and on the floor."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from data.keypoints.pieces import Piece
from data.plausible import LEAST_PREDICTED_M, check_bodies
from kinematics.camera import camera_to_world, look_at, pixels_to_screen
from kinematics.errors import PoseFKError
from kinematics.foot_contact import lowest_heights, remove_foot_skate
from kinematics.skeleton import Skeleton
from posenets import ScreenLifter


@dataclass(frozen=True)
class LiftedClip:
    """A lifted clip; the first axis of all arrays is frames.

    joints_3d: (T, J, 3) metres, camera axes, the root at 0. joints_world: (T, J, 3) metres, z up, the lowest joint on
    the floor, standing feet at rest; upright as far as the camera's pitch is what was said. joints_2d: (T, K, 2) pixels
    and scores (T, K): what the lifter read, in `input_skeleton`. frames: (T,) numbers in the file; pieces: (T,) 0, 1,
    ... counts the pieces between which frames are missing.
    """

    joints_3d: Float[np.ndarray, "frames joints 3"]
    joints_world: Float[np.ndarray, "frames joints 3"]
    joints_2d: Float[np.ndarray, "frames keypoints 2"]
    scores: Float[np.ndarray, "frames keypoints"]
    frames: Int[np.ndarray, "frames"]
    pieces: Int[np.ndarray, "frames"]
    fps: float
    image_size: tuple[int, int]
    skeleton: Skeleton
    input_skeleton: Skeleton

    def __len__(self) -> int:
        return len(self.frames)


def lift_pieces(
    lifter: ScreenLifter, pieces: list[Piece], size: tuple[int, int], fps: float, flip: bool = True,
    pitch_deg: float = 0.0,
) -> LiftedClip:  # fmt: skip
    """Lift every frame of every piece from the window around it. pitch_deg: how far down the camera looks."""
    device = next(lifter.parameters()).device
    lifted = []
    for piece in pieces:
        screen = pixels_to_screen(torch.from_numpy(piece.joints), *size)
        if lifter.reads_confidence:
            screen = torch.cat([screen, torch.from_numpy(piece.scores)[..., None]], dim=-1)
        lifted.append(lifter.predict_clip(screen.float().to(device), flip).cpu())
    world = [upright_on_the_floor(joints, pitch_deg) for joints in lifted]
    return LiftedClip(
        torch.cat(lifted).numpy(), torch.cat(world).numpy(),
        np.concatenate([piece.joints for piece in pieces]), np.concatenate([piece.scores for piece in pieces]),
        np.concatenate([piece.frames for piece in pieces]),
        np.repeat(np.arange(len(pieces)), [len(piece.frames) for piece in pieces]),
        fps, size, lifter.skeleton, lifter.input_skeleton,
    )  # fmt: skip


def check_lifted(clip: LiftedClip, name: str) -> None:
    """Refuse joints that are not finite or not plausible before any file is written. name: of the checkpoint."""
    advice = "Its weights are finite: look at the keypoints of that frame, or use another checkpoint."
    called = [f"what it predicts for frame {number}" for number in clip.frames].__getitem__
    for joints in (clip.joints_3d, clip.joints_world - clip.joints_world[:, :1]):
        check_bodies(joints, name, origin="the root", advice=advice, called=called, least=LEAST_PREDICTED_M)
    for what in ("joints_world", "joints_2d", "scores"):
        if not np.isfinite(getattr(clip, what)).all():
            raise PoseFKError(f"{name}: {what} is not finite in every frame, so nothing is written.")


def upright_on_the_floor(joints_camera: Float[Tensor, "frames joints 3"], pitch_deg: float = 0.0) -> Tensor:
    """Place a clip in the world, (T, J, 3) m, z up, camera along +y, lowest joint on the floor: a guess for display."""
    pitch = math.radians(pitch_deg)
    origin = joints_camera.new_zeros(3)
    orientation_wxyz = look_at(origin, joints_camera.new_tensor([0.0, math.cos(pitch), -math.sin(pitch)]))
    joints = remove_foot_skate(camera_to_world(joints_camera, orientation_wxyz, origin)[None])[0]
    return joints - joints.new_tensor([0.0, 0.0, 1.0]) * lowest_heights(joints)[:, None, None]
