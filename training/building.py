"""The lifter that the settings of a run describe."""

import math
from typing import Any

from posenets import (
    LIFTERS,
    MULTI_VIEW_LIFTERS,
    Lifter,
    MultiViewLifter,
    build_posenet,
    dh_aug_sizes,
    filter_widths_of,
    lifter_name,
    lifter_of,
)
from posenets.inputs.layouts import network_layout
from training.presets import BLOCK_NAMES, DROPOUT_NAMES, WIDTH_NAMES
from training.settings import LifterSettings, Settings

PUBLISHED_HEADS, FRAMES_A_HEAD = 9, 3  # of ESMformer's 27 frames inside a view
# settings that only one lifter has
_OWN = {
    "filter_widths": "videopose", "causal": "videopose", "middle_frame": "seq2seq", "standardised": "simple_baseline",
    "smfe": "esmformer", "milf": "esmformer", "d_hid": "esmformer", "mvf_kernel": "esmformer",
}  # fmt: skip


def lifter_of_run(settings: Settings, skeleton: str) -> Lifter:
    """The lifter of a run. skeleton: layout it predicts."""
    if lifter_name(settings.lifter.posenet_name) in MULTI_VIEW_LIFTERS:
        return _view_lifter(settings, skeleton)
    return build_lifter(settings.lifter, settings.recipe, skeleton)


def build_lifter(settings: LifterSettings, recipe: str, skeleton: str) -> Lifter:
    """A lifter of one camera. Recipe dh-aug starts from DH-AUG's sizes, the others from those of the lifter's paper."""
    name, frames = lifter_name(settings.posenet_name), settings.window
    if name not in LIFTERS:
        raise ValueError(f"--posenet_name {name} sees several cameras at once: training.building.lifter_of_run.")
    _refuse_foreign(settings, name)
    sizes: dict[str, Any] = dh_aug_sizes(name, frames, settings.filter_widths) if recipe == "dh-aug" else {}
    if settings.posenet_width:
        sizes[WIDTH_NAMES[name]] = settings.posenet_width
    if settings.posenet_blocks:
        blocks = settings.posenet_blocks
        if not BLOCK_NAMES[name]:
            raise ValueError(f"--posenet_blocks {blocks}: {name} has no blocks to count, leave it out.")
        sizes[BLOCK_NAMES[name]] = filter_widths_of(frames, blocks) if name == "videopose" else blocks
    if settings.filter_widths:
        sizes["filter_widths"] = list(settings.filter_widths)
    sizes |= {switch: True for switch in ("causal", "middle_frame", "standardised") if getattr(settings, switch)}
    if settings.dropout >= 0:
        sizes[DROPOUT_NAMES[name]] = settings.dropout
    if settings.confidence:
        sizes["in_features"] = 3
    layout = settings.input_layout or None
    num_joints = network_layout(skeleton, layout).num_joints
    return lifter_of(build_posenet(name, num_joints, frames, **sizes), settings.input_mode, skeleton, layout)


def _view_lifter(settings: Settings, skeleton: str) -> Lifter:
    """A lifter of several cameras: ESMformer's sizes."""
    own, frames = settings.lifter, settings.lifter.window
    name = lifter_name(own.posenet_name)
    _refuse_foreign(own, name)
    sizes: dict[str, Any] = {"views": settings.data.views, "smfe_heads": _heads(frames)}
    if own.posenet_width:
        sizes |= {"channel": own.posenet_width, "d_hid": 2 * own.posenet_width}
    if own.posenet_blocks:
        sizes |= {"smfe": [own.posenet_blocks] * 3, "milf": [own.posenet_blocks] * 3}
    sizes |= {stack: list(blocks) for stack in ("smfe", "milf") if (blocks := getattr(own, stack))}
    sizes |= {size: value for size in ("d_hid", "mvf_kernel") if (value := getattr(own, size))}
    if own.dropout >= 0:
        sizes |= dict.fromkeys(("dropout", "embedding_dropout", "drop_path_rate"), own.dropout)
    if own.input_mode == "rays":
        sizes["in_features"] = 4
    elif own.confidence:
        sizes["in_features"] = 3
    # published: one frame; what corrects triangulated joints can learn from every frame
    sizes["self_supervised"] = settings.self_supervision.self_supervised and own.input_mode == "screen"
    num_joints = network_layout(skeleton, None).num_joints
    posenet = build_posenet(name, num_joints, frames, **sizes)
    lifter = lifter_of(posenet, own.input_mode, skeleton, own.input_layout or None)
    return lifter.start_at_triangulation() if isinstance(lifter, MultiViewLifter) else lifter


def _heads(frames: int) -> int:
    """Heads inside a view, which must divide the frames: published for 27 and more, of as many frames for fewer."""
    return math.gcd(frames, min(PUBLISHED_HEADS, max(frames // FRAMES_A_HEAD, 1)))


def _refuse_foreign(settings: LifterSettings, name: str) -> None:
    for setting, owner in _OWN.items():
        value = getattr(settings, setting)
        if value and name != owner:
            words = " ".join(map(str, value)) if isinstance(value, tuple) else value
            raise ValueError(f"--{setting} {words} is for {owner}, {name} has no such setting: leave it out.")
