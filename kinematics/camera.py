"""Cameras: world <-> camera <-> screen.

World: z up, metres. Camera (OpenCV): +x right, +y down, +z forward. Screen: x in [-1, 1], aspect kept
(`x/w*2 - 1, y/w*2 - h/w`), so focal lengths and principal points are in half image widths.
An orientation is the unit quaternion (w, x, y, z) that turns camera axes into world axes, a translation the camera
centre in the world: `x_camera = R^-1 (x_world - t)`, as Human3.6M's metadata and VideoPose3D have it.

Leading dimensions align from the left: cameras (B, 4) serve points (B, T, J, 3). With as many dimensions as the
points, a camera broadcasts as usual.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor

UNDISTORTIONS = 12  # Human3.6M's lenses: to 1e-9 after eight
NUM_INTRINSICS = 9  # focal x y, centre x y, radial k1 k2 k3, tangential p1 p2


def _align(parameters: Tensor, points: Tensor) -> Tensor:
    """Give camera parameters the singleton dimensions that broadcast them over all points of their camera."""
    missing = max(points.ndim - parameters.ndim, 0)
    shape = parameters.shape[:-1] + (1,) * missing + parameters.shape[-1:]
    return parameters.reshape(shape)


def _rotate(orientation_wxyz: Tensor, points: Tensor) -> Tensor:
    """Rotate points by unit quaternions (of as many dimensions): v + 2w (u x v) + 2 u x (u x v).

    Where all joints share a camera this is a product with its matrix, four times as fast as two cross products.
    """
    if points.ndim > 1 and orientation_wxyz.ndim == points.ndim and orientation_wxyz.shape[-2] == 1:
        matrix = _matrix(orientation_wxyz[..., 0, :])
        if matrix.numel() == 9:  # one camera for all: one product instead of one per pose
            return (points.reshape(-1, 3) @ matrix.reshape(3, 3).mT).reshape(points.shape)
        return points @ matrix.mT
    w, u = orientation_wxyz[..., :1], orientation_wxyz[..., 1:]
    u, points = torch.broadcast_tensors(u, points)
    cross = torch.linalg.cross(u, points, dim=-1)
    return points + 2 * (w * cross + torch.linalg.cross(u, cross, dim=-1))


def _matrix(orientation_wxyz: Tensor) -> Tensor:
    """(..., 4) -> (..., 3, 3): the map of _rotate, also of quaternions that are rounded off their unit length."""
    w, x, y, z = orientation_wxyz.unbind(-1)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def _inverse(orientation_wxyz: Tensor) -> Tensor:
    return torch.cat([orientation_wxyz[..., :1], -orientation_wxyz[..., 1:]], dim=-1)


def world_to_camera(
    points: Float[Tensor, "*points 3"],
    orientation_wxyz: Float[Tensor, "*cameras 4"],
    translation: Float[Tensor, "*cameras2 3"],
) -> Float[Tensor, "*out 3"]:
    """Points in the camera frame, metres. points: world frame, metres."""
    offset = points - _align(translation, points)
    return _rotate(_inverse(_align(orientation_wxyz, offset)), offset)


def camera_to_world(
    points: Float[Tensor, "*points 3"],
    orientation_wxyz: Float[Tensor, "*cameras 4"],
    translation: Float[Tensor, "*cameras2 3"],
) -> Float[Tensor, "*out 3"]:
    """Points in the world frame, metres. points: camera frame, metres."""
    return _rotate(_align(orientation_wxyz, points), points) + _align(translation, points)


def project_pinhole(
    points_camera: Float[Tensor, "*points 3"], intrinsics: Float[Tensor, "*cameras 9"]
) -> Float[Tensor, "*out 2"]:
    """Screen coordinates without lens distortion. Only points in front of the camera have a meaning: see in_front."""
    intrinsics = _align(intrinsics, points_camera)
    rays = points_camera[..., :2] / points_camera[..., 2:]
    return intrinsics[..., 0:2] * rays + intrinsics[..., 2:4]


def project_to_2d(
    points_camera: Float[Tensor, "*points 3"], intrinsics: Float[Tensor, "*cameras 9"]
) -> Float[Tensor, "*out 2"]:
    """Screen coordinates with Human3.6M's radial (k1 k2 k3) and tangential (p1 p2) distortion.

    Rays are not clamped to [-1, 1] as VideoPose3D does: wide-angle cameras need them whole (spec: a point and its
    mirror image behind the camera must not share a pixel, so test with in_front).
    """
    if intrinsics.device.type == "cpu" and not intrinsics.requires_grad and not intrinsics[..., 4:].any():
        return project_pinhole(points_camera, intrinsics)  # no lens to bend rays: a third of the time
    intrinsics = _align(intrinsics, points_camera)
    x, y, z = points_camera.unbind(-1)
    x, y = x / z, y / z
    focal_x, focal_y, centre_x, centre_y, k1, k2, k3, p1, p2 = intrinsics.unbind(-1)
    r2 = x * x + y * y
    bent = 1 + r2 * (k1 + r2 * (k2 + r2 * k3)) + (p1 * x + p2 * y)
    u, v = x * bent + p1 * r2, y * bent + p2 * r2
    return torch.stack([focal_x * u + centre_x, focal_y * v + centre_y], dim=-1)


def screen_to_rays(
    screen: Float[Tensor, "*points 2"], intrinsics: Float[Tensor, "*cameras 9"]
) -> Float[Tensor, "*out 2"]:
    """Directions x/z, y/z of screen points: the inverse of project_to_2d, distortion undone.

    The distortion has no inverse in closed form: its effect at the last guess is undone, UNDISTORTIONS times over.
    That converges wherever the lens moves rays by less than a third, as inside Human3.6M's images.
    """
    intrinsics = _align(intrinsics, screen)
    bent_rays = (screen - intrinsics[..., 2:4]) / intrinsics[..., 0:2]
    if not intrinsics.requires_grad and not intrinsics[..., 4:].any():
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
    """Pixels (x right, y down, origin at the top left corner) -> screen coordinates."""
    return pixels / width * 2 - pixels.new_tensor([1.0, height / width])


def screen_to_pixels(screen: Float[Tensor, "*points 2"], width: float | int, height: float | int) -> Tensor:
    """Screen coordinates -> pixels; the inverse of pixels_to_screen."""
    return (screen + screen.new_tensor([1.0, height / width])) * width / 2


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
    """Orientation (wxyz, camera to world) of an upright camera at `position` that looks at `target`.

    roll: radians about the viewing axis, clockwise as the camera sees it. Straight up or down the image's x axis is
    the world's x axis.
    """
    forward = torch.nn.functional.normalize(target - position, dim=-1)
    up = forward.new_tensor([0.0, 0.0, 1.0]).expand_as(forward)
    right = torch.linalg.cross(forward, up, dim=-1)
    vertical = right.norm(dim=-1, keepdim=True) < 1e-6
    right = torch.where(vertical, forward.new_tensor([1.0, 0.0, 0.0]), right)
    right = torch.nn.functional.normalize(right, dim=-1)
    down = torch.linalg.cross(forward, right, dim=-1)
    roll = torch.as_tensor(roll, dtype=forward.dtype, device=forward.device)[..., None]
    axes = torch.stack([roll.cos() * right + roll.sin() * down, roll.cos() * down - roll.sin() * right, forward], -1)
    return matrix_to_wxyz(axes)


def matrix_to_wxyz(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 4"]:
    """Unit quaternion (w, x, y, z) of a rotation matrix."""
    import roma  # roma 1.8 takes seconds to import: only who builds cameras pays

    return roma.rotmat_to_unitquat(matrix)[..., [3, 0, 1, 2]]


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
        wanted = {"orientation_wxyz": 4, "translation": 3, "intrinsics": NUM_INTRINSICS}
        for name, size in wanted.items():
            shape = tuple(getattr(self, name).shape)
            if shape != (*lead, size):
                raise ValueError(f"Camera.{name} has shape {shape}, expected {(*lead, size)}.")
        if self.aspect.shape != lead:
            raise ValueError(f"Camera.aspect has shape {tuple(self.aspect.shape)}, expected {tuple(lead)}.")

    def __len__(self) -> int:
        return self.orientation_wxyz.shape[0]

    def __getitem__(self, index: Tensor | slice | int) -> "Camera":
        return Camera(*(getattr(self, entry.name)[index] for entry in fields(self)))

    def to(self, *args: torch.device | torch.dtype | str) -> "Camera":
        """Moved to a device or changed to a float type."""
        return Camera(*(getattr(self, entry.name).to(*args) for entry in fields(self)))

    def mirrored(self) -> "Camera":
        """What sees the mirror image of everything, mirrored at the world's x = 0: its own image with x negated.

        A reflection turns rotations about the axes in its plane the other way round, and the lens with them.
        """
        turn = self.orientation_wxyz * self.orientation_wxyz.new_tensor([1.0, 1.0, -1.0, -1.0])
        place = self.translation * self.translation.new_tensor([-1.0, 1.0, 1.0])
        lens = self.intrinsics * self.intrinsics.new_tensor([1.0, 1, -1, 1, 1, 1, 1, -1, 1])
        return Camera(turn, place, lens, self.aspect)

    def reshape(self, *lead: int) -> "Camera":
        """The same cameras with other leading dimensions."""
        size = {"orientation_wxyz": (4,), "translation": (3,), "intrinsics": (NUM_INTRINSICS,), "aspect": ()}
        return Camera(*(getattr(self, name).reshape(*lead, *own) for name, own in size.items()))

    @staticmethod
    def cat(cameras: "Sequence[Camera]") -> "Camera":
        """Batches of cameras one after another."""
        return Camera(*(torch.cat([getattr(c, entry.name) for c in cameras]) for entry in fields(Camera)))

    @staticmethod
    def stack(cameras: "Sequence[Camera]") -> "Camera":
        """Single cameras as a batch."""
        return Camera(*(torch.stack([getattr(c, entry.name) for c in cameras]) for entry in fields(Camera)))

    def world_to_camera(self, points: Tensor) -> Tensor:
        """(..., 3) world -> camera frame, metres."""
        return world_to_camera(points, self.orientation_wxyz, self.translation)

    def camera_to_world(self, points: Tensor) -> Tensor:
        """(..., 3) camera -> world frame, metres."""
        return camera_to_world(points, self.orientation_wxyz, self.translation)

    def rays(self, screen: Tensor) -> Tensor:
        """(..., 2) screen -> (..., 2) directions x/z, y/z, distortion undone."""
        return screen_to_rays(screen, self.intrinsics)

    def project(self, points_camera: Tensor) -> Tensor:
        """(..., 3) camera frame -> (..., 2) screen, distorted where the intrinsics say so."""
        return project_to_2d(points_camera, self.intrinsics)
