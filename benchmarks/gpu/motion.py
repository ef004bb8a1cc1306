"""Random motion of the body, as large a data set as wanted, made on the device: a stand-in for Human3.6M, whose size
decides how long an epoch takes and whose licence keeps it from a machine like this.
"""

import torch
from torch import Tensor

from data import PoseDataset
from data.h36m.cameras import H36M_CAMERAS
from kinematics import Camera, DHHuman, joint_limits

H36M_POSES = 1_500_000
CLIP, VIEWS = 1000, 4  # frames of a clip, seen by so many cameras
KEYS = 20  # random poses in a clip, which frames lie between
LENGTHS_M = (0.45, 0.45, 0.45, 0.45, 0.13, 0.13, 0.24, 0.25, 0.15, 0.15, 0.28, 0.28, 0.25, 0.25, 0.19)


def random_motion(poses: int, frames: int, device: torch.device) -> PoseDataset:
    """At least so many poses (views of a frame), in windows of `frames`: people moving between poses of chance."""
    length = min(CLIP, max(poses // VIEWS, frames, 2))
    clips = -(-poses // (length * VIEWS))
    generator = torch.Generator(device).manual_seed(0)
    camera = Camera.stack(list(H36M_CAMERAS["S1"])).to(device).to(torch.float32)
    joints_3d, joints_2d = [], []
    for first in range(0, clips, 16):
        world = _clips(min(16, clips - first), length, generator)  # (C, T, 16, 3)
        rig = camera[torch.arange(VIEWS, device=device).expand(len(world), VIEWS)]
        seen = rig.world_to_camera(world[:, None].expand(-1, VIEWS, -1, -1, -1))  # (C, V, T, 16, 3)
        joints_3d.append(seen.flatten(0, 2))
        joints_2d.append(rig.project(seen).flatten(0, 2))
    total = clips * VIEWS * length
    sample = torch.arange(total, device=device)
    first = sample - sample % length
    ends = (sample, first, first + length - 1)
    camera_of = sample // length % VIEWS
    return PoseDataset(
        torch.cat(joints_3d), torch.cat(joints_2d), camera, camera_of, ends, (frames, frames // 2), {}, {}, fps=50.0
    )


def _clips(count: int, length: int, generator: torch.Generator) -> Tensor:
    """World joints (count, length, 16, 3) metres: an angle goes evenly from pose to pose, feet near the floor."""
    limits, device = joint_limits("anatomical"), generator.device
    keys = limits.sample_uniform(count * KEYS, generator).reshape(count, KEYS, -1) * 0.5
    place = torch.linspace(0, KEYS - 1, length, device=device)
    low = place.floor().long().clamp_max(KEYS - 2)
    angles = torch.lerp(keys[:, low], keys[:, low + 1], (place - low)[:, None])
    lengths = torch.tensor(LENGTHS_M, device=device)
    heading = 6.28 * torch.rand(count, 1, 1, generator=generator, device=device).expand(-1, length, 1)
    rotation = torch.cat([torch.zeros(count, length, 2, device=device), heading], dim=-1)
    root = 0.5 * torch.randn(count, 1, 3, generator=generator, device=device).expand(-1, length, -1)
    joints = DHHuman()(angles, lengths, rotation, root)
    lowest = joints[..., 2].amin(dim=-1)
    return joints - torch.stack([torch.zeros_like(lowest)] * 2 + [lowest], dim=-1)[:, :, None]
