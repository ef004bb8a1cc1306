"""Sanity checks of one set of poses: joint limits, bones, views of its cameras."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from data import PoseBatch
from evaluation.drawing.charts import view_numbers
from kinematics import BONES, JOINT_ANGLES, in_front, in_image, joint_limits
from kinematics.limits import FIT_TOLERANCE_RAD
from kinematics.stature import STATURE_RATIOS, stature_ratios, statures

FAR_DEG = 15.0  # beyond the limits of average adults, where the supple still are
NEAR_M = 0.5  # nearer to the camera's plane than this counts as behind it
_PAIRS = [(BONES.index(bone), BONES.index("right" + bone[4:])) for bone in BONES if bone.startswith("left")]
_LEVELS = (0.05, 0.5, 0.95)


def limit_violations(angles: Float[Tensor, "poses 28"]) -> dict[str, Any]:
    """Percent of poses with a fitted angle (rad) over one degree outside the anatomical limits, also angle by angle."""
    limits = joint_limits("anatomical")
    excess = limits.excess(angles)
    rates = limits.violation_rate(angles, FIT_TOLERANCE_RAD)
    return {
        "any_angle_percent": _percent((excess > FIT_TOLERANCE_RAD).any(dim=1)),
        f"any_angle_by_{FAR_DEG:g}_deg_percent": _percent((excess.rad2deg() > FAR_DEG).any(dim=1)),
        "per_angle_percent": {name: 100 * float(rate) for name, rate in zip(JOINT_ANGLES, rates, strict=True)},
    }


def bone_sanity(lengths: Float[Tensor, "poses 15"]) -> dict[str, Any]:
    """Stature, left-right difference, and each segment's share of the stature with its variation. lengths: metres."""
    left, right = (lengths[:, list(side)].double() for side in zip(*_PAIRS, strict=True))
    unequal = 100 * (left - right).abs() / ((left + right) / 2).clamp_min(1e-6)
    height, ratios = statures(lengths.double()), stature_ratios(lengths.double())
    segments = {
        name: {
            "usual_ratio": usual, "ratio": float(ratio.mean()),
            "variation_percent": 100 * float(ratio.std() / ratio.mean().clamp_min(1e-6)),
        }
        for (name, usual), ratio in zip(STATURE_RATIOS.items(), ratios.unbind(dim=1), strict=True)
    }  # fmt: skip
    return {
        "stature_m": {"mean": float(height.mean()), "sd": float(height.std())},
        "left_right_difference_percent": {"mean": float(unequal.mean()), "largest": float(unequal.amax())},
        "segments": segments,
    }


def view_statistics(views: PoseBatch) -> dict[str, Any]:
    """Summarise how cameras see the poses: 5, 50 and 95 % quantiles, shares in percent; cameras may be unknown."""
    screen = views.joints_2d[:, 0]
    aspect = 1.0 if views.camera is None else views.camera.aspect
    statistics: dict[str, Any] = {
        "box_half_widths": _levels(box_sizes(views)),
        "joints_in_image_percent": _percent(in_image(screen, aspect)),
    }
    if views.camera is None:
        return statistics
    numbers = {name: torch.as_tensor(values) for name, values in view_numbers(views).items()}
    azimuth = numbers["azimuth_deg"].abs()
    return statistics | {
        "poses_behind_camera_percent": _percent(~in_front(views.joints_3d, NEAR_M).all(dim=2)),
        "from_the_front_percent": _percent(azimuth < 45),
        "from_behind_percent": _percent(azimuth > 135),
        "elevation_deg": _levels(numbers["elevation_deg"]),
        "distance_m": _levels(numbers["distance"]),
        "focal_half_widths": _levels(numbers["focal"]),
    }


def box_sizes(views: PoseBatch) -> Float[Tensor, "poses"]:
    """Longer side of the box around the joints on the screen, half image widths."""
    screen = views.joints_2d[:, views.frames // 2]
    return (screen.amax(dim=1) - screen.amin(dim=1)).amax(dim=1)


def _percent(which: Tensor) -> float:
    return 100 * float(which.double().mean())


def _levels(values: Tensor) -> list[float]:
    return torch.quantile(values.double(), torch.tensor(_LEVELS, dtype=torch.float64)).tolist()
