"""Estimated face and neck points, which the 16-joint body lacks, from its thorax, head and shoulders.

The 16-joint body ends in one head point. Face and neck points of other layouts are placed as in an average adult whose
head faces the same way as the chest, so they follow the neck's bending but not its rotation. Numbers are fractions of
the body's distance from thorax to head, so that heads scale with bodies.

Sources. NeckNose: Human3.6M's universal skeleton has 121.1 mm from thorax to neck/nose and 115.0 mm on to the head;
with 189 mm from thorax to head (kinematics.stature: average of its subjects) the triangle puts it 0.52 of the way up
and 0.37 to the front. Face: an average adult (bitragion breadth 145 mm, pupils 64 mm apart, eyes 75 mm and nose tip
115 mm in front of the ears, eyes 20 mm above and nose tip 25 mm below them, top of the head 130 mm above them; rounded
from the ANSUR survey of 1988), around Human3.6M's head point, which lies between the ears.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics.batch_last import stack
from kinematics.skeleton import Skeleton

_BODY = Skeleton("h36m_16")
_THORAX_TO_HEAD_M = 0.189
# name -> metres of an average adult from the head point: to its left, to its front, up along the neck
_FACE = {
    "Nose": (0.0, 0.115, -0.025),
    "LEye": (0.032, 0.075, 0.020),
    "REye": (-0.032, 0.075, 0.020),
    "LEar": (0.0725, 0.0, 0.0),
    "REar": (-0.0725, 0.0, 0.0),
    "HeadTop": (0.0, 0.0, 0.130),
    "NeckNose": (0.0, 0.0708, 0.0983 - _THORAX_TO_HEAD_M),
}


def made_up(layout: Skeleton | str) -> tuple[str, ...]:
    """List the joints of a layout that `from_body` has to estimate."""
    target = Skeleton(layout) if isinstance(layout, str) else layout
    missing = [joint for joint in target.joints if joint not in _BODY.joints]
    strangers = [joint for joint in missing if joint not in _FACE]
    if strangers:
        raise ValueError(
            f"Skeleton('{target.name}') has {', '.join(strangers)}, which the 16-joint body lacks: choose h36m_16, "
            "h36m_17, mpi_inf_3dhp_17, lsp_14 or coco_17."
        )
    return tuple(missing)


def from_body(joints: Float[Tensor, "*batch 16 3"], layout: Skeleton | str) -> Float[Tensor, "*batch joints 3"]:
    """Convert joints of the body (h36m_16), metres in any right-handed frame, to another layout."""
    target = Skeleton(layout) if isinstance(layout, str) else layout
    if target == _BODY:
        return joints
    missing = made_up(target)
    if not missing:
        return _BODY.convert(joints, target)
    head = _head_points(joints, missing)
    parts = [
        head[missing.index(joint)] if joint in missing else joints[..., _BODY.joints.index(joint), :]
        for joint in target.joints
    ]
    return stack(parts, -2, joints)


def _head_points(joints: Tensor, names: Sequence[str]) -> list[Tensor]:
    """Estimate each named point of the head, (..., 3)."""
    at = {joint: joints[..., index, :] for index, joint in enumerate(_BODY.joints)}
    neck = at["Head"] - at["Thorax"]
    length = _length(neck)
    up = neck / length
    left = at["LShoulder"] - at["RShoulder"]
    left = left - _dot(left, up) * up
    left = left / _length(left)
    front = torch.linalg.cross(left, up)
    size = length / _THORAX_TO_HEAD_M
    offsets = (_FACE[name] for name in names)
    return [at["Head"] + size * (left * to_left + front * forward + up * high) for to_left, forward, high in offsets]


def _dot(first: Tensor, second: Tensor) -> Tensor:
    """Compute dot products (..., 1); written out, since sums over three strided numbers are slow."""
    x, y, z = (first * second).unbind(-1)
    return (x + y + z)[..., None]


def _length(vectors: Tensor) -> Tensor:
    """Compute lengths (..., 1), never 0."""
    return _dot(vectors, vectors).clamp_min(torch.finfo(vectors.dtype).tiny).sqrt()
