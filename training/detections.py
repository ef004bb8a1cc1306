"""What detected 2D means for a run: the noise that the lifter's poses get, and whether it has confidences to read."""

from dataclasses import asdict, dataclass
from typing import Any

import torch

from augment.detector_noise.detections import as_detected, build_detector_noise, is_projected
from augment.detector_noise.model import DetectorNoise
from data import PoseBatch
from data.multiview.dataset import Poses
from data.plain import from_plain
from kinematics.skeleton import Skeleton
from training.config import Settings
from training.schedule import augments

NOISE_FILE = "detector_noise.json"


@dataclass(frozen=True)
class RunDetectorNoise:
    """model: of synthetic poses, None for none; on_real: real ones get it too, their 2D being a projection."""

    model: DetectorNoise | None = None
    on_real: bool = False

    @classmethod
    def from_settings(cls, settings: Settings, real: Poses, state: dict[str, Any] | None = None) -> "RunDetectorNoise":
        """The noise that --detector_noise asks for, fitted if need be; of a run to be continued, the one it had."""
        setting = settings.augment.detector_noise
        if settings.self_supervision.self_supervised and setting == "auto" and not is_projected(real):
            setting = "default"  # one that is fitted has seen the labels
        if state is not None:
            plain = state.get("noise")
            model = None if plain is None else from_plain(plain, DetectorNoise)
        else:
            needed = augments(settings) or setting != "auto"  # what is fitted to detections is for synthetic poses
            screen = settings.lifter.input_layout
            model = build_detector_noise(setting, real, Skeleton(screen) if screen else None) if needed else None
        return cls(model, model is not None and is_projected(real))

    def real(self, batch: PoseBatch, generator: torch.Generator) -> PoseBatch:
        return as_detected(batch, self.model, generator) if self.model is not None and self.on_real else batch

    def to_plain(self) -> dict[str, Any] | None:
        """For the state of a run."""
        return None if self.model is None else asdict(self.model)


def check_confidence(settings: Settings, real: Poses, noise: RunDetectorNoise) -> None:
    """Refuse a lifter that reads confidences where the real poses have none."""
    if settings.lifter.confidence and real.confidence is None and not noise.on_real:
        keypoints = settings.data.keypoints
        raise ValueError(
            f"--confidence True: the 2D of the training data (--keypoints {keypoints}) has no confidences: use a "
            "detector's file with a third column (0 to 1), or projected 2D with --detector_noise default."
        )
