"""Schemas of PoseFK's checkpoints; files are checked against them before anything in them is used."""

from typing import Any, NotRequired, TypedDict

from torch import Tensor

from data.plain import check_plain

FORMAT = "posefk-1"
MOST_FPS = 100_000.0
LONGEST_WORD = 40


class Recipe(TypedDict):
    """How a network is rebuilt (see PoseNet)."""

    name: str
    num_joints: int
    frames: int
    sizes: dict[str, Any]


class LifterContent(TypedDict):
    """Lifter.to_checkpoint's dictionary; NotRequired keys were added later."""

    posenet: Recipe
    model_pos: dict[str, Tensor]
    input_mode: str
    skeleton: str
    input_layout: NotRequired[str | None]
    readout: NotRequired[dict[str, Tensor] | None]
    reads_focal: NotRequired[bool]
    epoch: NotRequired[int | None]
    fps: NotRequired[float | None]
    uncertainty: NotRequired[dict[str, Tensor] | None]
    settings: NotRequired[dict[str, Any]]
    card: NotRequired[dict[str, Any]]  # of lifters that ship


class OptimizerState(TypedDict):
    """The part of an optimiser's state that is loaded: the state of each weight, by its number."""

    state: dict[int, dict[str, Tensor]]


def is_posefk(content: Any) -> bool:
    """Whether a checkpoint is one of PoseFK's own."""
    return isinstance(content, dict) and content.get("format") == FORMAT


def check_content(content: Any, schema: Any, path: object) -> None:
    """Refuse a part of a checkpoint that does not match a TypedDict."""
    try:
        check_plain(content, schema, "it")
    except ValueError as error:
        raise ValueError(f"{path} is not a whole checkpoint of PoseFK's: {error}") from error


def check_lifter_content(content: dict[str, Any], path: object) -> None:
    """Refuse content that is not a lifter's checkpoint, and say what is wrong."""
    absent = [key for key in LifterContent.__annotations__ if key in LifterContent.__required_keys__ - content.keys()]
    if absent:
        held = ", ".join(map(str, content))[:120]
        raise ValueError(f"{path} is a PoseFK checkpoint without {', '.join(absent)}: it holds {held}.")
    try:
        check_plain(content["posenet"], Recipe, "it")
    except ValueError as error:
        raise ValueError(f"{path} is a PoseFK checkpoint with a damaged recipe of its lifter: {error}") from error
    check_content(content, LifterContent, path)
    words = (content["posenet"]["name"], content["input_mode"], content["skeleton"], content.get("input_layout") or "")
    for word in (*words, *content["posenet"]["sizes"]):
        if len(word) > LONGEST_WORD:
            raise ValueError(f"{path} is not a whole checkpoint of PoseFK's: {word[:LONGEST_WORD]}... is no name.")
    fps = content.get("fps")
    if fps is not None and not 0 < fps <= MOST_FPS:
        raise ValueError(f"{path} is not a whole checkpoint of PoseFK's: its fps is {fps:g}, expected frames a second.")
