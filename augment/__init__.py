"""Synthetic poses: the GAN, the other pose sources, cameras and bodies. Start with augmenter.py."""

import kinematics.early_stop  # noqa: F401 before what takes time
from augment.augmenter import Augmenter as Augmenter
from augment.detector_noise.detections import detected_dataset as detected_dataset
from augment.detector_noise.model import DetectorNoise as DetectorNoise
from augment.settings import RECIPES as RECIPES
from augment.settings import AugmentSettings as AugmentSettings
from augment.sources.pose_source import PoseSource as PoseSource
from augment.sources.pose_source import SourceContext as SourceContext
from augment.sources.registry import register_source as register_source
