"""Load lifters from PoseFK's checkpoints and from those of original projects."""

from pathlib import Path
from typing import Any

from kinematics.skeleton import Skeleton
from posenets.base import PoseNet
from posenets.checkpoints.content import check_lifter_content, is_posefk
from posenets.checkpoints.files import read_checkpoint
from posenets.checkpoints.fitting import fill
from posenets.checkpoints.published import posenet_with, published_lifter
from posenets.lifter import Lifter, ScreenLifter
from posenets.uncertainty import JointUncertainty
from posenets.views.lifter import RayLifter


def lifter_from_posenet(
    posenet: PoseNet, input_mode: str, skeleton: str, input_layout: str | None = None, reads_focal: bool = False
) -> Lifter:
    lifter = RayLifter if input_mode == "rays" else ScreenLifter
    return lifter(posenet, input_mode, skeleton, input_layout, reads_focal)


def load_lifter(
    path: str | Path, name: str | None = None, input_mode: str = "screen", skeleton: str | None = None,
    **keywords: Any,
) -> Lifter:  # fmt: skip
    """Load a lifter, in evaluation mode. name, input_mode, skeleton, keywords: of original projects' files only."""
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
    return lifter_from_posenet(posenet, input_mode, layout).eval()


def lifter_from_checkpoint(content: dict[str, Any], path: str | Path) -> Lifter:
    """Load a lifter from the content of a PoseFK checkpoint. path: for the error message."""
    check_lifter_content(content, path)
    recipe = content["posenet"]
    shape = {"num_joints": recipe["num_joints"], "frames": recipe["frames"]}
    posenet = posenet_with(content["model_pos"], path, recipe["name"], shape | recipe["sizes"])
    reads = content["input_mode"], content["skeleton"], content.get("input_layout"), content.get("reads_focal", False)
    try:
        lifter = lifter_from_posenet(posenet, *reads).eval()
    except ValueError as error:
        raise ValueError(f"{path} does not fit together: {error}") from error
    if lifter.readout is not None:
        fill(lifter.readout, content.get("readout") or {}, path)
    if content.get("uncertainty"):
        read = lifter.input_skeleton.num_joints, lifter.reads_confidence
        lifter.uncertainty = JointUncertainty.from_weights(content["uncertainty"], path, lifter.skeleton, *read)
    lifter.epoch, lifter.fps = content.get("epoch"), content.get("fps")
    return lifter
