"""Give the motion of a real clip to another pose: all of it moves as one real person did (docs/motion.md)."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from kinematics import BONES, constants
from kinematics.limb_frames import LARGEST_BEND, LOWER, UPPER, LimbPose, bends_of, move_limbs

_SINGLE = [bone for bone in range(len(BONES)) if bone not in (*UPPER, *LOWER)]  # bones of no limb
_THORAX = BONES.index("thorax")


def middle_frame(clip: LimbPose) -> LimbPose:
    """Return the middle frame of clips (B, T, ...) as clips of one frame."""
    middle = clip.hip.shape[1] // 2
    return LimbPose(*(part[:, middle : middle + 1] for part in clip))


def retarget(pose: LimbPose, clip: LimbPose) -> LimbPose:
    """Clips whose middle frame is `pose` and in which every part turns, from there, as it does in `clip`.

    pose: parts of shape (B, 1, ...); clip: (B, T, ...). The pelvis turns about its own axes, chest and bones about
    those of what they hang from, bones by the least turn from frame to frame; hinges bend by as many radians,
    or by fewer where they would pass their ends. The hip is the clip's. A pose of one frame stays as it is.
    """
    frames = clip.hip.shape[1]
    if frames == 1:
        return pose
    start = middle_frame(clip)
    chest_turn = clip.chest @ start.chest.mT
    turns = _turns(clip.bones)
    turns[..., _THORAX, :, :] = chest_turn
    bones = pose.bones.expand(-1, frames, -1, -1).clone()
    single = constants.indices(_SINGLE, bones)
    bones[..., single, :] = (turns[..., single, :, :] @ bones[..., single, :, None])[..., 0]
    bends = _possible(bends_of(pose.bones), bends_of(clip.bones) - bends_of(start.bones))
    move_limbs(bones, turns[..., constants.indices(UPPER, turns), :, :], bends)
    return LimbPose(pose.pelvis @ start.pelvis.mT @ clip.pelvis, chest_turn @ pose.chest, bones, clip.hip)


def _turns(bones: Tensor) -> Tensor:
    """(B, T, 15, 3, 3): what turns each bone (B, T, 15, 3) of the middle frame into that of every frame."""
    along = normalize(bones, dim=-1)
    steps = _least_turn(along[:, :-1], along[:, 1:])
    middle = bones.shape[1] // 2
    turns = [torch.eye(3, dtype=bones.dtype, device=bones.device).expand(*bones[:, 0].shape, 3)]
    for frame in range(middle, bones.shape[1] - 1):
        turns.append(steps[:, frame] @ turns[-1])
    for frame in reversed(range(middle)):
        turns.insert(0, steps[:, frame].mT @ turns[0])
    return torch.stack(turns, dim=1)


def _least_turn(first: Tensor, second: Tensor) -> Tensor:
    """(..., 3, 3) rotations of unit vectors (..., 3) into others, about the normal of both (Rodrigues' formula)."""
    axis = torch.linalg.cross(first, second, dim=-1)
    zero = torch.zeros_like(axis[..., 0])
    x, y, z = axis.unbind(-1)
    rows = [zero, -z, y, z, zero, -x, -y, x, zero]
    cross = torch.stack(rows, dim=-1).unflatten(-1, (3, 3))
    share = 1 / (1 + (first * second).sum(-1)).clamp_min(1e-3)  # no least turn leads to the opposite direction
    return torch.eye(3, dtype=axis.dtype, device=axis.device) + cross + share[..., None, None] * (cross @ cross)


def _possible(start: Tensor, changes: Tensor) -> Tensor:
    """Shrink changes (B, T, 4) of bends (B, 1, 4) as wholes where a hinge would pass its ends and stop at once."""
    up = (LARGEST_BEND - start).clamp_min(0) / changes.amax(dim=1, keepdim=True).clamp_min(1e-6)
    down = start / -changes.amin(dim=1, keepdim=True).clamp_max(-1e-6)
    return torch.minimum(up, down).clamp_max(1) * changes
