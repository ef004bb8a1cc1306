"""What a joint is: the points of the body that data sets call Hip, Spine, Thorax or Head, and shifts between them.

A definition differs from another by where its points sit on the body's segments: hips and Hip in the pelvis; spine,
thorax, head and shoulders in the chest. So it is 14 numbers (PARAMETERS), constant for a person, of which 0 leaves
everything as it is. Knees, ankles, elbows and wrists are the same points everywhere.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics.batch_last import stack
from kinematics.joints import J
from kinematics.limb_frames import body_frame, trunk_frames

# Shifts in metres on a body of BODY_SIZE_M, forward to where pelvis or chest face; *_width, *_length: part by which the
# distance between both hips, both shoulders, or thorax and head grows. Hip moves with the middle of the hips, and by
# hip_up and hip_forward besides.
PARAMETERS = (
    "hips_width", "hips_up", "hips_forward", "hip_up", "hip_forward", "spine_up", "spine_forward", "thorax_up",
    "thorax_forward", "head_length", "head_forward", "shoulders_width", "shoulders_up", "shoulders_forward",
)  # fmt: skip
BODY_SIZE_M = 1.34  # mid-shoulders to mid-hips, and on along a leg: mean of CMU and Human3.6M
# CMU -> Human3.6M: differences of their mean positions, 144 clips of CMU and Human3.6M's published means
# (docs/conventions.md has the table). CMU's Hip is the pelvis' root, 11 cm over its hips, and becomes their middle.
CMU_TO_H36M = {
    "hips_width": 0.545, "hips_up": 0.065, "spine_up": -0.020, "spine_forward": -0.015, "thorax_up": 0.022,
    "head_forward": 0.017,
}  # fmt: skip
_CMU_PELVIS_LEAN = math.radians(23.2)  # of CMU's line from hips to Hip, backwards from the trunk, mean of all frames
# Human3.6M's points are 0: (least, most) where all between are as likely, else (mean, sd) in _NORMAL.
_RANGES = {
    "hips_width": (-0.45, 0.15), "hips_up": (-0.08, 0.03), "hip_up": (-0.03, 0.12), "spine_up": (-0.08, 0.08),
    "thorax_up": (-0.06, 0.06), "head_length": (-0.20, 0.25), "shoulders_width": (-0.25, 0.30),
}  # fmt: skip
_NORMAL = {
    "hips_forward": (0.0, 0.02), "hip_forward": (-0.01, 0.025), "spine_forward": (0.0, 0.02),
    "thorax_forward": (0.0, 0.02), "head_forward": (0.0, 0.03), "shoulders_up": (0.0, 0.02),
    "shoulders_forward": (0.0, 0.02),
}  # fmt: skip


def sample_definitions(
    count: int, share: float, width: float, generator: torch.Generator, like: Tensor
) -> Float[Tensor, "count 14"]:
    """Draw joint definitions about Human3.6M's, batch last; a part of 1 - share keeps the data's own (zeros).

    width: 1 spans what data sets and detectors call by the same name; less draws all of it together.
    """
    device, dtype = generator.device, like.dtype
    uniform = torch.rand(len(PARAMETERS), count, generator=generator, device=device, dtype=dtype)
    normal = torch.randn(len(PARAMETERS), count, generator=generator, device=device, dtype=dtype)
    drawn = torch.stack([_spread(name, uniform[row], normal[row]) for row, name in enumerate(PARAMETERS)])
    given = torch.rand(count, generator=generator, device=device) < share
    return (drawn * (width * given)).to(like.device).t()


def _spread(name: str, uniform: Tensor, normal: Tensor) -> Tensor:
    if name in _RANGES:
        least, most = _RANGES[name]
        return least + (most - least) * uniform
    mean, sd = _NORMAL[name]
    return mean + sd * normal


def redefine(
    joints: Float[Tensor, "*batch 16 3"], parameters: Float[Tensor, "*#batch 14"], pelvis: Tensor | None = None
) -> Float[Tensor, "*batch 16 3"]:
    """Move the joints of a body to where another definition has them. parameters: PARAMETERS, times the body's size.

    joints: metres, any right-handed frame. pelvis: (..., 3, 3) its axes right, forward, up; default: as the joints
    have it, up from Hip to Spine. Layout in memory is kept.
    """
    frames = trunk_frames(joints)
    pelvis = frames[0] if pelvis is None else pelvis
    (pelvis_right, pelvis_forward, pelvis_up), (right, forward, up) = (f.unbind(-1) for f in (pelvis, frames[1]))
    value = {name: part[..., None] for name, part in zip(PARAMETERS, parameters.unbind(-1), strict=True)}
    parts = list(joints.unbind(-2))
    lift = value["hips_up"] * pelvis_up + value["hips_forward"] * pelvis_forward
    _spread_pair(parts, J.R_HIP, J.L_HIP, value["hips_width"], lift)
    parts[J.HIP] = parts[J.HIP] + lift + value["hip_up"] * pelvis_up + value["hip_forward"] * pelvis_forward
    lift = value["shoulders_up"] * up + value["shoulders_forward"] * forward
    _spread_pair(parts, J.R_SHOULDER, J.L_SHOULDER, value["shoulders_width"], lift)
    neck = parts[J.HEAD] - parts[J.THORAX]
    parts[J.HEAD] = parts[J.HEAD] + value["head_length"] * neck + value["head_forward"] * forward
    parts[J.SPINE] = parts[J.SPINE] + value["spine_up"] * up + value["spine_forward"] * forward
    parts[J.THORAX] = parts[J.THORAX] + value["thorax_up"] * up + value["thorax_forward"] * forward
    return stack(parts, -2, joints)


def _spread_pair(parts: list[Tensor], right: int, left: int, width: Tensor, lift: Tensor) -> None:
    """Move a pair of joints apart by a part of their distance, and both by a vector."""
    half = (0.5 * width) * (parts[right] - parts[left])
    parts[right], parts[left] = parts[right] + lift + half, parts[left] + lift - half


def cmu_to_h36m(joints: Float[Tensor, "frames 16 3"]) -> Float[Tensor, "frames 16 3"]:
    """Put the joints of one CMU clip, metres, where Human3.6M has them on such a body."""
    at = joints.unbind(-2)
    hips = (at[J.R_HIP] + at[J.L_HIP]) / 2
    root = body_frame(at[J.R_HIP] - at[J.L_HIP], at[J.HIP] - hips)  # rigid in CMU, and leaning back
    _, forward, up = root.unbind(-1)
    trunk = math.cos(_CMU_PELVIS_LEAN) * up + math.sin(_CMU_PELVIS_LEAN) * forward
    values = joints.new_tensor([CMU_TO_H36M.get(name, 0.0) for name in PARAMETERS])
    is_length = [not name.endswith(("_width", "_length")) for name in PARAMETERS]
    grown = torch.where(
        torch.tensor(is_length, device=joints.device), values * (body_size(joints) / BODY_SIZE_M), values
    )
    moved = redefine(joints, grown, body_frame(at[J.R_HIP] - at[J.L_HIP], trunk))
    return middle_of(moved, J.HIP, J.R_HIP, J.L_HIP)


def as_coco(joints: Float[Tensor, "*batch 16 3"]) -> Float[Tensor, "*batch 16 3"]:
    """Make Hip, Thorax and Spine as they are made up for COCO keypoints: middles of hips, shoulders, and of both."""
    moved = middle_of(joints, J.HIP, J.R_HIP, J.L_HIP)
    moved = middle_of(moved, J.THORAX, J.R_SHOULDER, J.L_SHOULDER)
    return middle_of(moved, J.SPINE, J.HIP, J.THORAX)


def middle_of(joints: Tensor, joint: int, first: int, second: int) -> Tensor:
    """Put one joint in the middle of two others."""
    parts = list(joints.unbind(-2))
    parts[joint] = (parts[first] + parts[second]) / 2
    return stack(parts, -2, joints)


def body_size(joints: Float[Tensor, "frames 16 3"]) -> Float[Tensor, ""]:
    """Measure a body from the middle of the shoulders to that of the hips and along a leg, metres, mean of a clip."""
    at = joints.unbind(-2)
    trunk = (at[J.R_SHOULDER] + at[J.L_SHOULDER] - at[J.R_HIP] - at[J.L_HIP]).norm(dim=-1) / 2
    bones = ((J.R_HIP, J.R_KNEE), (J.R_KNEE, J.R_ANKLE), (J.L_HIP, J.L_KNEE), (J.L_KNEE, J.L_ANKLE))
    legs = sum((at[upper] - at[lower]).norm(dim=-1) for upper, lower in bones)
    return (trunk + legs / 2).mean()
