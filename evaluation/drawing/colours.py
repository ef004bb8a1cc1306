"""One set of colours for poses wherever they are drawn: left and right told apart, the target faint."""

from kinematics.skeleton import Skeleton

# Okabe and Ito's colours, told apart by colour-blind readers too.
LEFT, RIGHT, MIDDLE = "#0072B2", "#D55E00", "#404040"
FAINT, FLOOR = "#B8B8B8", "#DDDDDD"
REAL_COLOUR, SYNTHETIC_COLOUR = "#009E73", "#CC79A7"


def joint_colours(skeleton: Skeleton) -> list[str]:
    side = {joint: LEFT for joint in skeleton.left} | {joint: RIGHT for joint in skeleton.right}
    return [side.get(joint, MIDDLE) for joint in range(skeleton.num_joints)]


def bone_colours(skeleton: Skeleton) -> list[tuple[int, int, str]]:
    """(parent, child, colour) of every bone; a bone has the side of its child."""
    colours = joint_colours(skeleton)
    return [(parent, child, colours[child]) for parent, child in skeleton.bones]
