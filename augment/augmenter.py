"""The augmenter: draws synthetic poses from the sources of a recipe, and lets those learn that can."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from augment.cameras import wide_cameras, wide_rigs
from augment.detector_noise.detections import as_detected, as_projected, build_detector_noise, is_projected
from augment.detector_noise.model import DetectorNoise
from augment.reference import ReferencePoses
from augment.rigs import random_views
from augment.settings import AugmentSettings, recipe
from augment.sources.pose_source import AverageGradients, PoseSource, SourceContext
from augment.sources.registry import mixture_sources
from augment.visible import VisibleSample, is_visible, pad_by_repeat, project_to_batch, replace_blind_cameras
from data.batch import PoseBatch
from data.dataset import PoseDataset
from data.devices import go_on
from data.multiview.dataset import MultiViewDataset
from kinematics import Camera
from kinematics.batch_last import to_batch_first, to_batch_last
from kinematics.capsules import self_intersects
from kinematics.definitions import redefine, sample_definitions
from kinematics.joints import J
from kinematics.precision import full_precision
from kinematics.rotation import random_rotations


class Augmenter:
    """Synthetic poses for a lifter.

    settings: or the name of a recipe. reference: the real training poses; without it the first batch given to
    `update` is taken. Real poses of V views give synthetic ones of V views. average_gradients: called between backward
    and step with the parameters, for distributed training. rank: makes the processes' random numbers differ; their
    networks begin alike. detector_noise: the error of detections that sampled 2D gets; None: what
    settings.detector_noise says.

    After `sample`, `acceptance` says which part of each source's poses was visible, `drawn` how many were drawn.
    """

    def __init__(
        self, settings: AugmentSettings | str = "posefk",
        reference: PoseDataset | MultiViewDataset | PoseBatch | None = None, seed: int = 0,
        device: torch.device | str | None = None, average_gradients: AverageGradients | None = None, rank: int = 0,
        detector_noise: DetectorNoise | None = None,
    ) -> None:  # fmt: skip
        self.settings = recipe(settings) if isinstance(settings, str) else settings
        self.shares = self.settings.mixture.shares()
        self.device = torch.device(device) if device is not None else _device_of(reference)
        self.random = torch.Generator(self.device).manual_seed(seed + 7919 * rank)
        self.acceptance: dict[str, float] = {}
        self.drawn: dict[str, int] = {}
        self.detector_noise = detector_noise
        self.sources: dict[str, PoseSource] = {}
        self._reference: ReferencePoses | None = None
        self._detected = False
        self._seed, self._average_gradients = seed, average_gradients
        if reference is not None:
            self._build(reference)

    def _build(self, data: PoseDataset | MultiViewDataset | PoseBatch) -> None:
        if self.detector_noise is None:
            self.detector_noise = build_detector_noise(self.settings.detector_noise, data)
        self._detected = not is_projected(data)
        # All processes of a run draw the same reference and start from the same nets.
        same = torch.Generator().manual_seed(self._seed)
        reference = ReferencePoses.from_data(data, self.settings.max_reference, same).to(self.device)
        self._reference = reference.smooth() if self.settings.smooth_tracks else reference
        context = SourceContext(self.settings, self._reference, self.random, self._seed, self._average_gradients)
        self.sources = {name: source(context) for name, source in mixture_sources(self.settings.mixture).items()}

    @property
    def reference(self) -> ReferencePoses:
        """The real poses; an error where none have come yet."""
        if self._reference is None:
            raise ValueError("The augmenter knows no real poses: give Augmenter(reference=...) or call update(real).")
        return self._reference

    @full_precision
    def update(self, real: PoseBatch, motion: bool = True) -> dict[str, float]:
        """Learn from real poses; returns losses by name, empty if nothing learns. motion: with the motion critics."""
        if self._reference is None:
            self._build(real)
        learning = [source for source in self.sources.values() if source.learns]
        if not learning:
            return {}
        if real.views is not None:  # sources learn from single views
            real = real.one_view(random_views(real, self.random))
        if self._detected:  # no synthetic pose has a detector's error yet: a critic would tell by it
            real = as_projected(real)
        return {name: loss for source in learning for name, loss in source.update(real, motion).items()}

    @torch.no_grad()
    @full_precision
    def sample(self, count: int, generator: torch.Generator | None = None, batch_last: bool = False) -> PoseBatch:
        """`count` synthetic poses in random order, each visible to its cameras, as detected if there is
        detector_noise.

        generator: on the augmenter's device; default: the augmenter's own. batch_last: leave them in the memory layout
        they were computed in (kinematics.batch_last).
        """
        generator = generator or self.random
        if not self.shares:
            raise ValueError("This recipe makes no synthetic poses: all shares of its mixture are 0.")
        if not count:
            return self.sample(1, generator, batch_last)[:0]
        self.drawn = {}
        counts = _split(count, self.shares)
        batches = [self._sample_source(name, wanted, generator) for name, wanted in counts.items() if wanted]
        if not batch_last:
            batches = [batch.map_tensors(to_batch_first) for batch in batches]
        batch = batches[0]
        if len(batches) > 1:  # poses of one source come in random order by themselves
            order = torch.randperm(count, generator=generator, device=generator.device).to(self.device)
            batch = PoseBatch.cat(batches).index_select(order)
        return batch if self.detector_noise is None else as_detected(batch, self.detector_noise, generator)

    def _sample_source(self, name: str, count: int, generator: torch.Generator) -> PoseBatch:
        """`count` visible poses of one source.

        Draw, place on the ground, define joints, sample cameras, project, keep the visible.
        """
        settings, reference = self.settings, self.reference
        source, samples = self.sources[name], list[VisibleSample]()
        # Where the hip's track of a source leads out of the image, the rest of its poses is put on the ground.
        for on_ground in (False, True) if source.moves_hip else (True,):
            sample = VisibleSample(count - sum(map(len, samples)), settings.tries, give_up_early=not on_ground)
            samples.append(sample)
            for size in sample.sizes():
                indices = reference.random_indices(size, generator)
                joints = self._draw(source, indices, generator)  # (B, T, 16, 3) m, world, about any hip
                at = reference.camera_indices(indices, settings.one_camera_per_batch, generator)
                if on_ground:
                    joints = reference.place_on_ground(joints, at, source.remove_foot_skate)
                else:
                    joints = reference.offset_to_reference(joints, at)
                definition = None
                if settings.definition_share:
                    share, width = settings.definition_share, settings.definition_width
                    definition = sample_definitions(size, share, width, generator, joints)
                    joints = redefine(joints, definition[:, None])
                camera = self._sample_cameras(joints, at, generator)  # (B,) or (B, V)
                batch = replace(project_to_batch(joints, camera), definition=definition)
                sample.add(batch, is_visible(batch, settings.near, settings.keep_in_image))
        self.drawn[name] = sum(sample.drawn for sample in samples)
        self.acceptance[name] = sum(sample.accepted for sample in samples) / self.drawn[name]
        batch = pad_by_repeat(samples, count, generator)
        if batch is None:
            raise ValueError(
                f"None of {settings.tries} x {count} poses of the source {name} was in front of its camera and inside "
                "the image: widen the camera ranges or set keep_in_image to False."
            )
        return batch

    def _draw(self, source: PoseSource, indices: Tensor, generator: torch.Generator) -> Tensor:
        """Poses of a source, batch last; those whose limbs go through each other drawn anew, a few times."""
        joints = drawn = to_batch_last(source.draw(indices, generator))
        where = torch.arange(len(indices), device=indices.device)
        for _ in range(self.settings.redraws if source.invents else 0):
            overlap = torch.stack([self_intersects(frame) for frame in _ends_and_middle(drawn)]).any(dim=0)
            wrong = overlap.nonzero()[:, 0]
            if not len(wrong):
                break
            where = where[wrong]
            drawn = to_batch_last(source.draw(indices[where], generator))
            joints.movedim(0, -1).index_copy_(-1, where, drawn.movedim(0, -1))
        if self.settings.orientation_share:
            joints = to_batch_last(turn_some(joints, self.settings.orientation_share, generator))
        return joints

    def _sample_cameras(self, joints: Tensor, at: Tensor, generator: torch.Generator) -> Camera:
        """Cameras (B,), or rigs (B, V), of world joints (B, T, 16, 3). at: (B,) real poses whose cameras may serve."""
        settings, reference = self.settings, self.reference
        if settings.cameras == "dataset":
            return reference.camera[at]
        hips = joints[:, joints.shape[1] // 2, J.HIP]  # where wide cameras aim
        if reference.views is None:
            return wide_cameras(hips, generator, settings.wide)
        camera = wide_rigs(hips, reference.views, generator, settings.wide)
        return replace_blind_cameras(joints, camera, generator, settings)

    def problem(self, losses: dict[str, float] | None = None) -> str | None:
        """Say in one sentence what is wrong with a source that learns, None if nothing is. losses: the last ones."""
        problems = (source.problem(losses or {}) for source in self.sources.values())
        return next((problem for problem in problems if problem), None)

    def state_dict(self) -> dict[str, Any]:
        """Return all that resuming needs, plain tensors and numbers."""
        states = {name: source.state_dict() for name, source in self.sources.items()}
        return {"random": self.random.get_state(), "sources": {name: state for name, state in states.items() if state}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what `state_dict` returned, with its random numbers if it has any. Needs the reference."""
        sources, saved = self.sources if self.reference else {}, state["sources"]
        learnt = {name for name, source in sources.items() if source.state_dict()}
        if learnt != set(saved):
            names = [", ".join(sorted(part)) or "none" for part in (set(saved), learnt)]
            raise ValueError(
                f"The saved augmenter has learnt sources: {names[0]}; this recipe has: {names[1]}. Resume with the "
                "same recipe."
            )
        if "random" in state:
            go_on(self.random, state["random"], "The saved augmenter")
        for name in saved:
            sources[name].load_state_dict(saved[name])


def turn_some(joints: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Turn a part of the poses (B, T, 16, 3) about the hip to any orientation, clips as one."""
    chosen = torch.rand(len(joints), 1, 1, generator=generator, device=joints.device) < share
    turn = random_rotations(len(joints), generator, joints)
    turn = torch.where(chosen, turn, torch.eye(3, dtype=turn.dtype, device=turn.device))
    hip = joints[:, :, J.HIP, None]
    return (joints - hip) @ turn[:, None].mT + hip


def _ends_and_middle(clips: Tensor) -> list[Tensor]:
    """Three frames (B, 16, 3) of clips (B, T, 16, 3), or the one there is."""
    last = clips.shape[1] - 1
    return [clips[:, frame] for frame in sorted({0, last // 2, last})]


def _device_of(data: PoseDataset | MultiViewDataset | PoseBatch | None) -> torch.device:
    if data is None:
        return torch.device("cpu")
    return data.source.device if isinstance(data, PoseBatch) else data.device


def _split(count: int, shares: dict[str, float]) -> dict[str, int]:
    """Whole numbers in the ratio of the shares that sum to count: the largest remainders are rounded up."""
    exact = {name: count * share for name, share in shares.items()}
    counts = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: counts[name] - exact[name])
    for name in by_remainder[: count - sum(counts.values())]:
        counts[name] += 1
    return counts
