"""Cameras of the benchmarks: Human3.6M's rigs moved to where a person is, and wide cameras that look at the person.

A rig keeps its lenses and is moved so that its optical axes meet over the middle of the person's track, never turned:
as in Human3.6M's room, few viewpoints is what a lifter has to learn from. Someone who walks would leave the picture, so
a clip is cut where the track since the last cut outgrows ROAM_RADIUS, and the rig is moved again. Wide cameras: every
second of motion gets one pinhole camera that looks at the person and misses a little; for lifters of several views it
is joined by others of its range, a new rig every second.

Each piece of each clip has a random stream of its own, numbered by range, clip and piece (and, beyond the first, by
camera): a camera does not depend on which other clips are present, on their order, or on the version of torch.
"""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float

from data.h36m.cameras import CAMERA_IDS, H36M_CAMERAS
from data.recordings import View, view_from_world
from kinematics.camera import NUM_INTRINSICS, Camera, in_front, look_at

FPS = 25.0
ROAM_RADIUS = 1.5  # metres from the rig's middle to the farthest corner of the box around the actor's track
CAMERA_SECONDS = 1.0
NEAR = 0.5  # metres every joint keeps in front of the camera
APART = math.radians(30.0)  # between the directions in which two cameras of a rig stand from the actor
MAX_DRAWS = 1000


@dataclass(frozen=True)
class CameraRange:
    """What a looking camera is drawn from; metres.

    focals: (focal in screen units, height / width), one of which is chosen, or the ends of a range (focal_between).
    """

    seed: int
    focals: tuple[tuple[float, float], ...]
    focal_between: bool
    distance: tuple[float, float]
    height: tuple[float, float]
    aim_sd: float


# 3DHP's two kinds of camera: 1500 of 1024 half widths (TS1-4, square), 1684 of 960 (TS5-6, 1920 x 1080)
WIDE_TEST = CameraRange(20_220_801, ((1.465, 1.0), (1.754, 0.5625)), False, (2.5, 5.0), (0.5, 2.4), 0.4)
WIDE_VALIDATION = CameraRange(20_220_802, ((1.2, 1.0), (2.2, 1.0)), True, (2.2, 6.0), (0.3, 2.7), 0.5)


def stream(seed: int, clip: str, piece: int, camera: int = 0) -> np.random.Generator:
    """The random numbers of one camera of one piece of one clip."""
    numbers = [seed, zlib.crc32(clip.encode()), piece]
    return np.random.Generator(np.random.PCG64([*numbers, camera] if camera else numbers))


def roaming_pieces(root_ground: Float[np.ndarray, "frames 2"], radius: float = ROAM_RADIUS) -> list[slice]:
    """Cut a track (metres, ground plane) into pieces whose bounding boxes have half a diagonal of at most `radius`."""
    pieces, start = [], 0
    while start < len(root_ground):
        rest = root_ground[start:]
        box = np.maximum.accumulate(rest) - np.minimum.accumulate(rest)
        too_wide = np.linalg.norm(box, axis=1) / 2 > radius
        length = int(np.argmax(too_wide)) if too_wide.any() else len(rest)
        pieces.append(slice(start, start + length))
        start += length
    return pieces


def timed_pieces(frames: int, seconds: float | int = CAMERA_SECONDS, fps: float | int = FPS) -> list[slice]:
    """Cut into pieces of `seconds`; the last one may be shorter."""
    step = round(seconds * fps)
    return [slice(start, min(start + step, frames)) for start in range(0, frames, step)]


def rig_middle(cameras: list[Camera]) -> Float[np.ndarray, "2"]:
    """Where the optical axes of a rig come nearest to meeting (least squares), on the ground plane."""
    centres = np.stack([camera.translation.numpy() for camera in cameras])
    ahead = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
    axes = np.stack([camera.camera_to_world(ahead).numpy()[0] for camera in cameras]) - centres
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]  # projections onto the planes across the axes
    return np.linalg.solve(across.sum(0), (across @ centres[..., None]).sum(0))[:2, 0]


def rig_around(rig_subject: str, ground: Float[np.ndarray, "2"]) -> list[Camera]:
    """Human3.6M's four cameras around a ground point (metres), as they stand in its room."""
    cameras = H36M_CAMERAS[rig_subject]
    shift = torch.tensor([*(ground - rig_middle(cameras)), 0.0], dtype=torch.float64)
    return [replace(camera, translation=camera.translation + shift) for camera in cameras]


def rig_views(
    joints_world: Float[np.ndarray, "frames joints 3"], rig_subject: str,
    seen: Float[np.ndarray, "frames seen 3"] | None = None,
) -> tuple[View, ...]:  # fmt: skip
    """What the rig's four cameras see of a piece; joints in metres, joint 0 is the root.

    seen: joints to project, default joints_world, which place the cameras.
    """
    ground = joints_world[:, 0, :2]
    middle = (ground.min(0) + ground.max(0)) / 2
    cameras = rig_around(rig_subject, middle)
    seen = joints_world if seen is None else seen
    return tuple(view_from_world(seen, camera, name) for camera, name in zip(cameras, CAMERA_IDS, strict=True))


def looking_rig(
    joints_world: Float[np.ndarray, "frames joints 3"], clip: str, piece: int, cameras: CameraRange, views: int
) -> list[Camera]:
    """Cameras of one piece (float64), each drawn again until every joint is in front of it and it stands apart.

    Each has a stream of its own: fewer views are the first of more.
    """
    points = torch.from_numpy(np.asarray(joints_world, dtype=np.float64))
    middle = points[:, 0].mean(0)
    rig: list[Camera] = []
    for number in range(views):
        draws = stream(cameras.seed, clip, piece, number)
        for _ in range(MAX_DRAWS):
            camera = _draw_camera(draws, middle, cameras)
            if stands_apart(camera, rig, middle) and in_front(camera.world_to_camera(points), NEAR).all():
                break
        else:
            raise ValueError(
                f"{clip}, piece {piece}: no camera {cameras.distance[0]} to {cameras.distance[1]} m away has every "
                "joint in front. Is the clip in metres?"
            )
        rig.append(camera)
    return rig


def stands_apart(camera: Camera, others: Sequence[Camera], middle: torch.Tensor) -> bool:
    """Whether, seen from `middle` (3,), a camera is in another direction than the others, by APART at least.

    A second one may not stand opposite the first either: on the line between the two there is no depth.
    """
    azimuths = [math.atan2(y, x) for x, y, _ in ((one.translation - middle).tolist() for one in (camera, *others))]
    apart = [abs((other - azimuths[0] + math.pi) % math.tau - math.pi) for other in azimuths[1:]]
    return all(angle >= APART for angle in apart) and not (len(apart) == 1 and apart[0] > math.pi - APART)


def looking_views(
    joints_world: Float[np.ndarray, "frames joints 3"], clip: str, piece: int, cameras: CameraRange, views: int,
    seen: Float[np.ndarray, "frames seen 3"] | None = None,
) -> tuple[View, ...]:  # fmt: skip
    """What the looking cameras of a piece see of it; joints in metres, joint 0 is the root. seen: as in rig_views."""
    seen = joints_world if seen is None else seen
    shots = []
    for number, camera in enumerate(looking_rig(joints_world, clip, piece, cameras, views), 1):
        name = "wide" if cameras.focal_between else f"focal {float(camera.intrinsics[0]):.3f}"
        shots.append(view_from_world(seen, camera, name if number == 1 else f"{name}, camera {number}"))
    return tuple(shots)


def _draw_camera(draws: np.random.Generator, middle: torch.Tensor, cameras: CameraRange) -> Camera:
    if cameras.focal_between:
        (low, aspect), (high, _) = cameras.focals
        focal = draws.uniform(low, high)
    else:
        focal, aspect = cameras.focals[draws.integers(len(cameras.focals))]
    distance, height = draws.uniform(*cameras.distance), draws.uniform(*cameras.height)
    azimuth = draws.uniform(-np.pi, np.pi)
    aim = middle + torch.from_numpy(draws.normal(0.0, cameras.aim_sd, 3))
    side = torch.tensor([np.cos(azimuth), np.sin(azimuth)], dtype=torch.float64)
    position = torch.cat([middle[:2] + distance * side, middle.new_tensor([height])])
    intrinsics = torch.zeros(NUM_INTRINSICS, dtype=torch.float64)
    intrinsics[:2] = focal
    return Camera(look_at(position, aim), position, intrinsics, torch.tensor(aspect, dtype=torch.float64))
