"""What a lifter's network sees of the 2D joints.

screen: the joints as they are.
root: minus the hip of each frame, so that where in the image a person stands does not matter.
root_placed: as root, with the hip's own place in its slot, which would be 0: a body off the optical axis is seen from
    another side than the camera looks.
root_scaled: as root, also divided by the root mean square distance of the joints from the hip (over the window), so
    that focal length and distance do not matter either.
virtual_camera: as if the camera looked straight at the hip (each frame's own), scaled to one size, with the hip's own
    place in its slot; the network's answer is turned back. Where a person stands and how large they appear then need
    not be learnt. (The idea of perspective crop layers, Yu et al., CVPR 2021.) A focal length is assumed, the middle
    of what cameras have, so that no intrinsics are needed: with another one the turn is a little off, and the hip's
    place tells the network by how much on average.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics.rotation import rotation_onto_axis

VIEW_MODES = ("screen", "rays")  # of several cameras; rays: see posenets.views
INPUT_MODES = ("screen", "root", "root_placed", "root_scaled", "virtual_camera")
PER_FRAME_MODES = ("screen", "root", "root_placed")  # what a frame becomes does not depend on the window around it
ASSUMED_FOCAL = 2.0  # half image widths; Human3.6M 2.29, MPI-INF-3DHP's test set 1.47 and 1.75
TYPICAL_SIZE = 0.25  # screen units, root mean square: keeps a scaled pose and the hip's place alike in magnitude
SMALLEST_SIZE = 1e-6  # screen units; a pose all of whose joints coincide stays at the origin
SMALLEST_DEPTH = 0.1  # a ray turned further than 84 degrees off the axis is held there


def prepare(
    joints_2d: Float[Tensor, "*batch frames joints 2"], input_mode: str, root: int
) -> tuple[Float[Tensor, "*batch frames joints 2"], Float[Tensor, "batch frames 3 3"] | None]:
    """Prepare screen joints for an input mode, and the rotation to its virtual camera, if any. root: hip's index."""
    if input_mode == "screen":
        return joints_2d, None
    hip, rotation = joints_2d[:, :, root : root + 1], None
    if input_mode == "virtual_camera":
        rotation = rotation_of_virtual_camera(hip[:, :, 0])
        turned = _rays(joints_2d) @ rotation.transpose(-1, -2)
        centred = ASSUMED_FOCAL * turned[..., :2] / turned[..., 2:].clamp_min(SMALLEST_DEPTH)
        centred = TYPICAL_SIZE * _scaled(centred)
    else:
        centred = joints_2d - hip
    if input_mode == "root_scaled":
        return _scaled(centred), None
    if input_mode == "root":
        return centred, None
    is_root = torch.arange(joints_2d.shape[2], device=joints_2d.device)[:, None] == root  # (J, 1)
    return torch.where(is_root, joints_2d, centred), rotation


def rotation_of_virtual_camera(hip_2d: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3 3"]:
    """Rotation from camera axes to those of a camera at the same place that looks at the hip. hip_2d: screen."""
    return rotation_onto_axis(_rays(hip_2d))


def _rays(joints_2d: Tensor) -> Tensor:
    """Directions (x, y, 1) of screen points."""
    return torch.cat([joints_2d / ASSUMED_FOCAL, torch.ones_like(joints_2d[..., :1])], dim=-1)


def _scaled(centred: Tensor) -> Tensor:
    """Divided by the root mean square distance from the hip over the window."""
    size = centred.square().sum(-1).mean((1, 2)).clamp_min(SMALLEST_SIZE**2).sqrt()  # (B,)
    return centred / size[:, None, None, None]
