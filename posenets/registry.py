"""Registry of lifters: every lifter's file registers it with a LifterSpec.

    @register_lifter(LifterSpec(name="my_lifter", signature="my_layer.weight", width="hidden"))
    class MyLifter(PoseNet): ...

A module outside the package registers its lifters in the same way as soon as it is imported.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from kinematics.errors import nearest
from posenets.base import PoseNet

Sizes = dict[str, Any]
Preset = dict[str, dict[str, Any]]  # settings: {"lifter": {...}, "learning": {...}}
SizeRule = str | Callable[[Any, int], Sizes]


@dataclass(frozen=True, kw_only=True)
class LifterSpec:
    """Description of a lifter for the commands; the keywords of its class are its sizes."""

    name: str
    signature: str
    """A weight that only this lifter has: identifies its checkpoints."""
    aliases: tuple[str, ...] = ()
    multi_view: bool = False
    """Reads several cameras at once."""
    width: SizeRule = ""
    """What --posenet_width sets: a keyword, or a function (number, frames) -> keywords; "": no such size."""
    blocks: SizeRule = ""
    dropout: SizeRule = ""
    settings: tuple[str, ...] = ()
    """Settings that only this lifter has, named like the class's keywords."""
    sizes: Callable[..., Sizes] = lambda **run: {}
    """Keywords that depend on the run: frames, views, input_mode, self_supervised -> keywords."""
    dh_aug_sizes: Callable[[int], Sizes] = lambda frames: {}
    """Sizes in DH-AUG's program, by number of frames; the class's defaults are those of its own paper."""
    training: Mapping[str, Preset] = field(default_factory=dict)
    """Published training settings, by the name or alias that was typed, else by the name."""
    h36m_length: Mapping[str, Preset] = field(default_factory=dict)
    """Published epochs and batch size on Human3.6M, by name or alias."""
    recipes: Mapping[str, Preset] = field(default_factory=dict)
    """Settings by recipe."""
    small: Preset = field(default_factory=dict)
    """Smaller sizes for the short runs of a laptop."""
    budget_sizes: bool = True
    """Whether to use the width and dropout of short runs, which are meant for fully connected layers."""
    renamed_sizes: Mapping[str, str] = field(default_factory=dict)
    """Earlier names of keywords, in older checkpoints."""
    sizes_from_weights: Callable[[Mapping[str, Tensor]], Sizes] = lambda weights: {}
    """Sizes inferred from a published checkpoint; frames=None if they cannot be inferred."""

    def published(self, by_name: Mapping[str, Preset], typed: str) -> Preset:
        """Return the entry of `training` or `h36m_length` for the name as typed."""
        return by_name.get(typed, by_name.get(self.name, {}))


LIFTERS: dict[str, LifterSpec] = {}
ALIASES: dict[str, str] = {}
_CLASSES: dict[str, type[PoseNet]] = {}


def register_lifter(spec: LifterSpec) -> Callable[[type[PoseNet]], type[PoseNet]]:
    """Register a lifter for every command (class decorator)."""

    def register(net: type[PoseNet]) -> type[PoseNet]:
        for name in (spec.name, *spec.aliases):
            registered = _CLASSES.get(ALIASES.get(name, name))
            if registered and registered.__qualname__ != net.__qualname__:
                raise ValueError(f"Two lifters are called {name}: {registered.__qualname__} and {net.__qualname__}.")
        net.name = spec.name
        LIFTERS[spec.name], _CLASSES[spec.name] = spec, net
        ALIASES.update(dict.fromkeys(spec.aliases, spec.name))
        return net

    return register


def import_lifters(package: str = "posenets") -> None:
    """Import every module of a package's top level, so that its lifters register themselves."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if not module.ispkg:
            importlib.import_module(f"{package}.{module.name}")


def lifter_names(multi_view: bool) -> list[str]:
    """List the names of single-view or of multi-view lifters."""
    return [name for name, spec in LIFTERS.items() if spec.multi_view == multi_view]


def get_spec(name: str) -> LifterSpec:
    known = ALIASES.get(name, name)
    if known not in LIFTERS:
        hint = nearest(name, [*LIFTERS, *ALIASES])
        raise ValueError(f"posenet_name {name}: choose from {', '.join(LIFTERS)}.{hint}")
    return LIFTERS[known]


def build_posenet(name: str, num_joints: int = 16, frames: int = 1, **sizes: Any) -> PoseNet:
    """Build a lifter: (B, [views,] frames, num_joints, in_features) screen -> (B, num_joints, 3) m. sizes: keywords."""
    net = _CLASSES[get_spec(name).name]
    parameters = inspect.signature(net).parameters
    known = [size for size in parameters if size not in ("num_joints", "frames")]
    for size in sizes:
        if size not in known:
            raise ValueError(f"{net.name} has no size {size}: choose from {', '.join(known)}.{nearest(size, known)}")
    if _reads_clips(net):
        return net(num_joints, frames=frames, **sizes)
    if frames != 1:
        clips = ", ".join(one for one in lifter_names(False) if _reads_clips(_CLASSES[one]))
        raise ValueError(f"{net.name} reads 1 frame, but frames is {frames}: choose a lifter of clips: {clips}.")
    return net(num_joints, **sizes)


def _reads_clips(net: type[PoseNet]) -> bool:
    return "frames" in inspect.signature(net).parameters
