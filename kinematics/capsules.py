"""Self-intersection: a capsule around every bone, and how deep two of them overlap.

The capsules lie inside the flesh: a radius is half the breadth of the limb where it is thinnest, so that real people
can hardly make two of them overlap. Breadths of an average man of 1.75 m, rounded from the ANSUR survey of 1988: knee
100 mm, ankle 73, elbow 70, wrist 58, waist front to back 220, neck 120. The trunk has three quarters of its own, since
its joints lie behind the middle; the hip and shoulder bones are as thick as the limbs they carry.
Radii scale with stature. Bones that share a joint, or are linked by one bone, touch in many natural poses (a hanging
arm, a thigh drawn to the belly) and are not compared.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from kinematics.bones import BONE_JOINTS, BONES, SEGMENT_OF_BONE, SEGMENTS, bone_lengths
from kinematics.constants import constant, indices
from kinematics.stature import STATURE_M, STATURE_RATIOS, statures

# Metres, on a body of STATURE_M.
RADII_M = {
    "shin": 0.036, "thigh": 0.050, "hip": 0.050, "waist": 0.082, "thorax": 0.082, "shoulder": 0.035,
    "upper_arm": 0.035, "forearm": 0.029, "neck": 0.060,
}  # fmt: skip
DEPTH_M = 0.02  # overlap that counts, on a body of STATURE_M: about the accuracy of joint centres
_TINY = 1e-12  # m2
_RATIO_SUM = sum(STATURE_RATIOS[SEGMENTS[index]] for index in SEGMENT_OF_BONE)
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


# Nine of ten overlaps of synthetic poses are of these pairs: arms with the trunk and the thigh beside them, legs with
# each other. The other pairs would double the time.
_FREQUENT = (
    ("forearm", "waist"), ("forearm", "thorax"), ("forearm", "hip"), ("forearm", "neck"), ("upper_arm", "waist"),
    ("thigh", "thigh"), ("shin", "shin"), ("shin", "thigh"), ("forearm", "thigh"),
)  # fmt: skip


def _frequent(first: int, second: int) -> bool:
    names = [SEGMENTS[SEGMENT_OF_BONE[bone]] for bone in (first, second)]
    if sorted(names) == ["forearm", "thigh"]:  # of the same side
        return BONES[first].split("_")[0] == BONES[second].split("_")[0]
    return tuple(names) in _FREQUENT or tuple(names[::-1]) in _FREQUENT


FREQUENT_PAIRS = [pair for pair in PAIRS if _frequent(*pair)]


def self_intersects(
    joints: Float[Tensor, "poses 16 3"], pairs: Sequence[tuple[int, int]] = FREQUENT_PAIRS
) -> Bool[Tensor, "poses"]:
    """Whether two capsules of any pair overlap by more than DEPTH_M; many times as fast as overlap_depths of all.

    joints: metres; NaN overlaps nothing.
    """
    x, y, z = joints.permute(2, 1, 0).contiguous().unbind(0)  # (16, poses) each
    parents, children = (indices(ends, joints) for ends in zip(*BONE_JOINTS, strict=True))
    bones = [part.index_select(0, children) - part.index_select(0, parents) for part in (x, y, z)]
    squares = _dot(bones, bones)
    i, j = (indices(bones_of_pair, joints) for bones_of_pair in zip(*pairs, strict=True))
    along, across = ([part.index_select(0, pair) for part in bones] for pair in (i, j))
    between = [part.index_select(0, parents[i]) - part.index_select(0, parents[j]) for part in (x, y, z)]
    a, e = squares.index_select(0, i).clamp_min_(_TINY), squares.index_select(0, j).clamp_min_(_TINY)
    b, c, f = _dot(along, across), _dot(along, between), _dot(across, between)
    s = ((b * f - c * e) / (a * e - b * b).clamp_min_(_TINY)).clamp_(0, 1)
    t = ((b * s + f) / e).clamp_(0, 1)
    s = ((b * t - c) / a).clamp_(0, 1)
    apart = [d.addcmul(s, u).addcmul_(t, v, value=-1) for d, u, v in zip(between, along, across, strict=True)]
    size = squares.sqrt().sum(0) / (STATURE_M * _RATIO_SUM)
    least = constant([_RADII[first] + _RADII[second] - DEPTH_M for first, second in pairs], joints)[:, None] * size
    return (_dot(apart, apart) < least * least).any(dim=0)


def _dot(first: list[Tensor], second: list[Tensor]) -> Tensor:
    """Sum of products over lists of x, y, z."""
    total = first[0] * second[0]
    for one, other in zip(first[1:], second[1:], strict=True):
        total.addcmul_(one, other)
    return total
