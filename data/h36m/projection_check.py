"""Whether a detector's 2D is of the 3D beside it: order of joints, camera, scale, axes."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from data.h36m.keypoints import FROM_MPII
from data.recordings import View
from kinematics.skeleton import Skeleton

MOST_FRAMES = 200  # looked at, evenly spread
# Median distance from the projection, in sizes of the person. Detectors of Human3.6M are at 0.01 to 0.03.
GOOD, DOUBTFUL, STRANGERS = 0.08, 0.15, 0.5


def check_projection(
    detected: Sequence[Float[np.ndarray, "frames joints 2"]], views: Sequence[View], layout: str, name: str
) -> str | None:
    """Refuse 2D that is another camera's, in another order, scale or axes; a sentence on 2D that is far off otherwise.

    detected: screen units, a camera each; views: of the 3D, with its projections; name: of the recording, for messages.
    """
    for camera, seen in enumerate(detected):
        frames = slice(None, None, len(seen) // MOST_FRAMES + 1)
        points = seen[frames]
        projected = [view.joints_2d[: len(seen)][frames] for view in views]
        apart = _apart(points, projected[camera])
        if not apart > DOUBTFUL:
            continue
        reasons = _reasons(points, projected, camera, Skeleton(layout))
        reason = min(reasons, key=lambda reason: reasons[reason])
        advice = "Use the 2D of this 3D, with the joints, cameras and pixels that docs/data_h36m.md says."
        where = f"{name}, camera {camera}: the 2D is {apart:.2f} sizes of the person from the projected 3D"
        if reasons[reason] < min(GOOD, apart / 2):
            raise ValueError(f"{where}, and {reasons[reason]:.2f} if {reason}. {advice}")
        if apart > STRANGERS:
            return f"{where}, expected a detector's {GOOD:g} or less: is it of another recording?"
    return None


def _apart(points: np.ndarray, projected: np.ndarray) -> float:
    """Median distance over the person's size; NaN where nothing was found."""
    known = ~np.isnan(points).any(axis=-1)
    if not known.any():
        return float("nan")
    size = np.median(np.ptp(projected, axis=1).max(axis=-1))
    return float(np.median(np.linalg.norm(points - projected, axis=-1)[known]) / size)


def _reasons(points: np.ndarray, projected: Sequence[np.ndarray], camera: int, layout: Skeleton) -> dict[str, float]:
    """What may be the matter -> how far the 2D is from the projection then."""
    own_view = projected[camera]
    scale = float(np.nanmedian(np.abs(points)) / np.median(np.abs(own_view)))
    reasons = {
        "left and right are exchanged": _apart(points[:, layout.mirror], own_view),
        "y points up": _apart(points * [1, -1], own_view),
        "x and y are exchanged": _apart(points[..., ::-1], own_view),
    }
    if scale > 0:
        reasons[f"it is divided by {scale:.3g}"] = _apart(points / scale, own_view)
    if layout.num_joints == len(FROM_MPII):
        reasons["its joints are in MPII's order"] = _apart(points[:, FROM_MPII], own_view)
    for other, view in enumerate(projected):
        if other != camera:
            reasons[f"it is camera {other}'s"] = _apart(points, view)
    return {reason: apart for reason, apart in reasons.items() if not np.isnan(apart)}
