"""The error of detected 2D, for 2D that was projected: what a lifter of detections should see while it learns.

A joint of a frame is one of three: found, with a Gaussian error; an outlier, anywhere in a disc about the true place;
or missed, anywhere in a larger disc. All lengths are over the size of the person on the screen (`person_size`): the
same detector errs by more pixels on a larger person. Errors go on from frame to frame: error, kind and confidence of a
joint follow normal numbers with correlation exp(-dt / seconds), an AR(1) process. A confidence is
sigmoid(certain - slope * error + spread * normal), and at most 0.05 for a missed joint wherever it is put.

The parts are those of the noise MotionBERT trains with (Zhu et al., ICCV 2023): Gaussian and uniform mixed per joint,
smooth in time, a confidence from the distance, joints left out.
"""

import json
import math
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from augment.detector_noise import fitting as noise_fitting
from data.files.archive import in_short, shortened
from data.files.json_file import read_json
from data.files.writing import atomic_write
from kinematics import Skeleton
from kinematics.constants import constant

MISSED_CONFIDENCE = 0.05  # the largest of a missed joint
FARTHEST, LARGEST = 100.0, 1e9  # of an error, in sizes of the person; of any other number
FPS = 50.0  # Human3.6M's
# Default numbers by joint (left and right alike): sd over the person's size, share of outliers, share of missed.
# Nothing was measured for them, `fit` does that: they are an order of magnitude. A standing person 450 pixels tall has
# a size of some 130 pixels, so 0.025 to 0.045 are mean errors of 4 to 7 pixels, what a detector trained on the same
# joints is expected to reach; ends of limbs are small, fast and hidden more often than the trunk.
_DEFAULTS = {
    "Hip": (0.025, 0.002, 0.001), "Spine": (0.025, 0.002, 0.001), "Thorax": (0.025, 0.002, 0.001),
    "NeckNose": (0.025, 0.002, 0.001), "Head": (0.025, 0.004, 0.002), "Shoulder": (0.030, 0.005, 0.002),
    "Knee": (0.035, 0.010, 0.004), "Elbow": (0.040, 0.015, 0.008), "Ankle": (0.040, 0.015, 0.008),
    "Wrist": (0.045, 0.020, 0.010), "Nose": (0.020, 0.004, 0.002), "Eye": (0.020, 0.004, 0.002),
    "Ear": (0.025, 0.008, 0.004),
}  # fmt: skip


def person_size(joints_2d: Float[Tensor, "*batch joints 2"]) -> Float[Tensor, "*batch"]:
    """Root mean square distance of the joints from their middle, screen units."""
    centred = joints_2d - joints_2d.mean(dim=-2, keepdim=True)
    return centred.square().sum(-1).mean(-1).sqrt()


@dataclass(frozen=True)
class DetectorNoise:
    """How a detector errs. Lengths are over person_size.

    skeleton: joint layout; sd: of each coordinate of each joint's Gaussian error; outliers, missed: share of frames, by
    joint; outlier_radius, missed_radius: of the discs; seconds: correlation time; certain, slope, spread: confidence,
    in logits; fps: frames a second of the clips it is applied to.
    """

    skeleton: str
    sd: tuple[float, ...]
    outliers: tuple[float, ...]
    missed: tuple[float, ...]
    outlier_radius: float = 1.0
    missed_radius: float = 3.0
    seconds: float = 0.1
    certain: float = 3.0
    slope: float = 15.0
    spread: float = 0.5
    fps: float = FPS

    def __post_init__(self) -> None:
        count = Skeleton(self.skeleton).num_joints
        for name in ("sd", "outliers", "missed"):
            values = getattr(self, name)
            if len(values) != count or not all(0 <= value <= FARTHEST for value in values):
                raise ValueError(
                    f"DetectorNoise.{name} is {shortened(str(values), 60)}, expected {count} numbers of 0 or "
                    f"more, at most {FARTHEST:g}."
                )
        if any(sum(pair) > 1 for pair in zip(self.outliers, self.missed, strict=True)):
            raise ValueError("DetectorNoise has a joint with outliers + missed above 1, expected shares of all frames.")
        for name in ("outlier_radius", "missed_radius", "seconds", "slope", "spread", "fps"):
            value, most = getattr(self, name), FARTHEST if name.endswith("radius") else LARGEST
            if not 0 <= value <= most or (name == "fps" and not value):
                raise ValueError(f"DetectorNoise.{name} is {value:g}, expected a number from 0 up, at most {most:g}.")
        if not abs(self.certain) <= LARGEST:
            raise ValueError(f"DetectorNoise.certain is {self.certain:g}, expected a number, at most {LARGEST:g}.")

    @classmethod
    def default(cls, skeleton: str = "h36m_16", fps: float | int = FPS) -> "DetectorNoise":
        """Return the numbers of _DEFAULTS, not measured: confidences fall from 0.95 to 0.5 at a fifth of the size."""
        joint_defaults = []
        for joint in Skeleton(skeleton).joints:
            part = joint[1:] if joint[0] in "LR" and joint[1:] in _DEFAULTS else joint
            if part not in _DEFAULTS:
                raise ValueError(
                    f"DetectorNoise.default has no numbers for {joint}: fit it, or use h36m_16, h36m_17 or coco_17."
                )
            joint_defaults.append(_DEFAULTS[part])
        sd, outliers, missed = zip(*joint_defaults, strict=True)
        return cls(skeleton, sd, outliers, missed, fps=float(fps))

    @classmethod
    def fit(
        cls, detected: Float[Tensor, "poses joints 2"], true: Float[Tensor, "poses joints 2"],
        confidence: Float[Tensor, "poses joints"] | None = None, follows: Bool[Tensor, "poses"] | None = None,
        fps: float | int = FPS,
    ) -> "DetectorNoise":  # fmt: skip
        """Fit to detected and true 2D, screen units. follows: frame after the one before; None: independent in time."""
        skeleton = Skeleton.from_num_joints(true.shape[1])
        errors = ((detected - true) / person_size(true)[:, None, None].clamp_min(1e-9)).double().cpu()
        mixture = noise_fitting.fit_mixture(errors, cls.outlier_radius, cls.missed_radius)
        seconds = noise_fitting.correlation_time(errors, mixture, None if follows is None else follows.cpu(), fps)
        line = None if confidence is None else noise_fitting.confidence_line(errors, confidence.double().cpu(), mixture)
        certain, slope, spread = line or (cls.certain, cls.slope, cls.spread)
        sd, outliers, missed = (tuple(values.tolist()) for values in (mixture.sd, mixture.outliers, mixture.missed))
        return cls(
            skeleton.name, sd, outliers, missed, seconds=seconds, certain=certain, slope=slope, spread=spread,
            fps=float(fps),
        )  # fmt: skip

    def apply(
        self, joints_2d: Float[Tensor, "batch frames joints 2"], generator: torch.Generator
    ) -> tuple[Float[Tensor, "batch frames joints 2"], Float[Tensor, "batch frames joints"]]:
        """Joints as the detector would see them, screen, and its confidences. generator: on any device."""
        Skeleton(self.skeleton).check(joints_2d)
        normal = self._smooth_normal(joints_2d, generator)  # (B, T, J, 4)
        towards, fate, doubt = normal[..., :2], torch.special.ndtr(normal[..., 2]), normal[..., 3]
        squared = towards.square().sum(-1, keepdim=True)
        # The squared length of two normal numbers has the distribution 1 - exp(-x / 2): this is uniform in the disc.
        in_disc = towards * (-torch.expm1(-squared / 2) / squared.clamp_min(1e-12)).sqrt()
        sd, outliers, missed = (constant(values, joints_2d) for values in (self.sd, self.outliers, self.missed))
        is_missed, is_found = fate < missed, fate >= missed + outliers
        error = torch.where(is_found[..., None], sd[:, None] * towards, self.outlier_radius * in_disc)
        error = torch.where(is_missed[..., None], self.missed_radius * in_disc, error)
        confidence = torch.sigmoid(self.certain - self.slope * error.norm(dim=-1) + self.spread * doubt)
        confidence = torch.where(is_missed, confidence.clamp_max(MISSED_CONFIDENCE), confidence)
        return joints_2d + error * person_size(joints_2d)[..., None, None], confidence

    def _smooth_normal(self, joints_2d: Tensor, generator: torch.Generator) -> Tensor:
        """Four standard normal numbers for every joint of every frame, each an AR(1) process over the frames."""
        shape, dtype = (*joints_2d.shape[:3], 4), joints_2d.dtype
        fresh = torch.randn(shape, generator=generator, device=generator.device, dtype=dtype).to(joints_2d.device)
        keep = self.correlation
        if fresh.shape[1] == 1 or keep == 0:
            return fresh
        frames = torch.arange(fresh.shape[1], device=fresh.device)
        weights = constant((keep,), joints_2d)[0] ** (frames[:, None] - frames).clamp_min(0).to(fresh.dtype)
        weights[:, 1:] *= math.sqrt(1 - keep**2)
        return torch.einsum("ts,bsjc->btjc", weights.tril(), fresh)

    @property
    def correlation(self) -> float:
        """Compute the correlation of the errors of neighbouring frames at `fps`."""
        return math.exp(-1 / (self.fps * self.seconds)) if self.seconds else 0.0

    def of_joints(self, skeleton: str) -> "DetectorNoise":
        """Return the same detector in a layout with fewer joints (17 -> 16, by name)."""
        layout, wanted = Skeleton(self.skeleton), Skeleton(skeleton)
        tables = {name: layout.convert(np.array(getattr(self, name)), wanted, axis=-1) for name in _TABLES}
        return replace(self, skeleton=skeleton, **{name: tuple(table.tolist()) for name, table in tables.items()})

    def summary(self) -> str:
        """Summarise the noise in one line."""
        sd, outliers, missed = (100 * sum(getattr(self, name)) / len(self.sd) for name in _TABLES)
        return (
            f"detector noise: sd {sd:.1f} % of the person's size on the screen ({100 * min(self.sd):.1f} to "
            f"{100 * max(self.sd):.1f} by joint), outliers {outliers:.2f} %, missed {missed:.2f} % of the joints, "
            f"correlated over {self.seconds:.3g} s"
        )

    def save(self, path: str | Path) -> None:
        """Write a JSON file of plain numbers."""
        with atomic_write(path) as part:
            part.write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> "DetectorNoise":
        """Read what `save` wrote: the same numbers to the last bit."""
        return _from_plain(read_json(path, "a DetectorNoise as DetectorNoise.save writes it"), path)


_TABLES = ("sd", "outliers", "missed")


def _from_plain(content: Any, path: str | Path) -> DetectorNoise:
    names = [entry.name for entry in fields(DetectorNoise)]
    if not isinstance(content, dict) or sorted(content) != sorted(names):
        held = shortened(", ".join(content)) if isinstance(content, dict) else type(content).__name__
        raise ValueError(f"{path} holds {held or 'nothing'}, expected a DetectorNoise: {', '.join(names)}.")
    try:
        values: dict[str, Any] = {name: tuple(float(value) for value in content[name]) for name in _TABLES}
        for name in names:
            if name not in _TABLES:
                values[name] = str(content[name]) if name == "skeleton" else float(content[name])
        return DetectorNoise(**values)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{path} is not a DetectorNoise: {in_short(error)}") from error
