"""Input modes: how 2D joints are normalized before a lifter's network reads them.

screen: screen coordinates, unchanged.
root: minus each frame's hip, so that the position in the image does not matter.
root_placed: as root, with the hip's screen position in its slot, which would be 0: a body off the optical axis is seen
    from a direction other than the camera's.
root_scaled: as root, divided by the root mean square distance of the joints from the hip (over the window), so that
    focal length and distance do not matter either.
virtual_camera: as seen by a camera rotated to look straight at each frame's hip, scaled to one size, with the hip's
    screen position in its slot; the prediction is rotated back. Position and size in the image then need not be learnt
    (after perspective crop layers, Yu et al., CVPR 2021). A typical focal length is assumed, so that no intrinsics are
    needed: with another one the rotation is slightly off, which the network can correct on average from the hip's
    position.

Where a pose's intrinsics are known, a lifter of known focal lengths sees it in any mode by the standard camera, of the
assumed focal length: then the rays are the true ones. A further feature tells the network which of both it sees.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from kinematics.camera import Camera
from kinematics.rotation import rotation_onto_axis

VIEW_MODES = ("screen", "rays")  # of multi-view lifters; rays: see posenets.views
INPUT_MODES = ("screen", "root", "root_placed", "root_scaled", "virtual_camera")
PER_FRAME_MODES = ("screen", "root", "root_placed")  # independent of the other frames of the window
ASSUMED_FOCAL = 2.0  # half image widths; Human3.6M 2.29, MPI-INF-3DHP's test set 1.47 and 1.75
TYPICAL_SIZE = 0.25  # screen units, root mean square: scaled poses and the hip's position have similar magnitudes
FOCAL_FLAG = 0.25  # as large as coordinates: a 1 would drown them at first
SMALLEST_SIZE = 1e-6  # screen units; a pose whose joints all coincide stays at the origin
SMALLEST_DEPTH = 0.1  # clamps rays more than 84 degrees off the axis


def by_standard_camera(
    joints_2d: Float[Tensor, "*batch frames joints features"], camera: Camera | None, known: Bool[Tensor, "batch"]
) -> Float[Tensor, "*batch frames joints features_and_flag"]:
    """Convert screen joints of known cameras to those of the standard camera: its focal length, no offset or lens.

    Appends a feature: FOCAL_FLAG where the camera is known, 0 where the joints are as they were.
    """
    flag = known.view(-1, *[1] * (joints_2d.ndim - 1))
    if camera is not None:
        standard = ASSUMED_FOCAL * camera.rays(joints_2d[..., :2])
        joints_2d = torch.cat([torch.where(flag, standard, joints_2d[..., :2]), joints_2d[..., 2:]], dim=-1)
    return torch.cat([joints_2d, FOCAL_FLAG * flag.to(joints_2d.dtype).expand_as(joints_2d[..., :1])], dim=-1)


def prepare(
    joints_2d: Float[Tensor, "*batch frames joints 2"], input_mode: str, root: int
) -> tuple[Float[Tensor, "*batch frames joints 2"], Float[Tensor, "batch frames 3 3"] | None]:
    """Normalize screen joints for an input mode; also return the rotation to its virtual camera. root: hip's index."""
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
    """Compute the rotation from camera axes to those of a camera in its place, looking at the hip. hip_2d: screen."""
    return rotation_onto_axis(_rays(hip_2d))


def _rays(joints_2d: Tensor) -> Tensor:
    """Compute ray directions (x, y, 1) of screen points."""
    return torch.cat([joints_2d / ASSUMED_FOCAL, torch.ones_like(joints_2d[..., :1])], dim=-1)


def _scaled(centred: Tensor) -> Tensor:
    """Divide by the root mean square distance from the hip over the window."""
    size = centred.square().sum(-1).mean((1, 2)).clamp_min(SMALLEST_SIZE**2).sqrt()  # (B,)
    return centred / size[:, None, None, None]
