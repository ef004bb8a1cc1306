"""The generator, its critics, their optimisers, and one update of all of them."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from augment.gan.critics import Critic2D, Critic3D
from augment.gan.generator import PoseGenerator
from augment.gan.motion_critics import MotionCritic2D, MotionCritic3D
from augment.gan.wgan import critic_loss, frozen, generator_loss, step
from augment.settings import GanSettings
from data.batch import PoseBatch
from kinematics import Camera, Skeleton, project_to_2d
from kinematics.constants import indices
from kinematics.joints import J
from posenets.checkpoints.fitting import fill, fill_optimizer

MIRROR = Skeleton("h36m_16").mirror
# Critics see every fake, also one behind its camera. Depth and rays are bent there, not cut: the gradient that leads
# back into view survives, and lens distortion (to the 6th power of the ray) stays finite.
NEAREST_M, STEEPEST_RAY, LEAK = 0.5, 1.0, 0.01

AverageGradients = Callable[[list[Tensor]], None]
# Draws fakes of the generator and the cameras that see them: count -> world joints (B, T, 16, 3), cameras of B.
DrawFakes = Callable[[int], tuple[Tensor, Camera]]


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
    mirrored = joints[..., indices(MIRROR, joints), :]
    sign = mirrored.new_ones(mirrored.shape[-1])
    sign[0] = -1
    return torch.cat([joints, mirrored * sign])


def critic_inputs(
    joints_world: Tensor, screen: Tensor, heading: str, generator: torch.Generator, playback: bool = True,
    frames: int = 0,
) -> CriticInputs:  # fmt: skip
    """joints_world: (B, T, 16, 3) metres, screen: (B, T, 16, 2). playback: clips backwards in time as well.

    frames: of each clip for the critics of single poses, 0 for all. Neighbouring frames are almost the same pose.
    """
    centred = joints_world - joints_world[:, :, J.HIP, None]
    if heading == "random":
        unit = torch.rand(len(centred), generator=generator, device=centred.device, dtype=centred.dtype)
        angle = (2 * math.pi * unit)[:, None, None]
        x, y, z = centred.unbind(-1)
        centred = torch.stack([angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y, z], dim=-1)
    length = centred.shape[1]
    poses = [centred, screen]
    if 0 < frames < length:
        chosen = torch.randint(length, (len(centred), frames), generator=generator, device=generator.device)
        rows = torch.arange(len(centred), device=centred.device)[:, None]
        poses = [part[rows, chosen.to(centred.device)] for part in poses]
    single = [with_mirror_images(part.flatten(0, 1)) for part in poses]
    if length == 1:
        return CriticInputs(single[0], single[1], None, None)
    clips = [with_mirror_images(part) for part in (centred, screen)]
    if playback:
        clips = [torch.cat([clip, clip.flip(1)]) for clip in clips]
    return CriticInputs(single[0], single[1], clips[0], clips[1])


class Gan:
    """A Wasserstein GAN over poses. The plain and the mirrored half of a batch are one step, not two."""

    def __init__(
        self,
        pose_generator: PoseGenerator,
        settings: GanSettings,
        device: torch.device | str = "cpu",
        average_gradients: AverageGradients | None = None,
    ) -> None:
        self.settings, self.average_gradients = settings, average_gradients
        self.pose_generator = pose_generator.to(device)
        self.critic_3d = Critic3D(settings.critic_width_3d).to(device)
        self.critic_2d = Critic2D(settings.critic_width_2d).to(device)
        self.critics: dict[str, torch.nn.Module] = {"critic_3d": self.critic_3d, "critic_2d": self.critic_2d}
        if pose_generator.frames > 1:
            frames, width = pose_generator.frames, settings.motion_critic_width
            self.critics["motion_critic_3d"] = MotionCritic3D(frames, width).to(device)
            self.critics["motion_critic_2d"] = MotionCritic2D(frames, width).to(device)
        self.generator_optimizer = self._adam(self.pose_generator, settings.lr_generator)
        self.critic_optimizers = {name: self._adam(net, settings.lr_critic) for name, net in self.critics.items()}
        self.updates = 0

    def _adam(self, net: torch.nn.Module, rate: float) -> torch.optim.Optimizer:
        return torch.optim.Adam(net.parameters(), lr=rate, betas=self.settings.betas, fused=True)

    def update(
        self, real: PoseBatch, draw: DrawFakes, generator: torch.Generator, motion: bool = True
    ) -> dict[str, float]:
        """One step of the critics, and every `generator_every`-th time one of the generator. Returns losses.

        motion: of clips, let the motion critics learn and judge too (as published, they come in later).
        """
        with torch.no_grad():
            reals = self._seen(real.joints_world(), real.joints_2d, generator)
            fakes_world, cameras = draw(len(real))
            fakes = self._seen(fakes_world, seen_by(cameras, fakes_world), generator)
        losses = self._critic_step(reals, fakes, generator, motion)
        self.updates += 1
        if self.updates % self.settings.generator_every == 0:
            losses |= self._generator_step(*draw(len(real)), generator, motion)
        values = torch.stack(list(losses.values())).tolist()  # one wait for the device
        return dict(zip(losses, values, strict=True))

    def _seen(self, joints_world: Tensor, screen: Tensor, generator: torch.Generator) -> CriticInputs:
        own = self.settings
        return critic_inputs(joints_world, screen, own.heading, generator, own.gan_playback, own.critic_frames)

    def _judges(self, motion: bool) -> dict[str, tuple[torch.nn.Module, str]]:
        """The critics at work, and what of CriticInputs each sees."""
        views = dict(
            critic_3d="world", critic_2d="screen", motion_critic_3d="world_clips", motion_critic_2d="screen_clips"
        )
        return {
            name: (critic, views[name])
            for name, critic in self.critics.items()
            if motion or not name.startswith("motion")
        }

    def _critic_step(
        self, real: CriticInputs, fake: CriticInputs, generator: torch.Generator, motion: bool
    ) -> dict[str, Tensor]:
        losses = {}
        for name, (critic, view) in self._judges(motion).items():
            real_poses, fake_poses = getattr(real, view), getattr(fake, view)
            alpha = torch.rand(
                len(real_poses), 1, generator=generator, device=real_poses.device, dtype=real_poses.dtype
            )
            loss, distance = critic_loss(critic, real_poses, fake_poses, alpha, self.settings.penalty_weight)
            loss.backward()
            step(self.critic_optimizers[name], self.average_gradients)
            losses[f"{name}_loss"], losses[f"{name}_distance"] = loss.detach(), distance
        return losses

    def _generator_step(
        self, fakes_world: Tensor, cameras: Camera, generator: torch.Generator, motion: bool
    ) -> dict[str, Tensor]:
        with frozen(*self.critics.values()):
            fake = self._seen(fakes_world, seen_by(cameras, fakes_world), generator)
            losses = [
                (self.settings.weight_2d if name == "critic_2d" else 1.0) * generator_loss(critic, getattr(fake, view))
                for name, (critic, view) in self._judges(motion).items()
            ]
            loss = torch.stack(losses).sum()
            loss.backward()
        step(self.generator_optimizer, self.average_gradients)
        return {"generator_loss": loss.detach()}

    def nets(self) -> dict[str, Any]:
        """Everything with a state_dict, by name."""
        optimizers = {f"{name}_optimizer": optimizer for name, optimizer in self.critic_optimizers.items()}
        return {
            "generator": self.pose_generator,
            **self.critics,
            "generator_optimizer": self.generator_optimizer,
            **optimizers,
        }

    def state_dict(self) -> dict[str, Any]:
        return {name: net.state_dict() for name, net in self.nets().items()} | {"updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        missing = [name for name in (*self.nets(), "updates") if name not in state]
        if missing:
            raise ValueError(f"The GAN's state has no {', '.join(missing)}: is it from another kind of run?")
        for name, net in self.nets().items():
            if isinstance(net, torch.optim.Optimizer):
                fill_optimizer(net, state[name], f"The state of the GAN's {name}")
            else:
                fill(net, state[name], f"The state of the GAN's {name}")
        self.updates = int(state["updates"])
