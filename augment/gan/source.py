"""The source of poses that learns: a generator, its critics, their optimisers, and one update of all of them."""

from typing import Any

import torch
from torch import Tensor

from augment.gan.collapse import Diversity, collapse_sentence, diversity
from augment.gan.critic_inputs import CriticInputs, critic_inputs, seen_by
from augment.gan.critics import Critic2D, Critic3D
from augment.gan.generator import PoseGenerator
from augment.gan.motion_critics import MotionCritic2D, MotionCritic3D
from augment.gan.state import check_gan
from augment.gan.wgan import critic_loss, frozen, generator_loss, step
from augment.settings import AugmentSettings
from augment.sources.pose_source import PoseSource, SourceContext
from data.batch import PoseBatch
from kinematics import Camera
from kinematics.batch_last import to_batch_last
from posenets.checkpoints.fitting import fill, fill_optimizer

COLLAPSE_SAMPLES = 512
# Critic -> what of CriticInputs it sees.
CRITIC_VIEWS = {
    "critic_3d": "world", "critic_2d": "screen",
    "motion_critic_3d": "world_clips", "motion_critic_2d": "screen_clips",
}  # fmt: skip


class GanSource(PoseSource):
    """Poses of a generator that learns from Wasserstein critics; plain and mirrored half of a batch are one step."""

    learns = True

    def __init__(self, context: SourceContext) -> None:
        super().__init__(context)
        self.gan = gan = self.settings.gan
        self.moves_hip = gan.root == "learned"
        frames, self.device = self.reference.joints_world.shape[1], self.reference.joints_world.device
        with torch.random.fork_rng(devices=[]):  # PyTorch initialises from its global generator: leave it untouched
            torch.manual_seed(context.seed)
            self.pose_generator = PoseGenerator(
                gan.latent_dim, gan.generator_width, frames, limits=gan.limits, learn_bones=gan.learn_bones,
                global_rotation_mode=gan.global_rotation, max_tilt=gan.max_tilt,
                bone_spread=self.settings.bone_spread, key_every=gan.key_every,
            ).to(self.device)  # fmt: skip
            self.critics: dict[str, torch.nn.Module] = {
                "critic_3d": Critic3D(gan.critic_width_3d).to(self.device),
                "critic_2d": Critic2D(gan.critic_width_2d).to(self.device),
            }
            if frames > 1:
                width = gan.motion_critic_width
                self.critics["motion_critic_3d"] = MotionCritic3D(frames, width).to(self.device)
                self.critics["motion_critic_2d"] = MotionCritic2D(frames, width).to(self.device)
        self.generator_optimizer = self._adam(self.pose_generator, gan.lr_generator)
        self.critic_optimizers = {name: self._adam(net, gan.lr_critic) for name, net in self.critics.items()}
        self.updates = 0

    def _adam(self, net: torch.nn.Module, rate: float) -> torch.optim.Optimizer:
        return torch.optim.Adam(net.parameters(), lr=rate, betas=self.gan.betas, fused=True)

    def draw(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        """World joints (B, T, 16, 3); gradients flow to the generator if they are on."""
        pose = self.pose_generator(self.pose_generator.sample_latent(len(indices), generator))
        lengths = self.reference.body_lengths.index_select(0, indices)
        if pose.bone_factors is None:
            lengths = self.context.dh_bodies(lengths, generator)
        return self.context.forward_kinematics(pose.on(lengths), indices)

    def fakes(self, count: int) -> tuple[Tensor, Camera]:
        """Draw world joints (count, T, 16, 3) and a camera of the data set for each, as the real poses have."""
        reference, random = self.reference, self.context.random
        indices = reference.random_indices(count, random)
        joints = to_batch_last(self.draw(indices, random))
        at = reference.camera_indices(indices, self.settings.one_camera_per_batch, random)
        camera = reference.camera[at]
        if self.moves_hip:
            joints = reference.offset_to_reference(joints, at)
        else:
            joints = reference.place_on_ground(joints, at, self.remove_foot_skate)
        if reference.views is not None:
            view = torch.randint(reference.views, (count,), generator=random, device=self.device)
            camera = camera.reshape(-1)[view + reference.views * torch.arange(count, device=self.device)]
        return joints, camera

    def update(self, real: PoseBatch, motion: bool = True) -> dict[str, float]:
        """Update critics, and each `generator_every`-th time the generator; losses. motion: with the motion critics."""
        with torch.no_grad():
            reals = self._critic_inputs(real.joints_world(), real.joints_2d)
            fakes_world, cameras = self.fakes(len(real))
            fakes = self._critic_inputs(fakes_world, seen_by(cameras, fakes_world))
        losses = self._critic_step(reals, fakes, motion)
        self.updates += 1
        if self.updates % self.gan.generator_every == 0:
            losses |= self._generator_step(*self.fakes(len(real)), motion)
        values = torch.stack(list(losses.values())).tolist()  # one wait for the device
        return dict(zip(losses, values, strict=True))

    def _critic_inputs(self, joints_world: Tensor, screen: Tensor) -> CriticInputs:
        gan = self.gan
        return critic_inputs(
            joints_world, screen, gan.heading, self.context.random, gan.gan_time_reversal, gan.critic_frames
        )

    def _active_critics(self, motion: bool) -> dict[str, torch.nn.Module]:
        return {name: critic for name, critic in self.critics.items() if motion or not name.startswith("motion")}

    def _critic_step(self, real: CriticInputs, fake: CriticInputs, motion: bool) -> dict[str, Tensor]:
        losses = {}
        for name, critic in self._active_critics(motion).items():
            real_poses, fake_poses = getattr(real, CRITIC_VIEWS[name]), getattr(fake, CRITIC_VIEWS[name])
            alpha = torch.rand(
                len(real_poses), 1, generator=self.context.random, device=real_poses.device, dtype=real_poses.dtype
            )
            loss, distance = critic_loss(critic, real_poses, fake_poses, alpha, self.gan.penalty_weight)
            loss.backward()
            step(self.critic_optimizers[name], self.context.average_gradients)
            losses[f"{name}_loss"], losses[f"{name}_distance"] = loss.detach(), distance
        return losses

    def _generator_step(self, fakes_world: Tensor, cameras: Camera, motion: bool) -> dict[str, Tensor]:
        with frozen(*self.critics.values()):
            fake = self._critic_inputs(fakes_world, seen_by(cameras, fakes_world))
            losses = [
                (self.gan.weight_2d if name == "critic_2d" else 1.0)
                * generator_loss(critic, getattr(fake, CRITIC_VIEWS[name]))
                for name, critic in self._active_critics(motion).items()
            ]
            loss = torch.stack(losses).sum()
            loss.backward()
        step(self.generator_optimizer, self.context.average_gradients)
        return {"generator_loss": loss.detach()}

    @torch.no_grad()
    def diversity(self, count: int = COLLAPSE_SAMPLES) -> tuple[Diversity, Diversity]:
        """Diversity of real poses and of the generator's, `count` of each."""
        generator = torch.Generator(self.device).manual_seed(self.context.seed)
        indices = self.reference.random_indices(count, generator)
        fakes = self.draw(indices, generator)
        return diversity(self.reference.joints_world[indices][:, 0]), diversity(fakes[:, 0])

    def problem(self, losses: dict[str, float]) -> str | None:
        distances = {
            name.removesuffix("_distance").replace("critic_", ""): value
            for name, value in losses.items()
            if name.endswith("_distance")
        }
        return collapse_sentence(*self.diversity(), distances)

    def nets(self) -> dict[str, Any]:
        optimizers = {f"{name}_optimizer": optimizer for name, optimizer in self.critic_optimizers.items()}
        generator = {"generator": self.pose_generator, **self.critics, "generator_optimizer": self.generator_optimizer}
        return generator | optimizers

    def state_dict(self) -> dict[str, Any]:
        return {name: net.state_dict() for name, net in self.nets().items()} | {"updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        missing = [name for name in (*self.nets(), "updates") if name not in state]
        if missing:
            raise ValueError(f"The GAN's state has no {', '.join(missing)}: is it from another run?")
        for name, net in self.nets().items():
            load: Any = fill_optimizer if isinstance(net, torch.optim.Optimizer) else fill
            load(net, state[name], f"The state of the GAN's {name}")
        self.updates = int(state["updates"])

    @classmethod
    def check_state(cls, state: dict[str, Any], settings: AugmentSettings, frames: int) -> None:
        check_gan(state, settings.gan, frames)
