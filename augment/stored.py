"""The augmenter inside the state of a run: held against its types and weights before anything of it is built."""

from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import torch
from torch import Tensor

from augment.settings import AugmentSettings
from augment.sources.registry import source_class
from data import DataSettings
from data.plain import from_plain
from posenets import lifter_from_checkpoint
from posenets.checkpoints.content import check_content, is_posefk

_RANGES = {
    "tries": (1, 1000), "max_reference": (1, 10**8), "bone_spread": (0, 10), "redraws": (0, 10),
    "definition_share": (0, 1), "orientation_share": (0, 1), "definition_width": (0, 2),
}  # fmt: skip


class AugmenterState(TypedDict):
    """Augmenter.state_dict's dictionary."""

    random: Tensor
    sources: dict[str, dict[str, Any]]


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
    """Settings and state of a stored augmenter, its data set, frames T of its clips and their frames a second."""

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
    """Say what a checkpoint without an augmenter lacks; None if it has one."""
    run = content.get("run") if is_posefk(content) else None
    if not isinstance(run, dict):
        return "has no augmenter, expected the last.safetensors of a run with augmentation (run_fk_gan.py)."
    without = "is of a run without augmentation: nothing in it can draw poses."
    return without if run.get("augmenter") is None else None


def stored_augmenter(content: dict[str, Any], path: object) -> StoredAugmenter:
    """Load the augmenter of a checkpoint that has one. path: for the sentence on what does not fit."""
    lifter = lifter_from_checkpoint(content, str(path))
    check_content(content, _Content, path)
    state = content["run"]["augmenter"]
    try:
        settings = from_plain(content["settings"]["augment"], AugmentSettings)
        # Runs from before the setting learnt from the data set's own joints.
        data = from_plain({"joint_definitions": "original"} | content["settings"].get("data", {}), DataSettings)
        check_stored(settings, state, lifter.frames)
    except ValueError as error:
        raise ValueError(f"{path} does not fit together: {error}") from error
    return StoredAugmenter(settings, state, data, lifter.frames, lifter.fps)


def check_stored(settings: AugmentSettings, state: AugmenterState, frames: int) -> None:
    """Refuse settings that would build other nets than those whose weights are in the state, or loop without end."""
    for name, (least, most) in _RANGES.items():
        value = getattr(settings, name)
        if not least <= value <= most:
            raise ValueError(f"its setting {name} is {value}, expected {least} to {most:,}.")
    for name, source_state in state["sources"].items():
        source_class(name).check_state(source_state, settings, frames)
