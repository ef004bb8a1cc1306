"""Bodies of the invented population, and the joints a posed body has.

The body is on purpose not the DH body that the GAN poses: the spine is bent, the shoulders hang below the thorax and
move with a shoulder girdle, forearms and shins leave their hinge at a carrying angle, left and right differ a little.
At rest: +x the subject's right, +y forward, +z up, arms hanging, hip at the origin.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from kinematics.skeleton import Skeleton

SKELETON = Skeleton("h36m_17")
_JOINT = {name: index for index, name in enumerate(SKELETON.joints)}
SIDES = {"r": 1.0, "l": -1.0}  # sign of x at rest

_TRUNK = [f"{part}_{way}" for part in ("waist", "chest", "neck") for way in ("flex", "side", "twist")]
_LIMB = ("shrug", "protract", "arm_flex", "arm_out", "arm_twist", "elbow", "hip_flex", "hip_out", "hip_twist", "knee")
# A motion is an array (F, C) with these columns: radians, but metres (of a body of 1.75 m) for lift and rise.
# lift: height of a jump; rise: height of the ground (a step); pitch: leaning forwards; spin: about the long axis.
CHANNELS = ("yaw", "pitch", "roll", "spin", "lift", "rise", *_TRUNK, *[f"{name}_{s}" for s in SIDES for name in _LIMB])
COLUMN = {name: index for index, name in enumerate(CHANNELS)}
METRES = ("lift", "rise")

# Lengths as parts of the stature (Drillis and Contini's ratios, moved to Human3.6M's joint centres).
_RATIOS = {
    "hip": 0.075, "thigh": 0.247, "shin": 0.249, "waist": 0.140, "chest": 0.146, "neck": 0.068, "head": 0.066,
    "shoulder": 0.086, "upper_arm": 0.163, "forearm": 0.144,
}  # fmt: skip
# Distance from a joint's centre to the skin, as parts of the stature: what touches the floor first.
_SKIN = {"Ankle": 0.048, "Knee": 0.032, "Hip": 0.055, "Spine": 0.06, "Thorax": 0.045, "Wrist": 0.025, "Elbow": 0.025}
_SKIN_ELSEWHERE = 0.035


@dataclass(frozen=True)
class DemoBody:
    """One invented person.

    stature: m; offsets: (17, 3) m, each joint from its parent in the parent segment's frame at rest;
    skin: (17,) m, see _SKIN; carrying: radians, by which forearms leave the upper arms' plane; posture: (C,) radians,
    what this person adds to every pose.
    """

    name: str
    stature: float
    offsets: np.ndarray
    skin: np.ndarray
    carrying: float
    posture: np.ndarray


def make_body(name: str, stature: float, build: float, legs: float, rng: np.random.Generator) -> DemoBody:
    """A person. stature: m; build: 1 is average, more is stout; legs: their length against the average's."""
    ratios = {part: ratio * float(np.exp(rng.normal(0, 0.03))) for part, ratio in _RATIOS.items()}
    for part in ("thigh", "shin"):
        ratios[part] *= legs
    for part in ("waist", "chest"):
        ratios[part] *= 1 - 0.9 * (legs - 1)
    for part in ("hip", "shoulder"):
        ratios[part] *= build**0.5
    offsets = np.zeros((SKELETON.num_joints, 3))
    bend, drop = rng.normal(0.012, 0.006), rng.normal(0.026, 0.006)
    offsets[_JOINT["Spine"]] = 0, bend, ratios["waist"]
    offsets[_JOINT["Thorax"]] = 0, -1.6 * bend, ratios["chest"]
    offsets[_JOINT["NeckNose"]] = 0, rng.normal(0.030, 0.005), ratios["neck"]
    offsets[_JOINT["Head"]] = 0, -rng.normal(0.016, 0.004), ratios["head"]
    for side, sign in SIDES.items():
        uneven = dict(zip(ratios, np.exp(rng.normal(0, 0.006, len(ratios))), strict=True))
        own = {part: ratio * uneven[part] for part, ratio in ratios.items()}
        upper = side.upper()
        offsets[_JOINT[f"{upper}Hip"]] = sign * own["hip"], 0, 0
        offsets[_JOINT[f"{upper}Knee"]] = 0, 0, -own["thigh"]
        offsets[_JOINT[f"{upper}Ankle"]] = 0, 0, -own["shin"]
        offsets[_JOINT[f"{upper}Shoulder"]] = sign * own["shoulder"], -0.006, -drop
        offsets[_JOINT[f"{upper}Elbow"]] = 0, 0, -own["upper_arm"]
        offsets[_JOINT[f"{upper}Wrist"]] = 0, 0, -own["forearm"]
    skin = np.array([_SKIN.get(joint.lstrip("LR"), _SKIN_ELSEWHERE) for joint in SKELETON.joints])
    skin = np.where([joint.endswith("Ankle") for joint in SKELETON.joints], skin, skin * build)
    carrying = float(np.radians(rng.normal(6, 2)))
    return DemoBody(name, stature, offsets * stature, skin * stature, carrying, _posture(build, rng))


def _posture(build: float, rng: np.random.Generator) -> np.ndarray:
    """(C,) radians: a habit of the joints; stout people hold their arms away from the trunk."""
    posture = np.radians(rng.normal(0, 2.5, len(CHANNELS)))
    for name in ("yaw", "pitch", "roll", "spin", *METRES):
        posture[COLUMN[name]] = 0
    for side in SIDES:
        posture[COLUMN[f"arm_out_{side}"]] += np.radians(12 * (build - 1))
    return posture


def posed_joints(body: DemoBody, motion: np.ndarray) -> np.ndarray:
    """Joints of a body in motion. motion: (F, C), see CHANNELS. Returns (F, 17, 3) metres, the hip at the origin."""
    turn = _rotations(body, motion)
    joints = np.zeros((len(motion), SKELETON.num_joints, 3))

    def place(joint: str, frame: np.ndarray) -> None:
        index = _JOINT[joint]
        joints[:, index] = joints[:, SKELETON.parents[index]] + frame @ body.offsets[index]

    pelvis = turn["yaw"] @ turn["pitch"] @ turn["roll"] @ turn["spin"]
    abdomen = pelvis @ turn["waist"]
    chest = abdomen @ turn["chest"]
    neck = chest @ turn["neck"]
    for joint, frame in (("Spine", abdomen), ("Thorax", chest), ("NeckNose", neck), ("Head", neck @ turn["nod"])):
        place(joint, frame)
    for side in SIDES:
        upper = side.upper()
        thigh = pelvis @ turn[f"hip_{side}"] @ turn[f"hip_twist_{side}"]
        place(f"{upper}Hip", pelvis)
        place(f"{upper}Knee", thigh)
        place(f"{upper}Ankle", thigh @ turn[f"knee_{side}"])
        arm = chest @ turn[f"arm_{side}"] @ turn[f"arm_twist_{side}"]
        place(f"{upper}Shoulder", chest @ turn[f"girdle_{side}"])
        place(f"{upper}Elbow", arm)
        place(f"{upper}Wrist", arm @ turn[f"carrying_{side}"] @ turn[f"elbow_{side}"])
    return joints


def _rotations(body: DemoBody, motion: np.ndarray) -> dict[str, np.ndarray]:
    """Name -> (F, 3, 3), all of a body's rotations in one go, from rotation vectors in the parent segment's axes."""
    value = {name: motion[:, column] for name, column in COLUMN.items()}
    zero = np.zeros(len(motion))

    def bent(part: str, share: float) -> tuple[np.ndarray, ...]:
        return -value[f"{part}_flex"] * share, value[f"{part}_side"] * share, value[f"{part}_twist"] * share

    vectors = {
        "yaw": (zero, zero, value["yaw"]), "pitch": (-value["pitch"], zero, zero), "roll": (zero, value["roll"], zero),
        "spin": (zero, zero, value["spin"]), "waist": bent("waist", 1.0), "chest": bent("chest", 1.0),
        "neck": bent("neck", 0.6), "nod": bent("neck", 0.4),
    }  # fmt: skip
    for side, sign in SIDES.items():
        own = {name: value[f"{name}_{side}"] for name in _LIMB}
        shrug, protract = _girdle(own)
        limb = {
            "hip": (own["hip_flex"], -sign * own["hip_out"], zero), "hip_twist": (zero, zero, sign * own["hip_twist"]),
            "knee": (-own["knee"], zero, zero), "girdle": (zero, -sign * shrug, sign * protract),
            "arm": (own["arm_flex"], -sign * own["arm_out"], zero), "arm_twist": (zero, zero, sign * own["arm_twist"]),
            "carrying": (zero, zero - sign * body.carrying, zero), "elbow": (own["elbow"], zero, zero),
        }  # fmt: skip
        vectors.update({f"{name}_{side}": vector for name, vector in limb.items()})
    stacked = np.stack([np.stack(vector, -1) for vector in vectors.values()])  # (rotations, F, 3)
    matrices = Rotation.from_rotvec(stacked.reshape(-1, 3)).as_matrix()
    return dict(zip(vectors, matrices.reshape(*stacked.shape, 3), strict=True))


def _girdle(own: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Shrug and protraction (F,) radians: about a quarter of an arm's elevation above 30 degrees is the girdle's."""
    elevation = np.hypot(own["arm_flex"], own["arm_out"])
    above = np.logaddexp(0, 6 * (elevation - np.radians(30))) / 6
    return own["shrug"] + 0.22 * above, own["protract"] + 0.18 * np.sin(np.clip(own["arm_flex"], -np.pi, np.pi))
