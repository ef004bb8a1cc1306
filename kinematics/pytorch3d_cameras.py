"""Convert cameras to and from PyTorch3D's PerspectiveCameras, to render poses there. PyTorch3D is optional.

PyTorch3D: +x left, +y up, row vectors, pixels with `in_ndc=False`; ours: +x right, +y down, column vectors, screen.
The camera frames differ by diag(-1, -1, 1). PyTorch3D has no lens distortion.
"""

from typing import Any

import torch

from kinematics.camera import NUM_INTRINSICS, Camera
from kinematics.rotation import matrix_to_quaternion, quaternion_to_matrix

_FLIP = (-1.0, -1.0, 1.0)


def to_pytorch3d(camera: Camera, image_width: int) -> Any:
    """Convert a batch of cameras to float32 PerspectiveCameras with the same pixels. image_width: pixels."""
    from pytorch3d.renderer import PerspectiveCameras  # pyright: ignore[reportMissingImports]

    if camera.intrinsics[..., 4:].abs().max() > 0:
        raise ValueError("PyTorch3D has no lens distortion: set intrinsics[..., 4:] to 0 before to_pytorch3d().")
    half = image_width / 2
    height = camera.aspect * image_width
    focal = camera.intrinsics[..., 0:2] * half
    centre = (camera.intrinsics[..., 2:4] + torch.stack([torch.ones_like(camera.aspect), camera.aspect], -1)) * half
    flip = camera.translation.new_tensor(_FLIP)
    # x_camera = M^T (x - t) with M = camera axes in the world; PyTorch3D: x_view = x_row R + T
    rotation = quaternion_to_matrix(camera.orientation_wxyz) * flip
    offset = -(rotation.transpose(-1, -2) @ camera.translation[..., None])[..., 0]
    size = torch.stack([height.round(), torch.full_like(height, image_width)], -1)
    return PerspectiveCameras(
        R=rotation.float(), T=offset.float(), focal_length=focal.float(), principal_point=centre.float(),
        image_size=size.float(), in_ndc=False, device=camera.translation.device,
    )  # fmt: skip


def from_pytorch3d(cameras: Any) -> Camera:
    """Convert PerspectiveCameras given in pixels (`in_ndc=False`) to a Camera."""
    if cameras.in_ndc():
        raise ValueError("from_pytorch3d() reads cameras in pixels: make PerspectiveCameras with in_ndc=False.")
    height, width = cameras.image_size[:, 0], cameras.image_size[:, 1]
    half = (width / 2)[:, None]
    aspect = height / width
    flip = cameras.T.new_tensor(_FLIP)
    intrinsics = cameras.T.new_zeros(len(aspect), NUM_INTRINSICS)
    intrinsics[:, 0:2] = cameras.focal_length / half
    intrinsics[:, 2:4] = cameras.principal_point / half - torch.stack([torch.ones_like(aspect), aspect], -1)
    axes = cameras.R * flip
    translation = -(cameras.R @ cameras.T[..., None])[..., 0]
    return Camera(matrix_to_quaternion(axes), translation, intrinsics, aspect)
