"""The sources a mixture can name. A new one is a file with a PoseSource and a line here, or, from outside the package,
a module with `@register_source(name)` given to --plugins and a share given to --sources.
"""

from collections.abc import Callable

from augment.gan.source import GanSource
from augment.settings import Mixture
from augment.sources.angle_swap import AngleSwap
from augment.sources.limb_swap import LimbSwap
from augment.sources.pose_source import PoseSource
from augment.sources.random_poses import ClippedNormal, RangeOfMotion
from augment.sources.real import RealPoses

SOURCES: dict[str, type[PoseSource]] = {
    "gan": GanSource,
    "angle_swap": AngleSwap,
    "limb_swap": LimbSwap,
    "range_of_motion": RangeOfMotion,
    "clipped_normal": ClippedNormal,
    "real": RealPoses,
}


def register_source(name: str) -> Callable[[type[PoseSource]], type[PoseSource]]:
    """Class decorator: make a PoseSource known under a name."""

    def register(source: type[PoseSource]) -> type[PoseSource]:
        known = SOURCES.setdefault(name, source)
        if (known.__module__, known.__qualname__) != (source.__module__, source.__qualname__):
            raise ValueError(f"There is a source {name} already ({known.__name__}): rename {source.__name__}.")
        SOURCES[name] = source
        return source

    return register


def source_class(name: str) -> type[PoseSource]:
    """Return the class of a source, or one sentence with the names there are."""
    if name not in SOURCES:
        raise ValueError(
            f"There is no source of poses {name}: choose from {', '.join(SOURCES)}, or import the module "
            "that registers it with --plugins."
        )
    return SOURCES[name]


def mixture_sources(mixture: Mixture) -> dict[str, type[PoseSource]]:
    """Return the classes of the sources that have a share; refuses shares and names that are none."""
    return {name: source_class(name) for name in mixture.shares()}
