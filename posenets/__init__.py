"""Lifters: (B, T, J, 2) screen joints -> (B, J, 3) metres, root-relative."""

import kinematics.early_stop  # noqa: F401 before what takes time
from posenets.base import PoseNet as PoseNet
from posenets.checkpoints.lifters import lifter_from_checkpoint as lifter_from_checkpoint
from posenets.checkpoints.lifters import lifter_from_posenet as lifter_from_posenet
from posenets.checkpoints.lifters import load_lifter as load_lifter
from posenets.checkpoints.published import load_published as load_published
from posenets.inputs.modes import INPUT_MODES as INPUT_MODES
from posenets.inputs.modes import VIEW_MODES as VIEW_MODES
from posenets.lifter import Lifter as Lifter
from posenets.lifter import ScreenLifter as ScreenLifter
from posenets.registry import ALIASES as ALIASES
from posenets.registry import LIFTERS as LIFTERS
from posenets.registry import build_posenet as build_posenet
from posenets.registry import get_spec as get_spec
from posenets.registry import import_lifters
from posenets.registry import lifter_names as lifter_names
from posenets.views.lifter import RayLifter as RayLifter

import_lifters()
