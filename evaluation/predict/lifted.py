"""Pieces of one person's keypoints -> 3D, in camera axes and on the floor."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

from data.keypoints.pieces import Piece
from data.plausible import LEAST_PREDICTED_M, check_bodies
from evaluation.predict.refine.clips import refine_pieces, standard_camera
from evaluation.predict.refine.fit import Window
from kinematics.camera import Camera, camera_to_world, look_at, pixels_to_screen
from kinematics.errors import PoseFKError
from kinematics.foot_contact import lowest_heights, remove_foot_skate
from kinematics.root_place import root_from_rays, smoothed
from kinematics.skeleton import Skeleton
from posenets import ScreenLifter
from posenets.inputs.modes import by_standard_camera

DEPTH_SMOOTHING_S = 0.4  # standard deviation, seconds
PATH_SMOOTHING_S = 0.25  # the same, of what the camera adds to the path on feet that stand still
NEAREST_M, FARTHEST_ROOT_M = 0.3, 100.0


@dataclass(frozen=True)
class LiftedClip:
    """A lifted clip; the first axis of all arrays is frames.

    joints_3d: (T, J, 3) metres, camera axes, the root at 0. joints_world: (T, J, 3) metres, z up, the lowest joint on
    the floor, standing feet at rest; upright as far as the camera's pitch is what was said. joints_2d: (T, K, 2) pixels
    and scores (T, K): what the lifter read, in `input_skeleton`. frames: (T,) numbers in the file; pieces: (T,) 0, 1,
    ... counts the pieces between which frames are missing. root_camera: (T, 3) metres, camera axes, where the root
    stands; None without a camera. joints_world then has its origin on the floor below the camera. joints_sd: (T, J, 3)
    metres, standard deviation of joints_3d (posenets.uncertainty); None where the lifter has none. camera_pitch_deg:
    how far down the camera looks in joints_world.
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
    root_camera: Float[np.ndarray, "frames 3"] | None = None
    joints_sd: Float[np.ndarray, "frames joints 3"] | None = None
    camera_pitch_deg: float = 0.0

    def __len__(self) -> int:
        return len(self.frames)


def lift_pieces(
    lifter: ScreenLifter, pieces: list[Piece], size: tuple[int, int], fps: float, flip: bool = True,
    pitch_deg: float = 0.0, camera: Camera | None = None, refine: bool = False,
) -> LiftedClip:  # fmt: skip
    """Lift every frame of every piece from the window around it, at the rate that the lifter has learnt from.

    pitch_deg: how far down the camera looks.

    camera: of the images, as far as its intrinsics go; None: not known. refine: fit one body to all pieces.
    """
    device = next(lifter.parameters()).device
    lifted, sds = [], []
    for piece in pieces:
        screen = pixels_to_screen(torch.from_numpy(piece.joints), *size)
        if lifter.reads_confidence:
            screen = torch.cat([screen, torch.from_numpy(piece.scores)[..., None]], dim=-1)
        if lifter.reads_focal:
            known = torch.tensor([camera is not None])
            screen = by_standard_camera(screen[None], None if camera is None else camera.reshape(1), known)[0]
        joints, sd = lift_at_rate(lifter, screen.float().to(device), fps, flip)
        lifted.append(joints.cpu())
        sds.append(None if sd is None else sd.cpu())
    lifted, roots = placed_pieces(lifter, lifted, pieces, camera, size, fps, refine)
    world = [upright_on_the_floor(joints, pitch_deg, root, fps) for joints, root in zip(lifted, roots, strict=True)]
    return LiftedClip(
        torch.cat(lifted).numpy(), torch.cat(world).numpy(),
        np.concatenate([piece.joints for piece in pieces]), np.concatenate([piece.scores for piece in pieces]),
        np.concatenate([piece.frames for piece in pieces]),
        np.repeat(np.arange(len(pieces)), [len(piece.frames) for piece in pieces]),
        fps, size, lifter.skeleton, lifter.input_skeleton,
        None if camera is None else torch.cat([root for root in roots if root is not None]).numpy(),
        None if lifter.uncertainty is None else torch.cat([sd for sd in sds if sd is not None]).numpy(), pitch_deg,
    )  # fmt: skip


def placed_pieces(
    lifter: ScreenLifter, lifted: list[Tensor], pieces: list[Piece], camera: Camera | None, size: tuple[int, int],
    fps: float, refine: bool,
) -> tuple[list[Tensor], list[Tensor | None]]:  # fmt: skip
    """Find the roots of the pieces before a known camera, and refine joints and roots if asked to."""
    parts = list(zip(lifted, pieces, strict=True))
    if refine and any(len(piece.frames) > 1 for piece in pieces):  # single images have no motion to learn from
        seen_by = standard_camera() if camera is None else camera
        refined = refine_pieces([window_of_piece(*part, lifter, seen_by, size, fps) for part in parts])
        return [joints for joints, _ in refined], [None if camera is None else root for _, root in refined]
    if camera is None:
        return lifted, [None] * len(pieces)
    return lifted, [root_of_piece(joints, lifter, piece, camera, size, fps) for joints, piece in parts]


def rate_step(lifter: ScreenLifter, fps: float) -> int:
    """Return the step between the frames of a window in which a video's rate is nearest to the lifter's."""
    return max(1, round(fps / lifter.fps)) if lifter.frames > 1 and lifter.fps else 1


def lift_at_rate(
    lifter: ScreenLifter, screen: Float[Tensor, "frames joints features"], fps: float, flip: bool
) -> tuple[Float[Tensor, "frames out_joints 3"], Tensor | None]:
    """Lift a clip with its standard deviations in windows of every n-th frame, n = rate_step."""
    step = rate_step(lifter, fps)
    parts = [lifter.predict_clip_with_sd(screen[first::step], flip) for first in range(min(step, len(screen)))]
    joints = screen.new_empty(len(screen), lifter.skeleton.num_joints, 3)
    sd = torch.empty_like(joints)
    for first, (lifted, its_sd) in enumerate(parts):
        joints[first::step] = lifted
        if its_sd is not None:
            sd[first::step] = its_sd
    return joints, None if parts[0][1] is None else sd


def root_of_piece(
    joints: Float[Tensor, "frames joints 3"], lifter: ScreenLifter, piece: Piece, camera: Camera,
    size: tuple[int, int], fps: float, seconds: float = DEPTH_SMOOTHING_S,
) -> Float[Tensor, "frames 3"]:  # fmt: skip
    """Compute where the root stands, metres, camera axes, from what was lifted and the joints it shares with the 2D."""
    in_3d, rays, weights = seen_by_camera(lifter, piece, camera, size)
    return root_from_rays(joints[:, in_3d], rays, weights, seconds * fps)


def seen_by_camera(
    lifter: ScreenLifter, piece: Piece, camera: Camera, size: tuple[int, int]
) -> tuple[list[int], Float[Tensor, "frames seen 2"], Float[Tensor, "frames seen"]]:
    """Find the joints of the lifter's 3D that are in its 2D: their indices, rays and scores."""
    shared = [name for name in lifter.input_skeleton.joints if name in lifter.skeleton.joints]
    in_3d, in_2d = (
        [skeleton.joints.index(name) for name in shared] for skeleton in (lifter.skeleton, lifter.input_skeleton)
    )
    rays = camera.rays(pixels_to_screen(torch.from_numpy(piece.joints[:, in_2d]), *size))
    return in_3d, rays, torch.from_numpy(piece.scores[:, in_2d])


def window_of_piece(
    joints: Float[Tensor, "frames joints 3"], piece: Piece, lifter: ScreenLifter, camera: Camera,
    size: tuple[int, int], fps: float,
) -> Window:  # fmt: skip
    """Gather what refining reads: what was lifted, its root before the camera, and the 2D."""
    root = root_of_piece(joints, lifter, piece, camera, size, fps)
    in_3d, *seen = seen_by_camera(lifter, piece, camera, size)
    lifted, rays, weights, root = (values.to(torch.float64, copy=True) for values in (joints, *seen, root))
    return Window(lifted, rays, weights, root, torch.arange(len(joints)), in_3d, lifter.skeleton, fps)


def check_lifted(clip: LiftedClip, name: str) -> None:
    """Refuse joints that are not finite or not plausible before any file is written. name: of the checkpoint."""
    advice = "Its weights are finite: look at the keypoints of that frame, or use another checkpoint."
    called = [f"what it predicts for frame {number}" for number in clip.frames].__getitem__
    for joints in (clip.joints_3d, clip.joints_world - clip.joints_world[:, :1]):
        check_bodies(joints, name, origin="the root", advice=advice, called=called, least=LEAST_PREDICTED_M)
    if clip.root_camera is not None:
        depth = float(np.median(clip.root_camera[:, 2]))
        if not NEAREST_M <= depth <= FARTHEST_ROOT_M:
            raise PoseFKError(
                f"With this camera the lifted body stands {depth:.3g} m away (median), expected {NEAREST_M:g} to "
                f"{FARTHEST_ROOT_M:g} m: give the video's own focal length, or leave the camera out."
            )
    for what in ("joints_world", "joints_2d", "scores", *(["joints_sd"] if clip.joints_sd is not None else [])):
        if not np.isfinite(getattr(clip, what)).all():
            raise PoseFKError(f"{name}: {what} is not finite in every frame, so nothing is written.")


def level_orientation(pitch_deg: float) -> Float[Tensor, "4"]:
    """Return the orientation, wxyz, of a camera along +y that looks down by a pitch."""
    pitch = math.radians(pitch_deg)
    return look_at(torch.zeros(3), torch.tensor([0.0, math.cos(pitch), -math.sin(pitch)]))


def upright_on_the_floor(
    joints_camera: Float[Tensor, "frames joints 3"], pitch_deg: float = 0.0,
    root_camera: Float[Tensor, "frames 3"] | None = None, fps: float = 1.0,
) -> Tensor:  # fmt: skip
    """Place a clip in the world, (T, J, 3) m, z up, camera along +y, lowest joint on the floor: a guess for display.

    Feet in contact stand still. root_camera: where the root stands, which the path then follows over PATH_SMOOTHING_S.
    """
    origin = joints_camera.new_zeros(3)
    orientation_wxyz = level_orientation(pitch_deg).to(joints_camera)
    joints = remove_foot_skate(camera_to_world(joints_camera, orientation_wxyz, origin)[None])[0]
    if root_camera is not None:
        path = camera_to_world(root_camera, orientation_wxyz, origin) - joints[:, 0]
        joints = joints + pad(smoothed(path[:, :2], PATH_SMOOTHING_S * fps), (0, 1))[:, None]
    return joints - joints.new_tensor([0.0, 0.0, 1.0]) * lowest_heights(joints)[:, None, None]
