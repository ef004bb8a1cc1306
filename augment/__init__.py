"""Synthetic poses: the GAN, the other pose sources, cameras and bodies. Start with augmenter.py."""

from augment.augmenter import Augmenter as Augmenter
from augment.detector_noise.detections import detected_dataset as detected_dataset
from augment.detector_noise.model import DetectorNoise as DetectorNoise
from augment.gan.collapse import collapse_sentence as collapse_sentence
from augment.gan.collapse import diversity as diversity
from augment.gan.critics import Critic2D as Critic2D
from augment.gan.critics import Critic3D as Critic3D
from augment.gan.critics import kcs_features as kcs_features
from augment.gan.generator import GeneratedPose as GeneratedPose
from augment.gan.generator import PoseGenerator as PoseGenerator
from augment.gan.generator import original_state_dict as original_state_dict
from augment.gan.motion_critics import MotionCritic2D as MotionCritic2D
from augment.gan.motion_critics import MotionCritic3D as MotionCritic3D
from augment.gan.wgan import critic_loss as critic_loss
from augment.gan.wgan import gradient_penalty as gradient_penalty
from augment.settings import RECIPES as RECIPES
from augment.settings import AugmentSettings as AugmentSettings
from augment.settings import recipe as recipe
from augment.sources.pose_source import PoseSource as PoseSource
from augment.sources.pose_source import SourceContext as SourceContext
from augment.sources.registry import register_source as register_source
