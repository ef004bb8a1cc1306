"""Input layouts that differ from the predicted joints: COCO keypoints, as detectors output them.

Interpolated hip, spine, thorax and head are not where a lifter learnt them (VideoPose3D's issue 139: 78.5 mm). Here the
network reads the 17 keypoints and the middle of the hips, and a learnt linear map turns its 18 points into 16 joints.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kinematics.skeleton import Skeleton

_NETWORK_LAYOUTS = {"coco_17": "coco_hip_18"}
INPUT_LAYOUTS = tuple(_NETWORK_LAYOUTS)
_OUTPUT = "h36m_16"
# Joints that COCO lacks, and the joints whose mean initializes them; the spine lies between hip and thorax.
_THORAX = ("RShoulder", "LShoulder")
_MIDDLE = {"Thorax": _THORAX, "Spine": ("Hip", "Hip", *_THORAX), "Head": ("REar", "LEar")}


def network_layout(skeleton: str, input_layout: str | None) -> Skeleton:
    """Return the layout of the points a lifter's network works on."""
    if not input_layout:
        return Skeleton(skeleton)
    if input_layout not in INPUT_LAYOUTS or skeleton != _OUTPUT:
        raise ValueError(
            f"input_layout {input_layout} with the joints {skeleton}: choose from {', '.join(INPUT_LAYOUTS)}, with "
            f"{_OUTPUT}."
        )
    return Skeleton(_NETWORK_LAYOUTS[input_layout])


def prepend_mid_hip(
    joints: Float[Tensor, "*batch joints C"], layout: Skeleton
) -> Float[Tensor, "*batch joints_and_hip C"]:
    """Prepend the middle of the hips (C: coordinates, and a confidence) to the joints of a layout."""
    right, left = (joints[..., layout.joints.index(name), :] for name in ("RHip", "LHip"))
    return torch.cat([((right + left) / 2)[..., None, :], joints], dim=-2)


class JointRegressor(nn.Module):
    """Learnt linear map from the network's points to the joints, the same for each coordinate."""

    def __init__(self, inner: Skeleton, outer: Skeleton) -> None:
        super().__init__()
        start = torch.zeros(outer.num_joints, inner.num_joints)
        for row, joint in enumerate(outer.joints):
            names = (joint,) if joint in inner.joints else _MIDDLE[joint]
            for name in names:
                start[row, inner.joints.index(name)] += 1 / len(names)
        self.weight = nn.Parameter(start)

    def forward(self, points: Float[Tensor, "*batch points 3"]) -> Float[Tensor, "*batch joints 3"]:
        """Map points to joints, metres."""
        return self.weight @ points
