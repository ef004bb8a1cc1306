"""One set of colours for poses wherever they are drawn: left and right told apart, the target faint."""

from kinematics.skeleton import Skeleton

# Okabe and Ito's colours, told apart by colour-blind readers too.
LEFT, RIGHT, MIDDLE = "#0072B2", "#D55E00", "#404040"
FAINT, FLOOR = "#B8B8B8", "#DDDDDD"
REAL_COLOUR, SYNTHETIC_COLOUR = "#009E73", "#CC79A7"


def bone_colours(skeleton: Skeleton) -> list[tuple[int, int, str]]:
    """(parent, child, colour) of every bone; a bone has the side of its child."""
    side = {joint: LEFT for joint in skeleton.left} | {joint: RIGHT for joint in skeleton.right}
    return [(parent, child, side.get(child, MIDDLE)) for parent, child in skeleton.bones]
