"""The 15 bones of the 16-joint body, in the order of the original project's bone lengths."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from kinematics.constants import indices
from kinematics.skeleton import Skeleton

# name: parent joint, child joint
_TABLE = {
    "left_shin": ("LKnee", "LAnkle"),
    "right_shin": ("RKnee", "RAnkle"),
    "left_thigh": ("LHip", "LKnee"),
    "right_thigh": ("RHip", "RKnee"),
    "left_hip": ("Hip", "LHip"),
    "right_hip": ("Hip", "RHip"),
    "waist": ("Hip", "Spine"),
    "thorax": ("Spine", "Thorax"),
    "left_shoulder": ("Thorax", "LShoulder"),
    "right_shoulder": ("Thorax", "RShoulder"),
    "left_upper_arm": ("LShoulder", "LElbow"),
    "right_upper_arm": ("RShoulder", "RElbow"),
    "left_forearm": ("LElbow", "LWrist"),
    "right_forearm": ("RElbow", "RWrist"),
    "neck": ("Thorax", "Head"),
}

BODY_JOINTS = Skeleton("h36m_16").joints
BONES = tuple(_TABLE)
BONE_JOINTS = tuple((BODY_JOINTS.index(parent), BODY_JOINTS.index(child)) for parent, child in _TABLE.values())
MIRRORED_BONES = tuple(
    BONES.index(bone.replace(*(("left", "right") if "left_" in bone else ("right", "left")))) for bone in BONES
)
_SEGMENTS = [bone.removeprefix("left_").removeprefix("right_") for bone in BONES]
SEGMENTS = tuple(dict.fromkeys(_SEGMENTS))  # 9: a bone without its side
SEGMENT_OF_BONE = tuple(SEGMENTS.index(segment) for segment in _SEGMENTS)
# The 8 factors of DH-AUG. The original does not scale the thorax, so bodies of all sizes have the same upper spine;
# here the thorax shares the waist's factor.
_FACTORS = [{"waist": "trunk", "thorax": "trunk"}.get(segment, segment) for segment in _SEGMENTS]
FACTOR_NAMES = tuple(dict.fromkeys(_FACTORS))
_FACTOR_OF_BONE = tuple(FACTOR_NAMES.index(factor) for factor in _FACTORS)


def bone_vectors(joints: Float[Tensor, "*batch 16 3"]) -> Float[Tensor, "*batch 15 3"]:
    """Compute child minus parent joint of each bone, in the order of BONES; same frame and unit as the joints."""
    parents, children = indices(BONE_JOINTS, joints).unbind(-1)
    return joints.index_select(-2, children) - joints.index_select(-2, parents)


def bone_lengths(joints: Float[Tensor, "*batch 16 3"]) -> Float[Tensor, "*batch 15"]:
    """Compute the length of each bone of BONES, metres. The gradient of a bone of length zero is zero."""
    return torch.linalg.vector_norm(bone_vectors(joints), dim=-1)


def scale_bones(lengths: Float[Tensor, "*batch 15"], factors: Float[Tensor, "*batch 8"]) -> Float[Tensor, "*batch 15"]:
    """Scale bone lengths by the 8 shared factors (order of FACTOR_NAMES)."""
    return lengths * factors.index_select(-1, indices(_FACTOR_OF_BONE, lengths))


def with_rigid_bones(joints: Float[Tensor, "frames 16 3"], iterations: int = 4) -> Float[Tensor, "frames 16 3"]:
    """Find the joints nearest to a clip's whose bones keep one length each, the clip's mean; same frame and unit.

    Nearest: least squares over a frame's joints, |x - joints|^2 under |bones of x| = lengths, by Lagrange-Newton steps.
    Bones of a recorded body end within 0.001 mm of their length, those of a body that stretches by half within 1 mm.
    """
    parents, children = indices(BONE_JOINTS, joints).unbind(-1)
    ends = one_hot(torch.stack([children, parents]), len(BODY_JOINTS)).to(joints)
    to_bones = ends[0] - ends[1]  # (15, 16)
    lengths, nearest = bone_lengths(joints).mean(dim=0), joints
    for _ in range(iterations):
        vectors, away = bone_vectors(nearest), bone_vectors(joints - nearest)
        directions = normalize(vectors, dim=-1)
        excess = torch.linalg.vector_norm(vectors, dim=-1) - lengths + (directions * away).sum(-1)
        coupling = (to_bones @ to_bones.mT) * (directions @ directions.mT)
        coupling = coupling + torch.eye(len(BONES)).to(joints) * 1e-9  # a bone of no length has no direction
        nearest = joints - to_bones.mT @ (torch.linalg.solve(coupling, excess)[..., None] * directions)
    return nearest
