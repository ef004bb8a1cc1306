"""Joints by the names that a file gives them: "left_shoulder", "LShoulder", "l_sho", "LEFT_SHOULDER" are one joint."""

import re
from collections.abc import Sequence

from kinematics.errors import PoseFKError
from kinematics.layouts import LAYOUTS
from kinematics.skeleton import Skeleton

FEWEST_KNOWN = 8  # names that have to be known: fewer are no body
# Other words for the joints of our layouts, sides left out, small letters run together.
_OTHER_WORDS = {
    "sho": "shoulder", "shldr": "shoulder", "elb": "elbow", "wri": "wrist", "wr": "wrist", "kne": "knee",
    "ank": "ankle", "pelvis": "hip", "midhip": "hip", "hipcenter": "hip", "hipcentre": "hip", "root": "hip",
    "centerhip": "hip", "neck": "thorax", "midshoulder": "thorax", "upperneck": "thorax", "torso": "spine",
    "belly": "spine", "abdomen": "spine", "tophead": "headtop", "headtop": "headtop", "foottip": "toe",
    "footindex": "toe", "indexfinger": "index", "neckbase": "necknose",
}  # fmt: skip
_LEFT, _RIGHT = ("left", "l", "lft"), ("right", "r", "rgt")


def _words(name: str) -> list[str]:
    """Small words of a name: at signs, capitals and numbers it falls apart."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    parted = re.sub(r"([A-Z])([A-Z][a-z])", r"\1 \2", parted)
    return re.findall(r"[a-z]+|\d+", parted.lower())


_OURS = {joint.lower(): joint for layout in LAYOUTS for joint in Skeleton(layout).joints}


def joint_of(name: str) -> str | None:
    """Our name of a joint, None where it is no name that is known."""
    words = _words(name)
    side = ["l" for word in words if word in _LEFT] + ["r" for word in words if word in _RIGHT]
    if len(side) > 1:
        return None
    part = "".join(word for word in words if word not in _LEFT + _RIGHT)
    if not side and part not in _OURS and part not in _OTHER_WORDS:
        for words_of_side, letter in ((_LEFT, "l"), (_RIGHT, "r")):
            prefix = next((word for word in words_of_side if part.startswith(word)), None)
            rest = part.removeprefix(prefix or "")
            if prefix and letter + _OTHER_WORDS.get(rest, rest) in _OURS:
                side, part = [letter], rest
    part = _OTHER_WORDS.get(part, part)
    return _OURS.get("".join([*side, part]))


def layout_of_names(names: Sequence[str], where: str) -> tuple[Skeleton, list[int | None], list[str]]:
    """The layout that has most of the joints, where each of its joints stands among the names (None: nowhere), and the
    names that it has not.
    """
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        joint = joint_of(str(name))
        if joint in places:
            raise PoseFKError(
                f"{where} has two joints that are called {joint}: {names[places[joint]]} and {name}. Rename one, or "
                "say with --layout in which order they are."
            )
        if joint is not None:
            places[joint] = place
    for side in "LR":
        for other, joint in (("Foot", "Ankle"), ("Hand", "Wrist")):
            if side + joint not in places and side + other in places:  # Human3.6M's words
                places[side + joint] = places.pop(side + other)
    if len(places) < FEWEST_KNOWN:
        listed = ", ".join(map(str, list(names)[:6]))
        raise PoseFKError(
            f"{where} calls its joints {listed}, ...: {len(places)} of {len(names)} are known here, expected names as "
            "left_shoulder or LShoulder, or --layout, which says in which order they are."
        )
    layouts = [Skeleton(layout) for layout in LAYOUTS]
    best = max(layouts, key=lambda layout: (len(places.keys() & {*layout.joints}), -layout.num_joints))
    order = [places.get(joint) for joint in best.joints]
    unused = [str(name) for place, name in enumerate(names) if place not in order]
    return best, order, unused
