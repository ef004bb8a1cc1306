"""What formats without gaps ask of a clip: a file for each piece, and the time of each frame."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float

from evaluation.predict.lifted import LiftedClip


def piece_files(clip: LiftedClip, suffix: str) -> Iterator[tuple[str, Bool[np.ndarray, "frames"]]]:
    """Yield the name and the frames of each file: pose.bvh, or pose_1.bvh, pose_2.bvh, ... where the clip was cut."""
    count = int(clip.pieces[-1]) + 1
    for piece in range(count):
        yield f"pose{f'_{piece + 1}' if count > 1 else ''}.{suffix}", clip.pieces == piece


def times(clip: LiftedClip) -> Float[np.ndarray, "frames"]:
    """Compute the time of each frame in seconds, frame number 0 of the keypoint file being at 0.

    Where the file has every n-th frame of a video, numbers are n apart and the clip's rate is that of what is left.
    """
    step = int(np.gcd.reduce(np.diff(clip.frames))) or 1
    return clip.frames / (step * clip.fps)
