"""What the critics see: poses about the hip and on the screen, with mirror images, and clips backwards in time."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from kinematics import Camera, Skeleton, constants, project_to_2d
from kinematics.joints import J
from kinematics.rotation import rotate_about_z

MIRROR = Skeleton("h36m_16").mirror
# Critics see every fake, also one behind its camera. Depth and rays are bent there, not cut: the gradient that leads
# back into view survives, and lens distortion (to the 6th power of the ray) stays finite.
NEAREST_M, STEEPEST_RAY, LEAK = 0.5, 1.0, 0.01


class CriticInputs(NamedTuple):
    """What the critics see of poses and of their mirror images; of clips also backwards in time."""

    world: Tensor  # (2 B T, 16, 3) metres about the hip; fewer than T frames of clips if asked for
    screen: Tensor  # (2 B T, 16, 2)
    world_clips: Tensor | None  # (4 B, T, 16, 3); None for single frames
    screen_clips: Tensor | None  # (4 B, T, 16, 2)


def leaky_clamp(values: Tensor, limit: float) -> Tensor:
    """Values within +-limit unchanged, farther ones drawn in to a hundredth of their excess."""
    inside = values.clamp(-limit, limit)
    return inside + LEAK * (values - inside)


def seen_by(camera: Camera, joints_world: Tensor) -> Tensor:
    """(B, T, J, 2) on the screen, finite and with a gradient wherever the pose may be."""
    points = camera.world_to_camera(joints_world)
    depth = points[..., 2:]
    ahead = depth.clamp_min(NEAREST_M)
    # 10 m behind the camera still counts as 0.4 m in front of it.
    depth = ahead + LEAK * (depth - ahead)
    rays = leaky_clamp(points[..., :2] / depth.clamp_min(NEAREST_M / 10), STEEPEST_RAY)
    return project_to_2d(torch.cat([rays, torch.ones_like(depth)], dim=-1), camera.intrinsics)


def with_mirror_images(joints: Tensor) -> Tensor:
    """(N, ..., J, C) -> (2 N, ..., J, C): the poses, then their mirror images about the plane x = 0."""
    mirrored = joints[..., constants.indices(MIRROR, joints), :]
    sign = mirrored.new_ones(mirrored.shape[-1])
    sign[0] = -1
    return torch.cat([joints, mirrored * sign])


def critic_inputs(
    joints_world: Tensor, screen: Tensor, heading: str, generator: torch.Generator, time_reversal: bool = True,
    frames: int = 0,
) -> CriticInputs:  # fmt: skip
    """Build inputs from world joints (B, T, 16, 3) m and screen (B, T, 16, 2). frames: for pose critics, 0: all."""
    centred = joints_world - joints_world[:, :, J.HIP, None]
    if heading == "random":
        unit = torch.rand(len(centred), generator=generator, device=centred.device, dtype=centred.dtype)
        angle = (2 * math.pi * unit)[:, None, None]
        centred = rotate_about_z(centred, angle.cos(), angle.sin())
    length = centred.shape[1]
    poses = [centred, screen]
    if 0 < frames < length:
        chosen = torch.randint(length, (len(centred), frames), generator=generator, device=generator.device)
        poses_index = torch.arange(len(centred), device=centred.device)[:, None]
        poses = [part[poses_index, chosen.to(centred.device)] for part in poses]
    single = [with_mirror_images(part.flatten(0, 1)) for part in poses]
    if length == 1:
        return CriticInputs(single[0], single[1], None, None)
    clips = [with_mirror_images(part) for part in (centred, screen)]
    if time_reversal:
        clips = [torch.cat([clip, clip.flip(1)]) for clip in clips]
    return CriticInputs(single[0], single[1], clips[0], clips[1])
