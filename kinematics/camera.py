"""Cameras: world <-> camera <-> screen.

World: z up, metres. Camera (OpenCV): +x right, +y down, +z forward. Screen: x in [-1, 1], aspect kept
(`x/w*2 - 1, y/w*2 - h/w`), so focal lengths and principal points are in half image widths.
An orientation is the unit quaternion (w, x, y, z) that turns camera axes into world axes, a translation the camera
centre in the world: `x_camera = R^-1 (x_world - t)`, as Human3.6M's metadata and VideoPose3D have it.

Leading dimensions align from the left: cameras (B, 4) serve points (B, T, J, 3). With as many dimensions as the
points, a camera broadcasts as usual.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from kinematics.batch_last import cat, index_select, is_batch_last, stack
from kinematics.constants import constant
from kinematics.precision import full_precision
from kinematics.rotation import quaternion_to_rows, stack_rows

UNDISTORTIONS = 12  # Human3.6M's lenses converge to 1e-9 in eight
NUM_INTRINSICS = 9  # focal x y, centre x y, radial k1 k2 k3, tangential p1 p2
PARAMETERS = {"orientation_wxyz": (4,), "translation": (3,), "intrinsics": (NUM_INTRINSICS,), "aspect": ()}  # of Camera


def _align(parameters: Tensor, points: Tensor) -> Tensor:
    """Insert singleton dimensions, so that camera parameters broadcast over all points of their camera."""
    missing = max(points.ndim - parameters.ndim, 0)
    shape = parameters.shape[:-1] + (1,) * missing + parameters.shape[-1:]
    return parameters.reshape(shape)


@full_precision
def _rotate(orientation_wxyz: Tensor, points: Tensor) -> Tensor:
    """Rotate points by unit quaternions: by matrix product where a pose's joints share a camera, else elementwise."""
    if points.ndim > 1 and orientation_wxyz.ndim == points.ndim and orientation_wxyz.shape[-2] == 1:
        rows = quaternion_to_rows(orientation_wxyz[..., 0, :])
        if rows[0][0].numel() == 1:  # one camera for all: one product instead of one per pose
            return (points.reshape(-1, 3) @ stack_rows(rows).reshape(3, 3).mT).reshape(points.shape)
        if not is_batch_last(points):
            return points @ stack_rows(rows).mT
    x, y, z = points.unbind(-1)
    rows = quaternion_to_rows(orientation_wxyz)
    return stack([(a * x).addcmul_(b, y).addcmul_(c, z) for a, b, c in rows], -1, points)


def _inverse(orientation_wxyz: Tensor) -> Tensor:
    return torch.cat([orientation_wxyz[..., :1], -orientation_wxyz[..., 1:]], dim=-1)


@full_precision
def world_to_camera(
    points: Float[Tensor, "*points 3"],
    orientation_wxyz: Float[Tensor, "*cameras 4"],
    translation: Float[Tensor, "*cameras2 3"],
) -> Float[Tensor, "*out 3"]:
    """Transform points, metres, from the world frame to the camera frame."""
    orientation_wxyz, translation = _align(orientation_wxyz, points), _align(translation, points)
    if _all_see_the_same(orientation_wxyz, translation, points):
        rotation = stack_rows(quaternion_to_rows(_inverse(orientation_wxyz.reshape(-1, 4))))  # (V, 3, 3)
        origin = rotation @ translation.reshape(-1, 3, 1)  # (V, 3, 1)
        seen = (rotation.reshape(-1, 3) @ points.reshape(-1, 3).mT).unflatten(0, rotation.shape[:2]).sub_(origin)
        return seen.mT.reshape(len(rotation), *points.shape[1:])
    offset = points - translation
    return _rotate(_inverse(_align(orientation_wxyz, offset)), offset)


def _all_see_the_same(orientation_wxyz: Tensor, translation: Tensor, points: Tensor) -> bool:
    """Whether V > 1 cameras (V, 1.., 4) and (V, 1.., 3) see the same points (1, ..., 3): one matrix product does."""
    views = orientation_wxyz.shape[0]
    aligned = orientation_wxyz.ndim == translation.ndim == points.ndim > 1 and points.shape[0] == 1 < views
    return aligned and orientation_wxyz.numel() == 4 * views and translation.numel() == 3 * views


def camera_to_world(
    points: Float[Tensor, "*points 3"],
    orientation_wxyz: Float[Tensor, "*cameras 4"],
    translation: Float[Tensor, "*cameras2 3"],
) -> Float[Tensor, "*out 3"]:
    """Transform points, metres, from the camera frame to the world frame."""
    return _rotate(_align(orientation_wxyz, points), points) + _align(translation, points)


def project_pinhole(
    points_camera: Float[Tensor, "*points 3"], intrinsics: Float[Tensor, "*cameras 9"]
) -> Float[Tensor, "*out 2"]:
    """Project to the screen without lens distortion. Meaningless for points behind the camera: see in_front."""
    intrinsics = _align(intrinsics, points_camera)
    x, y, z = points_camera.unbind(-1)
    focal_x, focal_y, centre_x, centre_y = intrinsics[..., :4].unbind(-1)
    return stack([(focal_x * (x / z)).add_(centre_x), (focal_y * (y / z)).add_(centre_y)], -1, points_camera)


def project_to_2d(
    points_camera: Float[Tensor, "*points 3"], intrinsics: Float[Tensor, "*cameras 9"]
) -> Float[Tensor, "*out 2"]:
    """Project to the screen with Human3.6M's radial (k1 k2 k3) and tangential (p1 p2) distortion, rays not clamped."""
    if intrinsics.device.type == "cpu" and not intrinsics.requires_grad and not intrinsics[..., 4:].any():
        return project_pinhole(points_camera, intrinsics)  # no distortion: a third of the time
    intrinsics = _align(intrinsics, points_camera)
    x, y, z = points_camera.unbind(-1)
    x, y = x / z, y / z
    focal_x, focal_y, centre_x, centre_y, k1, k2, k3, p1, p2 = intrinsics.unbind(-1)
    r2 = torch.addcmul(x * x, y, y)
    radial = torch.addcmul(k1, r2, (r2 * k3).add_(k2))
    bent = (p1 * x).addcmul_(y, p2).addcmul_(r2, radial).add_(1)  # in place, for the cache
    u, v = (p1 * r2).addcmul_(x, bent), (p2 * r2).addcmul_(y, bent)
    return stack([(focal_x * u).add_(centre_x), (focal_y * v).add_(centre_y)], -1, points_camera)


def screen_to_rays(
    screen: Float[Tensor, "*points 2"], intrinsics: Float[Tensor, "*cameras 9"]
) -> Float[Tensor, "*out 2"]:
    """Invert project_to_2d to x/z, y/z by fixed-point iteration, which converges for distortions of under a third."""
    intrinsics = _align(intrinsics, screen)
    bent_rays = (screen - intrinsics[..., 2:4]) / intrinsics[..., 0:2]
    if intrinsics.device.type == "cpu" and not intrinsics.requires_grad and not intrinsics[..., 4:].any():
        return bent_rays
    k1, k2, k3, p1, p2 = intrinsics[..., 4:].unbind(-1)
    u, v = bent_rays.unbind(-1)
    x, y = u, v
    for _ in range(UNDISTORTIONS):
        r2 = x * x + y * y
        bent = 1 + r2 * (k1 + r2 * (k2 + r2 * k3)) + (p1 * x + p2 * y)
        x, y = (u - p1 * r2) / bent, (v - p2 * r2) / bent
    return torch.stack([x, y], dim=-1)


def pixels_to_screen(pixels: Float[Tensor, "*points 2"], width: float | int, height: float | int) -> Tensor:
    """Convert pixels (x right, y down, origin at the top left corner) to screen coordinates."""
    return pixels / width * 2 - pixels.new_tensor([1.0, height / width])


def screen_to_pixels(screen: Float[Tensor, "*points 2"], width: float | int, height: float | int) -> Tensor:
    """Convert screen coordinates to pixels; the inverse of pixels_to_screen."""
    return (screen + screen.new_tensor([1.0, height / width])) * width / 2


def intrinsics_in_pixels(
    intrinsics: Float[Tensor, "*cameras 9"], width: float | int, height: float | int
) -> Float[Tensor, "*cameras 9"]:
    """Convert intrinsics from screen units to pixels of an image of the given size."""
    focal, centre, lens = intrinsics.split([2, 2, NUM_INTRINSICS - 4], dim=-1)
    return torch.cat([focal * width / 2, screen_to_pixels(centre, width, height), lens], dim=-1)


def in_front(points_camera: Float[Tensor, "*points 3"], near: float | int = 0.5) -> Bool[Tensor, "*points"]:
    """Whether points lie at least `near` metres in front of the camera."""
    return points_camera[..., 2] >= near


def in_image(
    screen: Float[Tensor, "*points 2"], aspect: float | int | Float[Tensor, "*cameras"] = 1.0
) -> Bool[Tensor, "*points"]:
    """Whether screen points lie inside the image. aspect: height / width, a number or one per camera."""
    limit = torch.as_tensor(aspect, dtype=screen.dtype, device=screen.device)
    limit = limit.reshape(limit.shape + (1,) * (screen.ndim - 1 - limit.ndim))
    return (screen[..., 0].abs() <= 1) & (screen[..., 1].abs() <= limit)


def look_at(
    position: Float[Tensor, "*batch 3"],
    target: Float[Tensor, "*batch 3"],
    roll: Float[Tensor, "*batch"] | float | int = 0.0,
) -> Float[Tensor, "*batch 4"]:
    """Orient an upright camera towards `target` (wxyz, camera to world). roll: rad, clockwise as the camera sees it."""
    x, y, z = (target - position).unbind(-1)
    vertical = torch.hypot(x, y) < 1e-6 * z.abs()
    x, y = x.masked_fill(vertical, 0.0), y.masked_fill(vertical, 1.0)
    level = torch.hypot(x, y).masked_fill(vertical, 0.0)
    roll = torch.as_tensor(roll, dtype=x.dtype, device=x.device)
    # Half angles of Rz(azimuth) Rx(pitch - pi / 2) Rz(roll); minus pi / 2 because an unrotated camera looks up.
    azimuth, pitch = torch.atan2(-x, y) / 2, torch.atan2(z, level) / 2 - math.pi / 4
    plus, minus, cos, sin = azimuth + roll / 2, azimuth - roll / 2, pitch.cos(), pitch.sin()
    quaternion = stack([cos * plus.cos(), sin * minus.cos(), sin * minus.sin(), cos * plus.sin()], -1, position)
    sign = (quaternion.amax(-1, keepdim=True) + quaternion.amin(-1, keepdim=True)).detach()
    return quaternion * torch.copysign(torch.ones_like(sign), sign)


@dataclass
class Camera:
    """Intrinsics and pose of one camera or of a batch of cameras (same leading dimensions everywhere).

    orientation_wxyz (..., 4), translation (..., 3) m, intrinsics (..., 9) screen units, aspect (...) height / width.
    """

    orientation_wxyz: Tensor
    translation: Tensor
    intrinsics: Tensor
    aspect: Tensor

    def __post_init__(self) -> None:
        lead = self.orientation_wxyz.shape[:-1]
        for name, size in PARAMETERS.items():
            if (shape := tuple(getattr(self, name).shape)) != (*lead, *size):
                raise ValueError(f"Camera.{name} has shape {shape}, expected {(*lead, *size)}.")

    def __len__(self) -> int:
        return self.orientation_wxyz.shape[0]

    def __getitem__(self, index: Tensor | slice | int) -> "Camera":
        return self.each(lambda values: values[index])

    def index_select(self, indices: Tensor) -> "Camera":
        """Select cameras by indices (int64, none negative), faster than `camera[indices]`."""
        return self.each(lambda values: index_select(values, indices))

    def to(self, *args: torch.device | torch.dtype | str) -> "Camera":
        """Move to a device or convert to a float type."""
        return Camera(*(getattr(self, name).to(*args) for name in PARAMETERS))

    def each(self, change: Callable[[Tensor], Tensor]) -> "Camera":
        """Apply a function, such as kinematics.batch_last.to_batch_last, to every parameter."""
        return Camera(*(change(getattr(self, name)) for name in PARAMETERS))

    def mirrored(self) -> "Camera":
        """Mirror the camera at the world's x = 0: its image of the mirrored world is its image with x negated."""
        turn = self.orientation_wxyz * constant((1.0, 1.0, -1.0, -1.0), self.orientation_wxyz)
        place = self.translation * constant((-1.0, 1.0, 1.0), self.translation)
        lens = self.intrinsics * constant((1.0, 1, -1, 1, 1, 1, 1, -1, 1), self.intrinsics)
        return Camera(turn, place, lens, self.aspect)

    def reshape(self, *lead: int) -> "Camera":
        return Camera(*(getattr(self, name).reshape(*lead, *size) for name, size in PARAMETERS.items()))

    @staticmethod
    def cat(cameras: "Sequence[Camera]") -> "Camera":
        return Camera(*(cat([getattr(camera, name) for camera in cameras]) for name in PARAMETERS))

    @staticmethod
    def stack(cameras: "Sequence[Camera]") -> "Camera":
        return Camera(*(torch.stack([getattr(camera, name) for camera in cameras]) for name in PARAMETERS))

    def world_to_camera(self, points: Tensor) -> Tensor:
        return world_to_camera(points, self.orientation_wxyz, self.translation)

    def camera_to_world(self, points: Tensor) -> Tensor:
        return camera_to_world(points, self.orientation_wxyz, self.translation)

    def rays(self, screen: Tensor) -> Tensor:
        """Unproject screen points (..., 2) to directions x/z, y/z (..., 2) without distortion."""
        return screen_to_rays(screen, self.intrinsics)

    def project(self, points_camera: Tensor) -> Tensor:
        """Project points of the camera frame (..., 3) to the screen (..., 2), with lens distortion if there is any."""
        return project_to_2d(points_camera, self.intrinsics)
