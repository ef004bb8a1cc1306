"""Files that hold frames without gaps: one for each piece of a clip."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool

from evaluation.predict.lifted import LiftedClip


def piece_files(clip: LiftedClip, suffix: str) -> Iterator[tuple[str, Bool[np.ndarray, "frames"]]]:
    """Yield the name and the frames of each file: pose.bvh, or pose_1.bvh, pose_2.bvh, ... where the clip was cut."""
    count = int(clip.pieces[-1]) + 1
    for piece in range(count):
        yield f"pose{f'_{piece + 1}' if count > 1 else ''}.{suffix}", clip.pieces == piece
