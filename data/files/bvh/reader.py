"""BVH motion capture: a hierarchy with channels, to joints in metres with z up; CMU's lost thorax put back.

A BVH joint sits at its parent's origin plus its turned OFFSET, or its position channels in its stead, the root too: as
Blender, MotionBuilder and most players read them. Its rotation channels multiply in the order they are written, each
about the axes turned by the ones before. Units are told by the thigh. The well-known conversion of CMU's database folds
the ASF bone frames into the angles, keeps the ASF unit of length (0.0254 / 0.45 m), puts a rest pose before the first
frame, and leaves out the offset of one bone, the thorax: the children of Spine1 (neck and shoulders) sit some 115 mm
too low.
"""

import re
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from data.files.archive import in_short
from data.files.asf_amc import CUT_SHORT, INCH, TAKE_AGAIN, AsfSkeleton, refuse_wild, z_up
from data.keypoints.mapping import to_layout
from data.plausible import check_rate
from kinematics.skeleton import Skeleton

CMU_METRES_PER_UNIT = INCH / 0.45
LOST_THORAX_PARENT = "Spine1"
END_SITE = "/end"
_CHANNEL = re.compile("[XYZ](position|rotation)")
THORAX_EXTRAPOLATION = 0.6
UNITS_M = (CMU_METRES_PER_UNIT, 1.0, 0.01, 0.001, INCH)  # no thigh is one of a person in two of them
THIGH_M = (0.28, 0.62)
STILL = 0.1  # position channels that stay below this share of an OFFSET are added to it: else the bone were gone

# H36M-17 joint -> the BVH joint whose origin it is.
H36M_17_FROM_BVH = {
    "Hip": "Hips", "RHip": "RightUpLeg", "RKnee": "RightLeg", "RAnkle": "RightFoot",
    "LHip": "LeftUpLeg", "LKnee": "LeftLeg", "LAnkle": "LeftFoot",
    "Spine": "Spine1", "Thorax": "Neck1", "NeckNose": "Head", "Head": "Head" + END_SITE,
    "LShoulder": "LeftArm", "LElbow": "LeftForeArm", "LWrist": "LeftHand",
    "RShoulder": "RightArm", "RElbow": "RightForeArm", "RWrist": "RightHand",
}  # fmt: skip
# The same of the files that this package writes: h36m_16.
H36M_16_FROM_DH = {
    **{joint: name for joint, name in H36M_17_FROM_BVH.items() if joint[1:] in ("Hip", "Knee", "Shoulder", "Elbow")},
    "Hip": "Hips", "Spine": "Spine", "Thorax": "Spine1", "Head": "Neck" + END_SITE,
    "LAnkle": "LeftLeg" + END_SITE, "RAnkle": "RightLeg" + END_SITE,
    "LWrist": "LeftForeArm" + END_SITE, "RWrist": "RightForeArm" + END_SITE,
}  # fmt: skip


@dataclass(frozen=True)
class BvhJoint:
    """One joint: parent (None for the root), OFFSET in file units, channels like "Zrotation" in file order."""

    parent: str | None
    offset: Float[np.ndarray, "3"]
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class BvhMotion:
    """A parsed file: joints by name (parents first), channel values (degrees, file units), frames per second."""

    joints: dict[str, BvhJoint]
    values: Float[np.ndarray, "frames channels"]
    fps: float


def parse_bvh(text: str, name: str) -> BvhMotion:
    """Read the text of a BVH file; `name` is what errors call it."""
    head, separator, tail = text.partition("MOTION")
    if not separator or head.split()[:1] != ["HIERARCHY"]:
        raise ValueError(f"{name}: a BVH file has a HIERARCHY, then a MOTION; one is missing. {CUT_SHORT}")
    try:
        joints = _joints(head.split())
        words = tail.split()
        if words[0] != "Frames:" or words[2:4] != ["Frame", "Time:"]:
            raise ValueError("'Frames: n' and 'Frame Time: seconds' expected after MOTION")
        frames, frame_time = int(words[1]), float(words[4])
        values = np.array(list(map(float, words[5:])))
        if frames < 1 or not frame_time > 0:
            raise ValueError(f"{frames} frames of {frame_time} seconds")
        check_rate(1 / frame_time, "it")
    except (IndexError, KeyError, ValueError) as error:
        raise ValueError(f"{name} is not a readable BVH file ({in_short(error)}). {TAKE_AGAIN}") from error
    channels = sum(len(joint.channels) for joint in joints.values())
    if len(values) != frames * channels:
        raise ValueError(
            f"{name}: {frames} x {channels} channels are {frames * channels} numbers, got {len(values)}. {CUT_SHORT}"
        )
    values = values.reshape(frames, channels)
    refuse_wild(values, name)
    return BvhMotion(joints, values, 1.0 / frame_time)


def _joints(words: list[str]) -> dict[str, BvhJoint]:
    """The hierarchy's joints, parents first; an end site is called <its parent>/end."""
    joints: dict[str, BvhJoint] = {}
    open_joints: list[str] = []
    position = 1
    while position < len(words):
        word = words[position]
        if word in ("ROOT", "JOINT", "End"):
            parent = open_joints[-1] if open_joints else None
            joint = f"{parent}{END_SITE}" if word == "End" else words[position + 1]
            if joint in joints:
                raise ValueError(f"two joints are called {joint}")
            joints[joint] = BvhJoint(parent, np.zeros(3))
            open_joints.append(joint)
            position += 3  # keyword, name (or Site), opening brace
        elif word == "OFFSET":
            offset = np.array([float(number) for number in words[position + 1 : position + 4]])
            joints[open_joints[-1]] = replace(joints[open_joints[-1]], offset=offset)
            position += 4
        elif word == "CHANNELS":
            count = int(words[position + 1])
            channels = tuple(words[position + 2 : position + 2 + count])
            if unknown := [channel for channel in channels if not _CHANNEL.fullmatch(channel)]:
                raise ValueError(f"the channel {unknown[0]!r}, expected Xposition to Zrotation")
            joints[open_joints[-1]] = replace(joints[open_joints[-1]], channels=channels)
            position += 2 + count
        elif word == "}":
            open_joints.pop()
            position += 1
        else:
            raise ValueError(f"unexpected word {word!r} in the hierarchy")
    if open_joints:
        raise ValueError(f"joint {open_joints[-1]} is never closed")
    return joints


def joint_origins(motion: BvhMotion) -> dict[str, Float[np.ndarray, "frames 3"]]:
    """Origin of every joint in every frame: file units, file axes."""
    origins: dict[str, Float[np.ndarray, "frames 3"]] = {}
    turns: dict[str, Float[np.ndarray, "frames 3 3"]] = {}
    first = 0
    for name, joint in motion.joints.items():
        values = motion.values[:, first : first + len(joint.channels)]
        first += len(joint.channels)
        shift = _shift(joint, values)
        turn = _turn(joint.channels, values)
        if joint.parent is None:
            origins[name], turns[name] = shift, turn
        else:
            origins[name] = origins[joint.parent] + (turns[joint.parent] @ shift[..., None])[..., 0]
            turns[name] = turns[joint.parent] @ turn
    return origins


def _shift(joint: BvhJoint, values: Float[np.ndarray, "frames channels"]) -> Float[np.ndarray, "frames 3"]:
    """A joint's place in its parent's axes: OFFSET, or the position channels in its stead."""
    shift = np.tile(joint.offset, (len(values), 1))
    columns = [column for column, channel in enumerate(joint.channels) if channel.endswith("position")]
    axes = ["XYZ".index(joint.channels[column][0]) for column in columns]
    length = np.linalg.norm(joint.offset)
    if joint.parent is not None and columns and np.abs(values[:, columns]).max() < STILL * length:
        shift[:, axes] += values[:, columns]
    else:
        shift[:, axes] = values[:, columns]
    return shift


def _turn(channels: tuple[str, ...], values: Float[np.ndarray, "frames channels"]) -> Float[np.ndarray, "frames 3 3"]:
    columns = [column for column, channel in enumerate(channels) if channel.endswith("rotation")]
    if not columns:
        return np.broadcast_to(np.eye(3), (len(values), 3, 3))
    axes = "".join(channels[column][0] for column in columns)  # upper case: about the turned axes, as BVH does
    return Rotation.from_euler(axes, values[:, columns], degrees=True).as_matrix()


def thorax_offset(joints: dict[str, BvhJoint], skeleton: AsfSkeleton | None) -> Float[np.ndarray, "3"]:
    """The lost thorax bone in BVH units: from the ASF (exact), else the spine's bend continued (1.0 to 3.6 mm off)."""
    if skeleton is not None:
        return skeleton.vector_in_metres("thorax") / CMU_METRES_PER_UNIT
    lower, upper = joints["Spine"].offset, joints[LOST_THORAX_PARENT].offset
    return upper + THORAX_EXTRAPOLATION * (upper - lower)


def with_thorax(motion: BvhMotion, skeleton: AsfSkeleton | None) -> BvhMotion:
    """The motion with neck and shoulders moved from Spine1 to the thorax's end; unchanged where the thorax was kept."""
    children = [name for name, joint in motion.joints.items() if joint.parent == LOST_THORAX_PARENT]
    if any(np.any(motion.joints[child].offset != 0) for child in children):
        return motion
    motion = _without_positions(motion, children)
    offset = thorax_offset(motion.joints, skeleton)
    return replace(
        motion,
        joints={
            name: replace(joint, offset=offset) if name in children else joint for name, joint in motion.joints.items()
        },
    )


def _without_positions(motion: BvhMotion, names: list[str]) -> BvhMotion:
    """The motion without position channels of some joints: they are where their OFFSET says."""
    joints, kept = {}, []
    for name, joint in motion.joints.items():
        keep = [name not in names or not channel.endswith("position") for channel in joint.channels]
        joints[name] = replace(joint, channels=tuple(compress(joint.channels, keep)))
        kept += keep
    return replace(motion, joints=joints, values=motion.values[:, kept])


def without_rest_pose(motion: BvhMotion) -> BvhMotion:
    """The motion without the conversion's rest pose: a first frame of unturned hips, placed like the second one."""
    root = next(iter(motion.joints.values())).channels
    turns = [column for column, channel in enumerate(root) if channel.endswith("rotation")]
    places = [column for column, channel in enumerate(root) if channel.endswith("position")]
    values = motion.values
    if len(values) > 1 and not values[0, turns].any() and np.array_equal(values[0, places], values[1, places]):
        return replace(motion, values=values[1:])
    return motion


def bvh_joints(text: str, skeleton: AsfSkeleton | None, name: str) -> tuple[Float[np.ndarray, "frames 17 3"], float]:
    """Joints of a motion of CMU's database, thorax put back, or of the DH body: h36m_17 order, metres, z-up world; and
    the frames per second. The unit is the one in which a thigh is a person's, else CMU's.
    """
    motion = parse_bvh(text, name)
    if {*H36M_16_FROM_DH.values()} <= motion.joints.keys():
        names, body = H36M_16_FROM_DH, Skeleton("h36m_16")
    elif missing := [joint for joint in H36M_17_FROM_BVH.values() if joint not in motion.joints]:
        raise ValueError(f"{name} lacks the joints {', '.join(missing)}; CMU's database in BVH is expected.")
    else:
        names, body, motion = H36M_17_FROM_BVH, Skeleton("h36m_17"), with_thorax(without_rest_pose(motion), skeleton)
    origins = joint_origins(motion)
    joints = z_up(np.stack([origins[names[joint]] for joint in body.joints], axis=1))
    joints *= _metres_per_unit(joints[:, body.joints.index("RHip")] - joints[:, body.joints.index("RKnee")])
    return to_layout(joints, np.ones(joints.shape[:2]), body, Skeleton("h36m_17"))[0], motion.fps


def _metres_per_unit(thighs: Float[np.ndarray, "frames 3"]) -> float:
    length = float(np.median(np.linalg.norm(thighs, axis=-1)))
    return next((unit for unit in UNITS_M if THIGH_M[0] <= unit * length <= THIGH_M[1]), CMU_METRES_PER_UNIT)
