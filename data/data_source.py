"""What a data set says about itself, in its own module; data/__init__.py registers it with one line."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.recordings import DataSettings, DataSplits, Recording
from kinematics.errors import nearest


@dataclass(frozen=True)
class DataSource:
    """One data set: how it is read, what it is tested on, and how long a run on it takes.

    load: settings -> its splits, whose tests are named in test_sets. views: cameras that see a pose at once, at most.
    load_test: loads one of test_sets, by the arguments of a standalone one, without the rest of the data set.
    standalone_test_sets: further test sets with files of their own; each loader takes the settings, the name and the
    frames of the lifter's window. budget: defaults that the data set brings to the settings of a run, by group
    ("lifter", "learning"). by_rule: runs are as long as the number of poses asks, otherwise as the
    budget says. short_runs: the budget is a laptop's, too short for published dropouts and network sizes.
    taught_joints: the numbers of joints that a lifter can learn from it. has_detections: whether settings.keypoints can
    name a detector's 2D of it.
    required_files: what must lie on the disk, and how_to_make: the sentence that tells where it comes from.
    """

    load: Callable[[DataSettings], DataSplits]
    views: int
    test_sets: tuple[str, ...]
    budget: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    short_runs: bool = False
    by_rule: bool = False
    taught_joints: tuple[int, ...] = (16, 17)
    has_detections: bool = False
    standalone_test_sets: Mapping[str, Callable[[DataSettings, str, int], list[Recording]]] = field(
        default_factory=dict
    )
    load_test: Callable[[DataSettings, str, int], DataSplits] | None = None
    required_files: Callable[[DataSettings], Iterable[Path]] = lambda settings: ()
    how_to_make: str = ""


def choose(what: str, wanted: Iterable[str], known: Iterable[str]) -> list[str]:
    """`wanted`, each checked to be one of `known`; the refusal names the nearest."""
    wanted, known = list(wanted), list(known)
    for name in wanted:
        if name not in known:
            raise ValueError(f"{what} {name!r} is not known: choose from {', '.join(known)}.{nearest(name, known)}")
    return wanted


def refuse_shared(train: Iterable[str], test: Iterable[str]) -> None:
    """Refuse subjects that are in both lists."""
    if both := sorted({*train} & {*test}):
        raise ValueError(f"Subject {', '.join(both)} would be trained and tested on: name it in one of the two lists.")
