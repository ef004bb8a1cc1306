"""The page of a trained generator: latent, temperature, and the clip on an average adult. It needs no data set."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import viser
from jaxtyping import Float
from torch import Tensor

from augment import Augmenter
from augment.export.poses import STANDING_FPS, standing_person
from augment.gan.source import GanSource
from augment.stored import stored_augmenter, why_no_augmenter
from kinematics import DHHuman
from kinematics.stature import average_bone_lengths
from viewer.orbit import OrbitPanel
from viewer.pages import Pages, Player
from viewer.scene import BODY, Scene


class ClipSource:
    """A trained generator, latent -> clip. fps: frames a second of its training data."""

    def __init__(self, augmenter: Augmenter, fps: float | None) -> None:
        self._augmenter, self.fps = augmenter, fps or STANDING_FPS
        gan = augmenter.sources["gan"]
        assert isinstance(gan, GanSource)
        self._gan, self._pose_generator = gan, gan.pose_generator.eval()
        self._human, self._lengths = DHHuman(), average_bone_lengths()

    @classmethod
    def of_checkpoint(cls, content: dict[str, Any], path: Path = Path("last.safetensors")) -> "ClipSource":
        """Load the generator. content: of a run's last.safetensors (`path`) which has one (has_generator)."""
        stored = stored_augmenter(content, path)
        settings = replace(stored.settings, detector_noise="none")
        augmenter = Augmenter(settings, standing_person(stored.frames))
        augmenter.load_state_dict(stored.fresh_state)
        return cls(augmenter, stored.fps)

    @property
    def frames(self) -> int:
        return self._pose_generator.frames

    def noise(self, seed: int) -> Float[Tensor, "1 noise"]:
        """Standard normal noise; the same seed gives the same."""
        return self._pose_generator.sample_latent(1, torch.Generator().manual_seed(seed))

    @torch.inference_mode()
    def clip(self, noise: Float[Tensor, "1 noise"], temperature: float = 1.0) -> Float[Tensor, "frames 16 3"]:
        """Generate a clip, metres, world, over the origin, on the floor. temperature: factor of the latent."""
        pose = self._pose_generator(temperature * noise).on(self._lengths[None])
        joints = self._human(*pose._replace(root=torch.zeros_like(pose.root)))
        at = torch.zeros(1, dtype=torch.int64)
        return self._augmenter.reference.place_on_ground(joints, at, self._gan.remove_foot_skate)[0]


def has_generator(content: Any) -> bool:
    """Whether a checkpoint is the state of a run with a GAN."""
    return why_no_augmenter(content) is None and "gan" in content["run"]["augmenter"].get("sources", {})


def between(
    first: Float[Tensor, "1 noise"], second: Float[Tensor, "1 noise"], share: float
) -> Float[Tensor, "1 noise"]:
    """Interpolate latents on a circle by a share of 0 to 1, so that they stay normal."""
    angle = torch.tensor(share * torch.pi / 2)
    return angle.cos() * first + angle.sin() * second


MOST_SEEDS = 10**6


class GeneratorPage:
    """Draws the clip anew whenever a slider of the noise moves, and shows the player's frame of it."""

    uses_orbit = True

    def __init__(self, pages: Pages, scene: Scene, orbit: OrbitPanel, source: ClipSource) -> None:
        self._scene, self._orbit, self._source = scene, orbit, source
        self._figure = scene.figure("generated", BODY)
        gui, request = scene.server.gui, pages.redrawing.request
        self._seed = gui.add_number("noise (seed)", 0, min=0, max=MOST_SEEDS, step=1)
        new = gui.add_button("New noise", icon=viser.Icon.REFRESH)
        new.on_click(lambda _: self._next())
        self._share = gui.add_slider("towards the next noise", 0.0, 1.0, 0.01, 0.0)
        self._temperature = gui.add_slider("temperature", 0.0, 2.0, 0.01, 1.0)
        for handle in (self._seed, self._share, self._temperature):
            handle.on_update(request)
        self.player = Player(gui, request)
        self.player.load(source.frames, source.fps)
        self._asked: tuple[int, float, float] | None = None
        self._clip = torch.zeros(1, 16, 3)

    def _next(self) -> None:
        self._seed.value = (int(self._seed.value) + 1) % MOST_SEEDS
        self._share.value = 0.0

    def _draw_clip(self) -> None:
        asked = int(self._seed.value), float(self._share.value), float(self._temperature.value)
        if asked == self._asked:
            return
        seed, share, temperature = self._asked = asked
        noise = between(self._source.noise(seed), self._source.noise(seed + 1), share)
        self._clip = self._source.clip(noise, temperature)

    def draw(self) -> bool:
        self._draw_clip()
        joints = self._clip[min(self.player.frame, len(self._clip) - 1)]
        camera, moving = self._orbit.camera()
        with self._scene.server.atomic():
            self._scene.show_person(self._figure, joints, camera)
        return moving

    def hide(self) -> None:
        self._figure.hide()
        self.player.stop()
