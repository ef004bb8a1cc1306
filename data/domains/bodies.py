"""What the readers of this folder share: another body's joints in a lifter's layout, detections, OpenCV's cameras."""

import numpy as np
import torch
from jaxtyping import Bool, Float

from data.keypoints.mapping import to_layout
from data.multiview.skeletool import pinhole
from kinematics.camera import Camera, pixels_to_screen
from kinematics.skeleton import Skeleton

# Human3.6M's formula for a lens that stands askew, which the cameras here follow, is not OpenCV's: this much of
# OpenCV's coefficient leaves 14 % of its effect, some hundredths of a pixel (least squares over a round image).
TANGENTIAL = 1.4


def in_layout(
    joints: Float[np.ndarray, "frames joints 3"], source: Skeleton, target: Skeleton
) -> Float[np.ndarray, "frames wanted 3"]:
    """3D joints in a lifter's layout. Those that the body has not are made up as those of detections are (to_layout):
    for the lifter to read, projected, and never to be scored.
    """
    return to_layout(joints, np.ones(joints.shape[:2]), source, target)[0]


def detections(
    pixels: Float[np.ndarray, "frames joints 2"], scores: Float[np.ndarray, "frames joints"] | None,
    source: Skeleton, target: Skeleton, size: tuple[int, int],
) -> tuple[Float[np.ndarray, "frames wanted 2"], Float[np.ndarray, "frames wanted"] | None]:  # fmt: skip
    """A detector's joints, screen, and their confidence (None without scores), float32. size: width, height.

    A score of 0 is a joint that was not found: NaN. Scores above 1 count as 1.
    """
    known = np.ones(pixels.shape[:2]) if scores is None else np.nan_to_num(scores).clip(0, 1)
    seen = np.where((known > 0)[..., None], pixels, np.nan)
    joints, confidence, _ = to_layout(seen.astype(np.float64), known.astype(np.float64), source, target)
    screen = pixels_to_screen(torch.from_numpy(joints), *size).float().numpy()
    return screen, None if scores is None else confidence.astype(np.float32)


def fill(array: np.ndarray, known: Bool[np.ndarray, "frames"]) -> np.ndarray:
    """The same with each frame that is not known as the nearest one that is (fillers, for windows to see)."""
    good = np.flatnonzero(known)
    after = np.searchsorted(good, np.arange(len(known))).clip(1, max(len(good) - 1, 1))
    before, after = good[after - 1], good[np.minimum(after, len(good) - 1)]
    frames = np.arange(len(known))
    return array[np.where(frames - before <= after - frames, before, after)]


def opencv_camera(
    matrix: Float[np.ndarray, "*cameras 3 3"], rotation: Float[np.ndarray, "*cameras 3 3"],
    translation: Float[np.ndarray, "*cameras 3"], size: tuple[int, int], turn: Float[np.ndarray, "3 3"],
    distortion: Float[np.ndarray, "*cameras 5"] | None = None,
) -> Camera:  # fmt: skip
    """Cameras as OpenCV has them, float64: x_camera = rotation @ x + translation, metres.

    matrix: pixels; size: width, height; distortion: k1 k2 p1 p2 k3; turn: of the world, to have z up.
    """
    axes = turn @ rotation.swapaxes(-1, -2)
    camera = pinhole(matrix, axes, -(axes @ translation[..., None])[..., 0], *size)
    if distortion is not None:
        lens = distortion[..., [0, 1, 4, 3, 2]] * [1, 1, 1, TANGENTIAL, TANGENTIAL]
        camera.intrinsics[..., 4:] = torch.from_numpy(np.ascontiguousarray(lens))
    return camera
