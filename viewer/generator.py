"""Poses and clips of a trained generator, on an average adult: all it takes is the run's last.pt, no data set."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from augment import Augmenter
from augment.export.poses import STANDING_FPS, standing_person
from augment.gan.source import GanSource
from augment.stored import stored_augmenter
from kinematics import DHHuman
from kinematics.bones import scale_bones
from kinematics.stature import average_bone_lengths
from posenets.checkpoints.content import is_posefk


class ClipSource:
    """Noise -> a clip. fps: frames a second of what it has learnt from."""

    def __init__(self, augmenter: Augmenter, fps: float | None) -> None:
        self._augmenter, self.fps = augmenter, fps or STANDING_FPS
        gan = augmenter.sources["gan"]
        assert isinstance(gan, GanSource)
        self._gan, self._pose_generator = gan, gan.pose_generator.eval()
        self._human, self._lengths = DHHuman(), average_bone_lengths()

    @classmethod
    def of_checkpoint(cls, content: dict[str, Any], path: Path = Path("last.pt")) -> "ClipSource":
        """content: of a run's last.pt, the file `path`; `why_no_generator` has nothing to say about it."""
        stored = stored_augmenter(content, path)
        settings = replace(stored.settings, detector_noise="none")
        augmenter = Augmenter(settings, standing_person(stored.frames))
        augmenter.load_state_dict(stored.fresh_state)
        return cls(augmenter, stored.fps)

    @property
    def frames(self) -> int:
        """Frames of a clip."""
        return self._pose_generator.frames

    def noise(self, seed: int) -> Float[Tensor, "1 noise"]:
        """Standard normal noise; the same seed gives the same."""
        return self._pose_generator.sample_latent(1, torch.Generator().manual_seed(seed))

    @torch.inference_mode()
    def clip(self, noise: Float[Tensor, "1 noise"], temperature: float = 1.0) -> Float[Tensor, "frames 16 3"]:
        """Metres, world, over the origin and on the floor. temperature: times the noise; 0 gives the middle pose."""
        pose = self._pose_generator(temperature * noise)
        lengths = (
            self._lengths if pose.bone_factors is None else scale_bones(self._lengths[None], pose.bone_factors)[:, None]
        )
        joints = self._human(pose.joint_angles, lengths, pose.global_rotation, torch.zeros_like(pose.root))
        at = torch.zeros(1, dtype=torch.int64)
        return self._augmenter.reference.place_on_ground(joints, at, self._gan.remove_foot_skate)[0]


def why_no_generator(content: Any, path: Path) -> str | None:
    """The sentence for a checkpoint that holds no generator, None for one that does."""
    run = content.get("run") if is_posefk(content) else None
    if not isinstance(run, dict):
        return f"{path.name} holds a lifter and no generator: sampling needs the last.pt of a run with a GAN."
    augmenter = run.get("augmenter")
    if not isinstance(augmenter, dict) or "gan" not in augmenter.get("sources", {}):
        return f"{path.name} is of a run without a GAN: there is no generator to sample from."
    return None


def between(
    first: Float[Tensor, "1 noise"], second: Float[Tensor, "1 noise"], share: float
) -> Float[Tensor, "1 noise"]:
    """Noise a share (0 to 1) of the way from one to another, normal noise itself all the way."""
    angle = torch.tensor(share * torch.pi / 2)
    return angle.cos() * first + angle.sin() * second
