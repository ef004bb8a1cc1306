"""Acclaim motion capture: an ASF skeleton and AMC motions, to joints in metres with z up.

A bone of an ASF file has a rest direction and length in the file's own axes, and a local frame (`axis`) in which its
angles are written. With C the rotation of that frame and R the rotation by the frame's angles, the bone turns by
C R C^-1 relative to its parent and ends at the parent's end plus the turned direction times the length. Axis order
"XYZ" means: first about x, then y, then z, the axes staying fixed. One unit of length is 0.0254 / `length` metres.
Source: the ASF/AMC format as mocap.cs.cmu.edu documents it.
"""

import re
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from data.files.archive import in_short, shortened
from data.plausible import MOST_TURN_DEG

INCH = 0.0254
LONGEST_NAME = 60  # of a bone; CMU's have up to 10 characters
ASF_ROOT = "root"
CUT_SHORT = "Is the file cut short? Take it again from its source."
TAKE_AGAIN = "Take the file again from its source."
SAME_SUBJECT = "Give the ASF file of the same subject."
ANGLE_UNITS = {"deg": np.pi / 180, "rad": 1.0}

# H36M-17 joint -> the ASF bone whose end it is.
H36M_17_FROM_ASF = {
    "Hip": ASF_ROOT, "RHip": "rhipjoint", "RKnee": "rfemur", "RAnkle": "rtibia",
    "LHip": "lhipjoint", "LKnee": "lfemur", "LAnkle": "ltibia",
    "Spine": "upperback", "Thorax": "lowerneck", "NeckNose": "upperneck", "Head": "head",
    "LShoulder": "lclavicle", "LElbow": "lhumerus", "LWrist": "lradius",
    "RShoulder": "rclavicle", "RElbow": "rhumerus", "RWrist": "rradius",
}  # fmt: skip


@dataclass(frozen=True)
class AsfBone:
    """One bone of an ASF file.

    vector: rest direction times length, file units and axes; frame: C; dofs: the axes of its AMC columns, e.g. "xz".
    """

    vector: Float[np.ndarray, "3"]
    frame: Rotation
    axis_order: str
    dofs: str


@dataclass(frozen=True)
class AsfSkeleton:
    """The bones of an ASF file by name (the root included), in an order that lists parents first."""

    bones: dict[str, AsfBone]
    parents: dict[str, str]
    root_columns: tuple[str, ...]
    root_position: Float[np.ndarray, "3"]
    metres_per_unit: float
    radians_per_unit: float

    def vector_in_metres(self, bone: str) -> Float[np.ndarray, "3"]:
        """Rest vector of a bone, file axes (y up)."""
        return self.bones[bone].vector * self.metres_per_unit


def z_up(points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Motion capture's y-up axes to the z-up world: (x, y, z) -> (x, -z, y)."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def parse_asf(text: str, name: str) -> AsfSkeleton:
    """Read the text of an ASF file; `name` is what errors call it."""
    sections = _sections(text)
    needed = ("units", "root", "bonedata", "hierarchy")
    if missing := [section for section in needed if section not in sections]:
        raise ValueError(f"{name}: an ASF skeleton has the sections {needed}, missing: {missing}. {CUT_SHORT}")
    try:
        skeleton = _skeleton(sections)
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"{name} is not a readable ASF skeleton ({in_short(error)}). {TAKE_AGAIN}") from error
    if loose := set(skeleton.bones) ^ {ASF_ROOT, *skeleton.parents}:
        raise ValueError(
            f"{name}: bones and hierarchy disagree about {shortened(', '.join(sorted(loose)))}. {CUT_SHORT}"
        )
    return skeleton


def _skeleton(sections: dict[str, list[list[str]]]) -> AsfSkeleton:
    units = {line[0]: line[1] for line in sections["units"]}
    radians = ANGLE_UNITS[units.get("angle", "deg")]
    root = {line[0]: line[1:] for line in sections["root"]}
    columns = tuple(word.lower() for word in root["order"])
    if sorted(columns) != ["rx", "ry", "rz", "tx", "ty", "tz"]:
        raise ValueError(f"the root's order is {' '.join(columns)}, expected tx ty tz rx ry rz in any order")
    axis_order = root["axis"][0].lower()
    frame = Rotation.from_euler(axis_order, _numbers(root["orientation"]) * radians)
    dofs = "".join(word[1] for word in columns if word[0] == "r")
    bones = {ASF_ROOT: AsfBone(np.zeros(3), frame, axis_order, dofs)}
    for block in _bone_blocks(sections["bonedata"]):
        name = block["name"][0]
        if len(name) > LONGEST_NAME:
            raise ValueError(f"a bone has a name of {len(name):,} characters")
        bones[name] = _bone(block, radians)
    metres = INCH / float(units["length"])
    return AsfSkeleton(bones, _parents(sections["hierarchy"]), columns, _numbers(root["position"]), metres, radians)


def _sections(text: str) -> dict[str, list[list[str]]]:
    """Lines of an ASF file as words, under the `:section` they belong to; comments dropped."""
    sections: dict[str, list[list[str]]] = {}
    lines: list[list[str]] = []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0].startswith(":"):
            lines = sections.setdefault(words[0][1:].lower(), [])
        else:
            lines.append(words)
    return sections


def _bone_blocks(lines: list[list[str]]) -> list[dict[str, list[str]]]:
    blocks: list[dict[str, list[str]]] = []
    for words in lines:
        if words[0] == "begin":
            blocks.append({})
        elif words[0] != "end" and not words[0].startswith("("):  # further lines of `limits` start with a bracket
            blocks[-1][words[0]] = words[1:]
    return blocks


def _bone(block: dict[str, list[str]], radians_per_unit: float) -> AsfBone:
    dofs = [word.lower() for word in block.get("dof", [])]
    if unknown := [dof for dof in dofs if dof not in ("rx", "ry", "rz")]:
        raise ValueError(f"bone {block['name'][0]} has the degrees of freedom {unknown}, only rx ry rz are known")
    axis_order = block["axis"][3].lower()
    frame = Rotation.from_euler(axis_order, _numbers(block["axis"][:3]) * radians_per_unit)
    vector = _numbers(block["direction"]) * float(block["length"][0])
    return AsfBone(vector, frame, axis_order, "".join(dof[1] for dof in dofs))


def _parents(lines: list[list[str]]) -> dict[str, str]:
    """Child -> parent, parents first, as every ASF file lists them."""
    parents: dict[str, str] = {}
    for words in lines:
        if words[0] in ("begin", "end"):
            continue
        if words[0] != ASF_ROOT and words[0] not in parents:
            raise ValueError(f"the hierarchy names the children of {words[0]} before {words[0]} itself")
        parents.update(dict.fromkeys(words[1:], words[0]))
    return parents


def _numbers(words: list[str]) -> Float[np.ndarray, "3"]:
    if len(words) < 3:
        raise ValueError(f"three numbers expected, found {words}")
    numbers = np.array([float(word) for word in words[:3]])
    if not (np.abs(numbers) <= MOST_TURN_DEG).all():
        raise ValueError(f"{' '.join(words[:3])} found, expected numbers of at most {MOST_TURN_DEG:g}")
    return numbers


def parse_amc(text: str, skeleton: AsfSkeleton, name: str) -> dict[str, Float[np.ndarray, "frames dofs"]]:
    """Read the text of an AMC file: bone -> its columns in file units, the root's in `skeleton.root_columns` order.

    Every frame of an AMC file lists the same bones in the same order, so the file is one table of words.
    """
    words = re.sub(r"(?m)^\s*[#:].*$", "", text).split()
    layout = _amc_layout(words, skeleton, name)
    per_frame = 1 + sum(1 + columns for columns in layout.values())
    motion: dict[str, Float[np.ndarray, "frames dofs"]] = {}
    first = 1
    for bone, columns in layout.items():
        if strays := set(words[first::per_frame]) - {bone}:
            frame = next(f for f, word in enumerate(words[first::per_frame]) if word != bone)
            stray = shortened(min(strays))
            raise ValueError(f"{name}: frame {frame + 1} has {stray!r} where bone {bone} belongs. {CUT_SHORT}")
        table = [_floats(words[column::per_frame], name) for column in range(first + 1, first + 1 + columns)]
        if len({len(column) for column in table}) > 1:
            break
        motion[bone] = np.stack(table, axis=1)
        first += 1 + columns
    frames, rest = divmod(len(words), per_frame)
    if rest:
        raise ValueError(f"{name}: frame {frames + 1} has {rest} words, expected {per_frame} per frame. {CUT_SHORT}")
    return motion


def _amc_layout(words: list[str], skeleton: AsfSkeleton, name: str) -> dict[str, int]:
    """Bones of the first frame in file order, with their number of columns; checked against the skeleton."""
    if len(words) < 2 or not words[0].isdigit():
        start = " ".join(words[:2]) or "nothing"
        raise ValueError(
            f"{name}: an AMC motion starts with the frame number 1, found {shortened(start)}. Is this an AMC file?"
        )
    layout: dict[str, int] = {}
    bone = ""
    for word in words[1:]:
        if word in skeleton.bones and word not in layout:
            bone = word
            layout[bone] = 0
        elif bone and word.isdigit() and layout[bone] == _columns(skeleton, bone):
            break  # the next frame's number
        elif word in layout:
            break
        elif word[0].isalpha() and word.lower() not in ("nan", "inf"):
            raise ValueError(f"{name} moves {shortened(word)!r}, which its skeleton does not have. {SAME_SUBJECT}")
        elif bone:
            layout[bone] += 1
    for bone, count in layout.items():
        if count != (wanted := _columns(skeleton, bone)):
            raise ValueError(f"{name}: {bone} has {count} numbers in frame 1, its skeleton {wanted}. {SAME_SUBJECT}")
    if absent := [bone for bone, entry in skeleton.bones.items() if entry.dofs and bone not in layout]:
        raise ValueError(f"{name} does not move {shortened(', '.join(absent))}, as its skeleton asks. {CUT_SHORT}")
    return layout


def _columns(skeleton: AsfSkeleton, bone: str) -> int:
    return len(skeleton.root_columns) if bone == ASF_ROOT else len(skeleton.bones[bone].dofs)


def _floats(words: list[str], name: str) -> Float[np.ndarray, "frames"]:
    try:
        values = np.array(list(map(float, words)))
    except ValueError as error:
        raise ValueError(f"{name}: a number was expected, {in_short(error)}. {TAKE_AGAIN}") from error
    refuse_wild(values[:, None], name)
    return values


def refuse_wild(values: Float[np.ndarray, "frames columns"], name: str) -> None:
    """Refuse a motion with numbers that no angle and no place is."""
    wild = ~(np.abs(values) <= MOST_TURN_DEG)
    if wild.any():
        frame = int(wild.any(axis=1).argmax())
        wrong = f"frame {frame + 1} holds {values[frame, wild[frame]][0]:.4g}"
        raise ValueError(f"{name}: {wrong}, expected finite numbers of at most {MOST_TURN_DEG:g}. {TAKE_AGAIN}")


def bone_ends(
    skeleton: AsfSkeleton, motion: dict[str, Float[np.ndarray, "frames dofs"]]
) -> dict[str, Float[np.ndarray, "frames 3"]]:
    """Where the bones end in every frame: metres, file axes (y up)."""
    root = motion[ASF_ROOT]
    order = skeleton.root_columns
    root_translation = root[:, [order.index(column) for column in ("tx", "ty", "tz")]] + skeleton.root_position
    angles = {**motion, ASF_ROOT: root[:, [index for index, column in enumerate(order) if column[0] == "r"]]}
    turns = {ASF_ROOT: _turn(skeleton, ASF_ROOT, angles)}  # bone -> (F, 3, 3) against the file's axes
    ends = {ASF_ROOT: root_translation * skeleton.metres_per_unit}
    for bone, parent in skeleton.parents.items():
        turns[bone] = turns[parent] @ _turn(skeleton, bone, angles) if skeleton.bones[bone].dofs else turns[parent]
        ends[bone] = ends[parent] + turns[bone] @ skeleton.vector_in_metres(bone)
    return ends


def _turn(
    skeleton: AsfSkeleton, name: str, angles: dict[str, Float[np.ndarray, "frames dofs"]]
) -> Float[np.ndarray, "frames 3 3"]:
    """Rotation of a bone against its parent in every frame: C R C^-1."""
    bone = skeleton.bones[name]
    order = [axis for axis in bone.axis_order if axis in bone.dofs]  # lower case: fixed axes, the first turns first
    columns = [bone.dofs.index(axis) for axis in order]
    turn = Rotation.from_euler("".join(order), angles[name][:, columns] * skeleton.radians_per_unit)
    frame = bone.frame.as_matrix()
    return frame @ turn.as_matrix() @ frame.T


def amc_joints(amc_text: str, skeleton: AsfSkeleton, name: str) -> Float[np.ndarray, "frames 17 3"]:
    """Joints of an AMC motion: h36m_17 order, metres, z-up world."""
    if missing := [bone for bone in H36M_17_FROM_ASF.values() if bone not in skeleton.bones]:
        raise ValueError(f"{name}: its skeleton lacks the bones {', '.join(missing)}; a CMU skeleton is expected.")
    motion = parse_amc(amc_text, skeleton, name)
    if header := re.search(r"(?im)^\s*:(degrees|radians)\b", amc_text):  # goes before what the skeleton says
        skeleton = replace(skeleton, radians_per_unit=ANGLE_UNITS[header[1][:3].lower()])
    ends = bone_ends(skeleton, motion)
    return z_up(np.stack([ends[bone] for bone in H36M_17_FROM_ASF.values()], axis=1))
