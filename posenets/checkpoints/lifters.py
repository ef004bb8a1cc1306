"""Lifters from files: PoseFK's own checkpoints, and those of original projects."""

from pathlib import Path
from typing import Any

from kinematics.skeleton import Skeleton
from posenets.base import PoseNet
from posenets.checkpoints.content import check_lifter_content, is_posefk
from posenets.checkpoints.files import read_checkpoint
from posenets.checkpoints.fitting import fill
from posenets.checkpoints.published import posenet_with, published_lifter
from posenets.lifter import Lifter
from posenets.views.lifter import MultiViewLifter


def lifter_of(posenet: PoseNet, input_mode: str, skeleton: str, input_layout: str | None = None) -> Lifter:
    """The lifter around a network: of one camera, or of as many as the network sees."""
    if posenet.views == 1:
        return Lifter(posenet, input_mode, skeleton, input_layout)
    if input_layout is not None:
        raise ValueError(f"input_layout {input_layout}: {posenet.name} reads the joints it predicts, leave it out.")
    return MultiViewLifter(posenet, input_mode, skeleton)


def load_lifter(
    path: str | Path, name: str | None = None, input_mode: str = "screen", skeleton: str | None = None,
    **keywords: Any,
) -> Lifter:  # fmt: skip
    """A lifter from a checkpoint of ours, in evaluation mode; or, given the lifter's name, of an original project.

    name, input_mode, skeleton and keywords serve original projects' files only: ours say all that themselves.
    """
    content = read_checkpoint(path)
    if is_posefk(content):
        return lifter_from_checkpoint(content, path)
    if name is None:
        raise ValueError(
            f"{path} is not a PoseFK checkpoint: for one of an original project, say which lifter it is "
            "(--posenet_name)."
        )
    posenet = published_lifter(content, path, name, **keywords)
    layout = skeleton or Skeleton.from_num_joints(posenet.num_joints).name
    return lifter_of(posenet, input_mode, layout).eval()


def lifter_from_checkpoint(content: dict[str, Any], path: str | Path) -> Lifter:
    """A lifter from what a PoseFK checkpoint holds. path: for the error message."""
    check_lifter_content(content, path)
    recipe = content["posenet"]
    own = {"num_joints": recipe["num_joints"], "frames": recipe["frames"]}
    posenet = posenet_with(content["model_pos"], path, recipe["name"], own | recipe["sizes"])
    try:
        lifter = lifter_of(posenet, content["input_mode"], content["skeleton"], content.get("input_layout")).eval()
    except ValueError as error:
        raise ValueError(f"{path} does not fit together: {error}") from error
    if lifter.readout is not None:
        fill(lifter.readout, content.get("readout") or {}, path)
    lifter.epoch, lifter.fps = content.get("epoch"), content.get("fps")
    return lifter
