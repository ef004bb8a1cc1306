"""The augmenter: learns to make poses beside the real ones, and makes them."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from augment.cameras import other_places, wide_cameras, wide_rigs
from augment.detector_noise.detections import as_detected, as_projected, is_projected, noise_for
from augment.detector_noise.model import DetectorNoise
from augment.gan.collapse import Diversity, collapse_sentence, diversity
from augment.gan.gan import AverageGradients, Gan
from augment.gan.generator import PoseGenerator
from augment.reference import Reference
from augment.rigs import random_views
from augment.settings import AugmentSettings, recipe
from augment.sources.pose_sources import PoseSources
from augment.visible import Placement, Redraw, filled, place
from data.batch import PoseBatch
from data.dataset import PoseDataset
from data.devices import go_on
from data.multiview.dataset import MultiViewDataset
from kinematics import Camera
from kinematics.batch_last import to_batch_first, to_batch_last
from kinematics.joints import J

COLLAPSE_SAMPLES = 512


@dataclass
class _Parts:
    """What can be built once the real poses are known."""

    reference: Reference
    sources: PoseSources
    gan: Gan | None


class Augmenter:
    """Synthetic poses for a lifter.

    settings: or the name of a recipe. reference: the real training poses; without it the first batch given to
    `update` is taken. Real poses of several views give synthetic ones of as many. pose_generator: another net than the
    settings describe. average_gradients: called between backward and step with the parameters, for distributed
    training. rank: makes the processes' noise differ; their nets begin alike. noise: the error of detections that
    sampled 2D gets; None: what settings.detector_noise says.
    """

    def __init__(
        self,
        settings: AugmentSettings | str = "posefk",
        reference: PoseDataset | MultiViewDataset | PoseBatch | None = None,
        pose_generator: PoseGenerator | None = None,
        seed: int = 0,
        device: torch.device | str | None = None,
        average_gradients: AverageGradients | None = None,
        rank: int = 0,
        noise: DetectorNoise | None = None,
    ) -> None:
        self.settings = recipe(settings) if isinstance(settings, str) else settings
        self.shares = self.settings.mixture.shares()
        self.device = torch.device(device) if device is not None else _device_of(reference)
        self.random = torch.Generator(self.device).manual_seed(seed + 7919 * rank)
        self.acceptance: dict[str, float] = {}
        self.drawn: dict[str, int] = {}
        self.noise = noise
        self._detected = False
        self._seed, self._average_gradients, self._pose_generator = seed, average_gradients, pose_generator
        self._parts = None if reference is None else self._build(reference)

    def _build(self, data: PoseDataset | MultiViewDataset | PoseBatch) -> _Parts:
        if self.noise is None:
            self.noise = noise_for(self.settings.detector_noise, data)
        self._detected = not is_projected(data)
        # All processes of a run draw the same reference and start from the same nets.
        same = torch.Generator().manual_seed(self._seed)
        reference = Reference.of(data, self.settings.max_reference, same).to(self.device)
        if self.settings.smooth_tracks:
            reference = reference.smooth()
        gan = self._build_gan(reference.joints_world.shape[1]) if self.shares.get("gan") else None
        return _Parts(reference, PoseSources(self.settings, reference, gan and gan.pose_generator), gan)

    def _build_gan(self, frames: int) -> Gan:
        settings = self.settings.gan
        with torch.random.fork_rng(devices=[]):  # PyTorch initialises from its global generator: leave it untouched
            torch.manual_seed(self._seed)
            pose_generator = self._pose_generator or PoseGenerator(
                settings.noise_dim, settings.generator_width, frames, limits=settings.limits,
                learn_bones=settings.learn_bones,
                global_rotation_mode=settings.global_rotation, max_tilt=settings.max_tilt,
                bone_spread=self.settings.bone_spread, key_every=settings.key_every,
            )  # fmt: skip
            return Gan(pose_generator, settings, self.device, self._average_gradients)

    @property
    def parts(self) -> _Parts:
        if self._parts is None:
            raise ValueError("The augmenter knows no real poses: give Augmenter(reference=...) or call update(real).")
        return self._parts

    def update(self, real: PoseBatch, motion: bool = True) -> dict[str, float]:
        """Learn from a batch of real poses. Returns losses by name; empty where nothing is learnt (no GAN).

        motion: let the motion critics of clips take part.
        """
        if self._parts is None:
            self._parts = self._build(real)
        if self.parts.gan is None:
            return {}
        if real.views is not None:  # the critics look at single views
            real = real.one_view(random_views(real, self.random))
        if self._detected:  # no fake has a detector's error: critics would tell by it
            real = as_projected(real)
        return self.parts.gan.update(real, self._draw_fakes, self.random, motion)

    @torch.no_grad()
    def sample(self, count: int, generator: torch.Generator | None = None, batch_last: bool = False) -> PoseBatch:
        """`count` synthetic poses, each in front of its cameras and in their images, in random order; as detected if
        there is a `noise`. Of a reference of several views they have as many.

        generator: on the augmenter's device; without it the augmenter's own goes on. `acceptance` then says which
        part of each source's poses could be photographed, `drawn` how many there were. batch_last: leave them
        laid out as they were computed (kinematics.batch_last).
        """
        generator = generator or self.random
        if not self.shares:
            raise ValueError("This recipe makes no synthetic poses: all shares of its mixture are 0.")
        counts, self.drawn = _split(count, self.shares), {}
        batches = [self._sample_source(source, wanted, generator) for source, wanted in counts.items() if wanted]
        if not batches:
            return self._sample_source(next(iter(counts)), 1, generator)[:0]
        if not batch_last:
            batches = [batch.map_tensors(to_batch_first) for batch in batches]
        batch = batches[0]
        if len(batches) > 1:  # poses of one source come in random order by themselves
            order = torch.randperm(count, generator=generator, device=generator.device).to(self.device)
            batch = PoseBatch.cat(batches).index_select(order)
        return batch if self.noise is None else as_detected(batch, self.noise, generator)

    def _sample_source(self, source: str, count: int, generator: torch.Generator) -> PoseBatch:
        settings = self.settings
        learned_root = source == "gan" and settings.gan.root == "learned"
        placements: list[Placement] = []
        for settled in (False, True) if learned_root else (True,):  # a learned root may lead out of the image
            missing = count - sum(len(placement.batch) for placement in placements)
            if not missing:
                break
            placements.append(
                place(
                    lambda wanted, settled=settled: self._draw(source, wanted, generator, settled, settings.cameras),
                    missing, settings.near, settings.keep_in_image, settings.tries, self._redraw(generator), settled,
                )
            )  # fmt: skip
        self.drawn[source] = sum(placement.drawn for placement in placements)
        self.acceptance[source] = sum(placement.accepted for placement in placements) / self.drawn[source]
        batch = filled(placements, count, generator)
        if batch is not None:
            return batch
        raise ValueError(
            f"None of {settings.tries} x {count} poses of the source {source} was in front of its camera and inside "
            "the image: widen the camera ranges or set keep_in_image to False."
        )

    def _draw(
        self, source: str, count: int, generator: torch.Generator, settled: bool, cameras: str
    ) -> tuple[Tensor, Camera]:
        """World joints (count, T, 16, 3) and a camera for each, (count,), or a rig, (count, V)."""
        reference = self.parts.reference
        rows = reference.random_rows(count, generator)
        joints = to_batch_last(self.parts.sources.draw(source, rows, generator))
        places = reference.place_rows(rows, self.settings.one_camera_per_batch, generator)
        if settled:  # real legs know where they go
            plant = source != "real" and self.settings.gan.root == "settled"
            joints = reference.settle(joints, places, plant)
        else:
            joints = reference.beside(joints, places)
        if cameras == "dataset":
            return joints, reference.camera[places]
        if reference.views is None:
            return joints, wide_cameras(_centre(joints), generator, self.settings.wide)
        return joints, wide_rigs(_centre(joints), reference.views, generator, self.settings.wide)

    def _redraw(self, generator: torch.Generator) -> Redraw | None:
        """Wide cameras of a rig that see their pose badly are replaced; a data set's rigs are what they are."""
        if self.settings.cameras == "dataset" or self.parts.reference.views is None:
            return None
        return lambda joints, camera: other_places(camera, _centre(joints), generator, self.settings.wide)

    def _draw_fakes(self, count: int) -> tuple[Tensor, Camera]:
        """Fakes for the critics, who compare them with the real cameras' views whatever the lifter will see."""
        joints, camera = self._draw("gan", count, self.random, self.settings.gan.root == "settled", "dataset")
        views = self.parts.reference.views
        if views is not None:
            chosen = torch.randint(views, (count,), generator=self.random, device=self.device)
            camera = camera.reshape(-1)[chosen + views * torch.arange(count, device=self.device)]
        return joints, camera

    @torch.no_grad()
    def diversity(self, count: int = COLLAPSE_SAMPLES) -> tuple[Diversity, Diversity]:
        """Diversity of real poses and of the generator's, `count` of each."""
        reference, generator = self.parts.reference, torch.Generator(self.device).manual_seed(self._seed)
        rows = reference.random_rows(count, generator)
        fakes = self.parts.sources.draw("gan", rows, generator)
        return diversity(reference.joints_world[rows][:, 0]), diversity(fakes[:, 0])

    def collapse(self, losses: dict[str, float] | None = None) -> str | None:
        """What is wrong with the GAN in one sentence, None if nothing is. losses: the last ones of `update`."""
        if self._parts is None or self._parts.gan is None:
            return None
        distances = {
            name.removesuffix("_distance").replace("critic_", ""): value
            for name, value in (losses or {}).items()
            if name.endswith("_distance")
        }
        return collapse_sentence(*self.diversity(), distances)

    def state_dict(self) -> dict[str, Any]:
        """All that resuming needs, plain tensors and numbers."""
        gan = self._parts.gan if self._parts else None
        return {"random": self.random.get_state(), "gan": gan.state_dict() if gan else None}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken. The reference must be given first."""
        gan = self.parts.gan
        if (gan is None) != (state["gan"] is None):
            have, want = ("has a", "has none") if state["gan"] else ("has no", "has one")
            raise ValueError(f"The saved augmenter {have} GAN, this recipe {want}: resume with the same recipe.")
        go_on(self.random, state["random"], "The saved augmenter")
        if gan is not None:
            gan.load_state_dict(state["gan"])


def _device_of(data: PoseDataset | MultiViewDataset | PoseBatch | None) -> torch.device:
    if data is None:
        return torch.device("cpu")
    return data.source.device if isinstance(data, PoseBatch) else data.device


def _centre(joints: Tensor) -> Tensor:
    """(B, 3) metres: the hips of clips (B, T, 16, 3) in their middle frame, where wide cameras aim."""
    return joints[:, joints.shape[1] // 2, J.HIP]


def _split(count: int, shares: dict[str, float]) -> dict[str, int]:
    """Whole numbers in the ratio of the shares that sum to count: the largest remainders are rounded up."""
    exact = {name: count * share for name, share in shares.items()}
    counts = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: counts[name] - exact[name])
    for name in by_remainder[: count - sum(counts.values())]:
        counts[name] += 1
    return counts
