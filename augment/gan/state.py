"""The state of a GAN from a file, held against its types, and against the sizes and ranges of its settings."""

from typing import Any, NotRequired, TypedDict

from torch import Tensor

from augment.gan.critics import NUM_JOINTS
from augment.gan.generator import NUM_ANGLES, NUM_FACTORS, NUM_ROOT, NUM_ROTATIONS
from augment.settings import GanSettings
from data.plain import check_plain
from posenets.checkpoints.content import OptimizerState

Weights = dict[str, Tensor]
RANGES = {"generator_every": (1, 10**6), "key_every": (0, 10**6), "critic_frames": (0, 10**6), "max_tilt": (0, 100)}


class GanState(TypedDict):
    """GanSource.state_dict's dictionary; only clips have motion critics."""

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


def check_gan(state: dict[str, Any], settings: GanSettings, frames: int) -> None:
    """Refuse a state of other types, and settings that would build other nets than its, or loop without end."""
    check_plain(state, GanState, "the GAN")
    for name, (least, most) in RANGES.items():
        value = getattr(settings, name)
        if not least <= value <= most:
            raise ValueError(f"its setting {name} is {value}, expected {least} to {most:,}.")
    for (net, key), shape in _shapes(settings, frames).items():
        weight = state.get(net, {}).get(key)
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
