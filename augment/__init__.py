"""Synthetic poses: the GAN, the other pose sources, cameras and bodies. Start with augmenter.py."""

from augment.augmenter import Augmenter as Augmenter
from augment.collapse import collapse_sentence as collapse_sentence
from augment.collapse import diversity as diversity
from augment.critics import Critic2D as Critic2D
from augment.critics import Critic3D as Critic3D
from augment.critics import kcs_features as kcs_features
from augment.detections import detected_dataset as detected_dataset
from augment.detector_noise import DetectorNoise as DetectorNoise
from augment.generator import GeneratedPose as GeneratedPose
from augment.generator import PoseGenerator as PoseGenerator
from augment.generator import original_state_dict as original_state_dict
from augment.motion_critics import MotionCritic2D as MotionCritic2D
from augment.motion_critics import MotionCritic3D as MotionCritic3D
from augment.pool import PosePool as PosePool
from augment.settings import RECIPES as RECIPES
from augment.settings import AugmentSettings as AugmentSettings
from augment.settings import recipe as recipe
from augment.wgan import critic_loss as critic_loss
from augment.wgan import gradient_penalty as gradient_penalty
