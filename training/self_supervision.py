"""Learning without 3D labels: what the views of a pose say of each other, and the labels taken away for good."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from augment.detector_noise.detections import as_detected, detected_dataset
from augment.detector_noise.model import DetectorNoise
from data import SYNTHETIC, PoseBatch
from data.multiview.dataset import MultiViewDataset, Poses
from kinematics import Camera
from posenets import Lifter
from posenets.checkpoints.fitting import refuse_not_finite
from posenets.views.rays import triangulated
from training.config.settings import Settings
from training.detections import RunDetectorNoise
from training.losses import forward_batch, mean_distance
from training.view_losses import LEAST, ErrorAwareWeights, self_supervised

FRAMES_AT_ONCE = 16384  # triangulated together


class SelfSupervision:
    """Loss of real poses by their views alone, of synthetic ones by their 3D.

    noise: error of the detections, as far as known. With --noisier2noise the lifter sees them with as much error once
    more and is held against them as they were (Noisier2Noise, Moran et al., 2020).
    """

    def __init__(
        self, settings: Settings, lifter: Lifter, samples: int, device: torch.device, noise: DetectorNoise | None = None
    ) -> None:
        self.options = settings.self_supervision
        wanted = {"on": True, "off": False, "auto": lifter.input_mode == "rays"}[self.options.noisier2noise]
        if self.options.noisier2noise == "on" and noise is None:
            raise ValueError(
                "--noisier2noise on: the 2D is exact, so there is no error to repeat: add --detector_noise default or "
                "a file."
            )
        self.noise = noise if wanted else None
        self.learning = replace(settings.learning, loss_frames="all" if lifter.posenet.predicts_window else "target")
        self.weights = ErrorAwareWeights(samples, device) if self.options.adaptive_loss else None

    def __call__(self, lifter: Lifter, batch: PoseBatch) -> Tensor:
        """The mean over a batch: metres, and where reprojection counts half image widths."""
        made = batch.source == SYNTHETIC
        order = made.to(torch.uint8).argsort(stable=True)
        synthetic = int(made.sum())  # the one thing a device is asked for
        recorded = len(batch) - synthetic
        prediction = forward_batch(lifter, self._shown(batch, made) if recorded else batch, self.learning)
        if self.learning.loss_frames == "target":
            batch = batch.only_frame(lifter.target_frame)
        loss = prediction.new_zeros(())
        if recorded:
            indices = order[:recorded]
            loss = loss + recorded * self._of_views(prediction[indices], batch[indices])
        if synthetic:
            indices = order[recorded:]
            loss = loss + synthetic * mean_distance(prediction[indices], lifter.target(batch[indices]))
        return loss / len(batch)

    def _shown(self, batch: PoseBatch, made: Tensor) -> PoseBatch:
        """Return what the lifter sees: real poses with the detector's error a second time."""
        if self.noise is None:
            return batch
        device = batch.joints_2d.device
        seed = int(torch.randint(2**62, ()))  # of the global generator, whose state is in the run's
        noisier = as_detected(batch, self.noise, torch.Generator(device).manual_seed(seed))
        once = made[:, None, None, None]
        certainty = torch.minimum(batch.certainty(), noisier.certainty())
        return replace(
            batch, joints_2d=torch.where(once[..., None], batch.joints_2d, noisier.joints_2d),
            confidence=torch.where(once, batch.certainty(), certainty),
        )  # fmt: skip

    def _of_views(self, prediction: Tensor, batch: PoseBatch) -> Tensor:
        options = self.options
        share = options.loss_w if options.tri_loss and options.reproj_loss else float(options.tri_loss)
        losses = self_supervised(prediction, batch, share)
        return losses.mean() if self.weights is None else self.weights.weighted(losses, batch.numbers())

    def synchronise(self) -> None:
        """Make the weights of all processes the same."""
        if self.weights is not None:
            self.weights.synchronise()

    def state_dict(self) -> dict[str, Any]:
        """The samples' weights, and those that all processes last agreed on."""
        if self.weights is None:
            return {"weights": None}
        return {"weights": self.weights.weights, "agreed": self.weights.agreed}

    def merged(self, states: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the state of which several processes are, as synchronise makes it."""
        if any(state.get("weights") is None or state.get("agreed") is None for state in states):
            return states[0]
        agreed = states[0]["agreed"].log()
        factors = sum(state["weights"].log() - agreed for state in states)
        return {"weights": (agreed + factors).exp().clamp_min(LEAST), "agreed": None}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if self.weights is None:
            return
        weights = state.get("weights")
        if weights is None or weights.shape != self.weights.weights.shape:
            raise ValueError("The saved run has other samples than the data: --resume needs those it was started with.")
        refuse_not_finite({"loss": {"weights": weights}}, "The saved run")
        self.weights.restore(weights, state.get("agreed"))


def without_labels(real: Poses, noise: RunDetectorNoise, seed: int) -> tuple[MultiViewDataset, RunDetectorNoise]:
    """Replace 3D labels by triangulated joints; a detector's error on real poses is put on them here, once."""
    if not isinstance(real, MultiViewDataset):
        raise ValueError("Learning without labels needs data of several views, these have one of each pose.")
    if noise.model is not None and noise.on_real:
        seen = detected_dataset(real, noise.model, seed)
        real = real.replaced(joints_2d=seen.joints_2d, confidence=seen.confidence)
        noise = replace(noise, on_real=False)
    joints_3d = torch.full_like(real.joints_3d, torch.nan)
    for indices, present, cameras in _moments(real):
        seen = real.joints_2d[indices]
        certainty = torch.ones_like(seen[..., 0]) if real.confidence is None else real.confidence[indices]
        certainty = certainty * present[..., None]
        world = triangulated(seen[:, :, None], certainty[:, :, None], cameras)  # (K, 1, J, 3)
        joints_3d[indices] = cameras.world_to_camera(world.expand(-1, indices.shape[1], -1, -1))
    return real.replaced(joints_3d=joints_3d), noise


def _moments(data: MultiViewDataset) -> Iterator[tuple[Tensor, Tensor, Camera]]:
    """Every frame that a window can hold, in parts: indices (K, V) of joints_2d, (K, V) bool whether the view exists,
    cameras (K, V).
    """
    flat = data.flat
    if data.frames == 1:
        indices, seen_by, present = flat.sample[data.rows], flat.camera_of_sample[data.rows], data.present
    else:
        _, clip = data.first.unique(return_inverse=True)
        lead = torch.zeros(int(clip.max()) + 1, dtype=torch.int64, device=data.device)
        lead[clip] = torch.arange(len(clip), device=data.device)  # some sample of each clip
        lengths = data.last[lead] - data.first[lead] + 1
        start = torch.repeat_interleave(lengths.cumsum(0) - lengths, lengths)
        step = torch.arange(len(start), device=data.device) - start
        lead = torch.repeat_interleave(lead, lengths)
        indices = flat.first[data.rows[lead]] + step[:, None]
        seen_by, present = flat.camera_of_sample[data.rows[lead]], data.present[lead]
    if flat.present is not None:
        present = present & flat.present[indices]
    if flat.cameras is None:
        raise ValueError("Learning without labels needs the poses' cameras, but there are none.")
    for part in torch.arange(len(indices), device=data.device).split(FRAMES_AT_ONCE):
        yield indices[part], present[part], flat.cameras[seen_by[part]]
