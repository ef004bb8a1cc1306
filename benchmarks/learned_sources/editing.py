"""Idea (b): a generator that edits real poses in joint-angle space instead of drawing from nothing.

    python run_fk_gan.py --plugins benchmarks.learned_sources.editing --gan 0 --sources editing=0.3 --warmup 10

Limbs are exchanged and turned at random as angle_swap does; what is learnt is the residual that makes the outcome
pass for a pose before critics of parts, held small.
"""

import torch
from torch import Tensor, nn

from augment import register_source
from augment.sources.angle_swap import exchange_angles, turn_angles
from augment.sources.pose_source import SourceContext
from benchmarks.learned_sources.parts import PartGan
from kinematics import joint_limits
from kinematics.limb_frames import reflect

LARGEST_EDIT = 0.8  # rad
KEEP = 1.0  # weight of the mean squared edit, rad^2
LATENT = 16


class Editor(nn.Module):
    """Angles (B, T, 28) rad, random numbers (B, 16) -> what is added to the angles, rad, the same in all frames."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(2 * 28 + LATENT, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 28)
        )
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, angles: Tensor, latent: Tensor) -> Tensor:
        middle = angles[:, angles.shape[1] // 2]
        edit = self.net(torch.cat([middle.sin(), middle.cos(), latent], dim=1)).tanh()
        return LARGEST_EDIT * edit[:, None]


@register_source("editing")
class EditingGan(PartGan):
    def __init__(self, context: SourceContext) -> None:
        super().__init__(context)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(context.seed)
            self.pose_generator = Editor(self.gan.generator_width).to(self.device)
        self.generator_optimizer = self._adam(self.pose_generator, self.gan.lr_generator)
        self.last_edit: Tensor | None = None

    def draw(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        real, limits = self.reference.dh_pose, joint_limits("anatomical")
        partners = real.joint_angles[self.reference.random_indices(len(indices), generator)]
        angles = exchange_angles(real.joint_angles[indices], partners, self.settings.exchange, generator)
        angles = turn_angles(angles, limits, self.settings.turn_sd, generator)
        latent = torch.randn(len(indices), LATENT, generator=generator, device=angles.device, dtype=angles.dtype)
        self.last_edit = self.pose_generator(angles, latent)
        lower, upper = limits.ends(angles.dtype, angles.device)
        edited = reflect(angles + self.last_edit, torch.minimum(lower, angles), torch.maximum(upper, angles))
        pose = self.context.on_new_bodies(edited, real.global_rotation[indices], indices, generator)
        joints = self.context.forward_kinematics(pose, indices)
        return joints if torch.is_grad_enabled() else self.context.tilt(joints, generator)

    def _generator_step(self, fakes_world, cameras, motion):
        (KEEP * self.last_edit.square().mean()).backward(retain_graph=True)
        return super()._generator_step(fakes_world, cameras, motion)
