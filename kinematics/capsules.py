"""Self-intersection: a capsule around every bone, and how deep two of them overlap.

The capsules lie inside the flesh: a radius is half the breadth of the limb where it is thinnest, so that real people
can hardly make two of them overlap. Breadths of an average man of 1.75 m, rounded from the ANSUR survey of 1988: knee
100 mm, ankle 73, elbow 70, wrist 58, waist front to back 220, neck 120. The trunk has three quarters of its own, since
its joints lie behind the middle; the hip and shoulder bones are as thick as the limbs they carry.
Radii scale with stature. Bones that share a joint, or are linked by one bone, touch in many natural poses (a hanging
arm, a thigh drawn to the belly) and are not compared.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics.bones import BONE_JOINTS, BONES, SEGMENT_OF_BONE, SEGMENTS, bone_lengths
from kinematics.stature import STATURE_M, statures

# Metres, on a body of STATURE_M.
RADII_M = {
    "shin": 0.036, "thigh": 0.050, "hip": 0.050, "waist": 0.082, "thorax": 0.082, "shoulder": 0.035,
    "upper_arm": 0.035, "forearm": 0.029, "neck": 0.060,
}  # fmt: skip
DEPTH_M = 0.02  # overlap that counts, on a body of STATURE_M: about the accuracy of joint centres
_RADII = [RADII_M[SEGMENTS[index]] for index in SEGMENT_OF_BONE]


def _far_pairs() -> list[tuple[int, int]]:
    """List the pairs of bones with at least two bones between them."""
    linked = {frozenset(bone) for bone in BONE_JOINTS}
    return [
        (i, j)
        for j, second in enumerate(BONE_JOINTS)
        for i, first in enumerate(BONE_JOINTS[:j])
        if not any(a == b or frozenset((a, b)) in linked for a in first for b in second)
    ]


PAIRS = _far_pairs()


def segment_distances(
    first: tuple[Float[Tensor, "*batch 3"], Float[Tensor, "*batch 3"]],
    second: tuple[Float[Tensor, "*batch 3"], Float[Tensor, "*batch 3"]],
) -> Float[Tensor, "*batch"]:
    """Compute the distance of segments given by their ends (Ericson, Real-Time Collision Detection, 2005, 5.1.9)."""
    along, across, between = first[1] - first[0], second[1] - second[0], first[0] - second[0]
    tiny = torch.finfo(along.dtype).tiny
    a, e, b = ((x * y).sum(-1) for x, y in ((along, along), (across, across), (along, across)))
    c, f = (along * between).sum(-1), (across * between).sum(-1)
    determinant = (a * e - b * b).clamp_min(0)
    crossing = determinant > torch.finfo(along.dtype).eps * a * e  # parallel lines have no single nearest point
    s = torch.where(crossing, (b * f - c * e) / determinant.clamp_min(tiny), torch.zeros_like(a)).clamp(0, 1)
    t = ((b * s + f) / e.clamp_min(tiny)).clamp(0, 1)
    s = ((b * t - c) / a.clamp_min(tiny)).clamp(0, 1)
    return (between + s[..., None] * along - t[..., None] * across).norm(dim=-1)


def overlap_depths(joints: Float[Tensor, "poses 16 3"]) -> Float[Tensor, "poses pairs"]:
    """Compute how deep the capsules of each of PAIRS overlap, metres on a body of STATURE_M; negative: apart."""
    parents, children = torch.tensor(BONE_JOINTS, device=joints.device).unbind(-1)
    starts, ends = joints[:, parents], joints[:, children]
    i, j = torch.tensor(PAIRS, device=joints.device).unbind(-1)
    distances = segment_distances((starts[:, i], ends[:, i]), (starts[:, j], ends[:, j]))
    radii = joints.new_tensor(_RADII)
    return radii[i] + radii[j] - distances * (STATURE_M / statures(bone_lengths(joints)))[:, None]


def overlaps(joints: Float[Tensor, "poses 16 3"], worst: int = 5) -> tuple[float, dict[str, float]]:
    """Compute the percentage of poses with an overlap deeper than DEPTH_M, and of the most frequent pairs."""
    deep = overlap_depths(joints) > DEPTH_M
    rates = 100 * deep.double().mean(dim=0)
    order = [int(k) for k in rates.argsort(descending=True)[:worst] if rates[k] > 0]
    named = {" and ".join(BONES[bone].replace("_", " ") for bone in PAIRS[k]): float(rates[k]) for k in order}
    return 100 * float(deep.any(dim=1).double().mean()), named
