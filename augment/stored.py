"""The augmenter inside a run's last.pt: held against its types and its own weights before anything of it is built."""

from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import torch
from torch import Tensor

from augment.gan.critics import NUM_JOINTS
from augment.gan.generator import NUM_ANGLES, NUM_FACTORS, NUM_ROOT, NUM_ROTATIONS
from augment.settings import AugmentSettings, GanSettings
from data import DataSettings
from data.plain import from_plain
from posenets import lifter_from_checkpoint
from posenets.checkpoints.content import OptimizerState, check_content, is_posefk

Weights = dict[str, Tensor]


class GanState(TypedDict):
    """Gan.state_dict's dictionary; motion critics are there for clips."""

    generator: Weights
    critic_3d: Weights
    critic_2d: Weights
    motion_critic_3d: NotRequired[Weights]
    motion_critic_2d: NotRequired[Weights]
    generator_optimizer: OptimizerState
    critic_3d_optimizer: OptimizerState
    critic_2d_optimizer: OptimizerState
    motion_critic_3d_optimizer: NotRequired[OptimizerState]
    motion_critic_2d_optimizer: NotRequired[OptimizerState]
    updates: int


class AugmenterState(TypedDict):
    """Augmenter.state_dict's dictionary."""

    random: Tensor
    gan: GanState | None


class _Settings(TypedDict):
    data: NotRequired[dict[str, Any]]
    augment: dict[str, Any]


class _Run(TypedDict):
    augmenter: AugmenterState


class _Content(TypedDict):
    settings: _Settings
    run: _Run


@dataclass
class StoredAugmenter:
    """settings and state of a run's augmenter, which fit each other; data: what it was made from; frames: T of its
    clips, fps: frames a second of them."""

    settings: AugmentSettings
    state: AugmenterState
    data: DataSettings
    frames: int
    fps: float | None

    @property
    def fresh_state(self) -> dict[str, Any]:
        """The state with new random numbers."""
        return {**self.state, "random": torch.Generator().get_state()}


def why_no_augmenter(content: Any) -> str | None:
    """What is missing in a checkpoint that holds no augmenter; None if it has one."""
    run = content.get("run") if is_posefk(content) else None
    if not isinstance(run, dict):
        return "has no augmenter, expected the last.pt of a run with a GAN (run_fk_gan.py)."
    without = "is of a run without augmentation: nothing in it can draw poses."
    return without if run.get("augmenter") is None else None


def stored_augmenter(content: dict[str, Any], path: object) -> StoredAugmenter:
    """The augmenter of a checkpoint that has one. path: for the sentence on what does not fit."""
    lifter = lifter_from_checkpoint(content, str(path))
    check_content(content, _Content, path)
    state = content["run"]["augmenter"]
    try:
        settings = from_plain(content["settings"]["augment"], AugmentSettings)
        data = from_plain(content["settings"].get("data", {}), DataSettings)
        check_stored(settings, state, lifter.frames)
    except ValueError as error:
        raise ValueError(f"{path} does not fit together: {error}") from error
    return StoredAugmenter(settings, state, data, lifter.frames, lifter.fps)


def check_stored(settings: AugmentSettings, state: AugmenterState, frames: int) -> None:
    """Refuse settings that would build other nets than those whose weights are in the state, or loop without end."""
    gan = settings.gan
    ranges = {
        "tries": (settings.tries, 1, 1000), "max_reference": (settings.max_reference, 1, 10**8),
        "generator_every": (gan.generator_every, 1, 10**6), "key_every": (gan.key_every, 0, 10**6),
        "critic_frames": (gan.critic_frames, 0, 10**6), "max_tilt": (gan.max_tilt, 0, 100),
        "bone_spread": (settings.bone_spread, 0, 10),
    }  # fmt: skip
    for name, (value, least, most) in ranges.items():
        if not least <= value <= most:
            raise ValueError(f"its setting {name} is {value}, expected {least} to {most:,}.")
    nets = state["gan"]
    if nets is None:
        return
    for (net, key), shape in _shapes(gan, frames).items():
        weight = nets.get(net, {}).get(key)
        held = "is missing" if weight is None else f"is {tuple(weight.shape)}"
        if weight is None or tuple(weight.shape) != shape:
            raise ValueError(f"its settings describe a {net} with {key} of {shape}, which {held}.")


def _shapes(gan: GanSettings, frames: int) -> dict[tuple[str, str], tuple[int, int]]:
    """(net, weight) -> the shape that the settings give it: one weight for each size."""
    outputs = NUM_ANGLES + NUM_ROTATIONS + NUM_ROOT + NUM_FACTORS * gan.learn_bones
    keys = (frames - 1) // gan.key_every + 4 if frames > 1 and gan.key_every else frames
    of_motion = {
        ("motion_critic_3d", "branches.positions.0.weight"): (gan.motion_critic_width, frames * NUM_JOINTS * 3),
        ("motion_critic_2d", "branches.positions.0.weight"): (gan.motion_critic_width, frames * NUM_JOINTS * 2),
    }
    return {
        ("generator", "deconv_out.weight"): (keys * outputs, gan.generator_width),
        ("generator", "preprocess.0.weight"): (gan.generator_width, gan.latent_dim),
        ("critic_3d", "previous.0.weight"): (gan.critic_width_3d, NUM_JOINTS * 3),
        ("critic_2d", "pose_layer_1.weight"): (gan.critic_width_2d, NUM_JOINTS * 2),
        **(of_motion if frames > 1 else {}),
    }
