"""Pure geometry on tensors: no files, no networks, no hidden randomness. Conventions: docs/conventions.md."""

import kinematics.early_stop  # noqa: F401 before what takes time
from kinematics.bones import BONE_JOINTS as BONE_JOINTS
from kinematics.bones import BONES as BONES
from kinematics.bones import bone_lengths as bone_lengths
from kinematics.camera import Camera as Camera
from kinematics.camera import in_front as in_front
from kinematics.camera import in_image as in_image
from kinematics.camera import look_at as look_at
from kinematics.camera import project_to_2d as project_to_2d
from kinematics.camera import screen_to_pixels as screen_to_pixels
from kinematics.dh import JOINT_ANGLES as JOINT_ANGLES
from kinematics.errors import PoseFKError as PoseFKError
from kinematics.errors import exit_with_one_sentence as exit_with_one_sentence
from kinematics.human import BodyPose as BodyPose
from kinematics.human import DHHuman as DHHuman
from kinematics.inverse import joint_angles_from_joints as joint_angles_from_joints
from kinematics.limits import JointLimits as JointLimits
from kinematics.limits import joint_limits as joint_limits
from kinematics.skeleton import Skeleton as Skeleton
