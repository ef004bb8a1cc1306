"""The lifter that the settings of a run describe."""

from posenets import Lifter, build_posenet, get_spec, lifter_from_posenet
from posenets.inputs.layouts import network_layout
from posenets.registry import LIFTERS, LifterSpec, SizeRule, Sizes
from training.config.settings import LifterSettings, Settings


def build_lifter(settings: Settings, skeleton: str) -> Lifter:
    """Build a lifter of DH-AUG's sizes with recipe dh-aug, else of its paper's. skeleton: layout it predicts."""
    asked, spec = settings.lifter, get_spec(settings.lifter.posenet_name)
    frames, layout = asked.window, asked.input_layout
    _refuse_others_settings(asked, spec)
    sizes = spec.dh_aug_sizes(frames) if settings.recipe == "dh-aug" else {}
    sizes |= spec.sizes(
        frames=frames, views=settings.data.views, input_mode=asked.input_mode,
        self_supervised=settings.self_supervision.self_supervised,
    )  # fmt: skip
    if asked.posenet_width is not None:
        sizes |= _keywords(spec, "width", asked.posenet_width, frames)
    if asked.posenet_blocks is not None:
        sizes |= _keywords(spec, "blocks", asked.posenet_blocks, frames)
    if asked.dropout is not None:
        sizes |= _keywords(spec, "dropout", asked.dropout, frames)
    sizes |= {name: value for name in spec.settings if (value := getattr(asked, name))}
    known_focal = settings.learning.known_focal > 0
    if asked.input_mode == "rays":
        sizes["in_features"] = 4
    elif asked.confidence or known_focal:
        sizes["in_features"] = 2 + asked.confidence + known_focal
    posenet = build_posenet(spec.name, network_layout(skeleton, layout).num_joints, frames, **sizes)
    if asked.input_mode == "rays":
        posenet.zero_output()  # what the network adds to triangulated joints
    return lifter_from_posenet(posenet, asked.input_mode, skeleton, layout, known_focal)


def _keywords(spec: LifterSpec, size: str, number: float | int, frames: int) -> Sizes:
    rule: SizeRule = getattr(spec, size)
    if not rule:
        what = {"width": "width to set", "blocks": "blocks to count"}.get(size, size)
        flag = size if size == "dropout" else f"posenet_{size}"
        raise ValueError(f"--{flag} {number}: {spec.name} has no {what}, leave it out.")
    return {rule: number} if isinstance(rule, str) else rule(number, frames)


def _refuse_others_settings(settings: LifterSettings, spec: LifterSpec) -> None:
    for other in LIFTERS.values():
        for name in set(other.settings) - set(spec.settings):
            if value := getattr(settings, name):
                words = " ".join(map(str, value)) if isinstance(value, tuple) else value
                raise ValueError(
                    f"--{name} {words} is for {other.name}, {spec.name} has no such setting: leave it out."
                )
