"""A small person in both formats of the CMU database, written the slow and obvious way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from data import prepare_data_cmu
from kinematics.skeleton import Skeleton

# bone -> parent, frame angles in degrees, axis order, degrees of freedom in column order
BONES = {
    "lhipjoint": ("root", (0, 0, 0), "XYZ", ""),
    "lfemur": ("lhipjoint", (10, -5, 20), "XYZ", "rx ry rz"),
    "ltibia": ("lfemur", (0, 0, 20), "XYZ", "rx"),
    "rhipjoint": ("root", (0, 0, 0), "XYZ", ""),
    "rfemur": ("rhipjoint", (0, 30, -20), "ZYX", "rx ry rz"),
    "rtibia": ("rfemur", (0, 0, -20), "XYZ", "rx"),
    "lowerback": ("root", (0, 0, 0), "XYZ", "rx ry rz"),
    "upperback": ("lowerback", (0, 0, 0), "XYZ", "rx ry rz"),
    "thorax": ("upperback", (0, 0, 0), "XYZ", "rz rx ry"),
    "lowerneck": ("thorax", (0, 0, 0), "XYZ", "rx ry rz"),
    "upperneck": ("lowerneck", (0, 0, 0), "YZX", "rx ry rz"),
    "head": ("upperneck", (0, 0, 0), "XYZ", "rx ry rz"),
    "lclavicle": ("thorax", (0, 0, 0), "XYZ", "ry rz"),
    "lhumerus": ("lclavicle", (180, -30, -90), "XYZ", "rx ry rz"),
    "lradius": ("lhumerus", (180, -30, -90), "XYZ", "rx"),
    "rclavicle": ("thorax", (0, 0, 0), "XYZ", "ry rz"),
    "rhumerus": ("rclavicle", (180, 30, 90), "XYZ", "rx ry rz"),
    "rradius": ("rhumerus", (180, 30, 90), "XYZ", "rx"),
}
ASF_HEAD = """# made for a test
:version 1.10
:name TINY
:units
  mass 1.0
  length {unit_length}
  angle deg
:documentation
  a person of chance
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata"""
# BVH joint -> parent joint, the bone that starts there and turns it, its order of rotation channels
BVH_JOINTS = {
    "LHipJoint": ("Hips", "lhipjoint", "ZYX"), "LeftUpLeg": ("LHipJoint", "lfemur", "ZYX"),
    "LeftLeg": ("LeftUpLeg", "ltibia", "XYZ"), "LeftFoot": ("LeftLeg", "", "ZYX"),
    "RHipJoint": ("Hips", "rhipjoint", "ZYX"), "RightUpLeg": ("RHipJoint", "rfemur", "YXZ"),
    "RightLeg": ("RightUpLeg", "rtibia", "ZYX"), "RightFoot": ("RightLeg", "", "ZYX"),
    "LowerBack": ("Hips", "lowerback", "ZYX"), "Spine": ("LowerBack", "upperback", "ZXY"),
    "Spine1": ("Spine", "thorax", "ZYX"), "Neck": ("Spine1", "lowerneck", "ZYX"),
    "Neck1": ("Neck", "upperneck", "ZYX"), "Head": ("Neck1", "head", "ZYX"),
    "LeftShoulder": ("Spine1", "lclavicle", "ZYX"), "LeftArm": ("LeftShoulder", "lhumerus", "ZYX"),
    "LeftForeArm": ("LeftArm", "lradius", "ZYX"), "LeftHand": ("LeftForeArm", "", "ZYX"),
    "RightShoulder": ("Spine1", "rclavicle", "ZYX"), "RightArm": ("RightShoulder", "rhumerus", "ZYX"),
    "RightForeArm": ("RightArm", "rradius", "ZYX"), "RightHand": ("RightForeArm", "", "ZYX"),
}  # fmt: skip


def _turn(axis_order: str, angles_deg: dict[str, np.ndarray]) -> Rotation:
    """About the fixed axes, one after the other; one rotation per frame."""
    turned = Rotation.identity()
    for axis in axis_order:
        vector = np.zeros((np.size(angles_deg.get(axis, 0.0)), 3))
        vector[:, "XYZ".index(axis)] = np.deg2rad(angles_deg.get(axis, 0.0))
        turned = Rotation.from_rotvec(vector) * turned
    return turned


@dataclass
class TinyCapture:
    """A random motion of a random person; the text of its files and, by a loop over frames, its bone ends in metres."""

    frames: int = 5
    seed: int = 0
    unit_length: float = 0.45
    keep_thorax: bool = False
    vectors: dict[str, np.ndarray] = field(init=False)
    angles: dict[str, dict[str, np.ndarray]] = field(init=False)
    places: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        draw = np.random.default_rng(self.seed)
        self.vectors = {bone: draw.normal(size=3) for bone in BONES}
        self.vectors = {bone: v / np.linalg.norm(v) * draw.uniform(2, 4) for bone, v in self.vectors.items()}
        for bone in ("lfemur", "rfemur"):
            self.vectors[bone] *= 7.3 / np.linalg.norm(self.vectors[bone])
        freedoms = {
            "root": "XYZ",
            **{bone: [dof[1].upper() for dof in spec[3].split()] for bone, spec in BONES.items()},
        }
        self.angles = {
            bone: {axis: draw.uniform(-60, 60) + draw.normal(size=self.frames).cumsum() for axis in axes}
            for bone, axes in freedoms.items()
        }
        self.places = np.array([1.0, 17.0, -30.0]) + draw.normal(size=(self.frames, 3)).cumsum(0) * 0.2

    def local(self, bone: str) -> Rotation:
        """A bone's rotation against its parent, one per frame."""
        if bone == "root":
            return _turn("XYZ", self.angles[bone])
        _, frame_angles, order, freedoms = BONES[bone]
        own = _turn(order, {axis: np.array(angle) for axis, angle in zip(order, frame_angles, strict=True)})
        return own * _turn(order, self.angles[bone]) * own.inv() if freedoms else Rotation.identity(self.frames)

    def ends(self, frame: int) -> dict[str, np.ndarray]:
        """Where every bone ends in one frame, metres, y up."""
        turns, ends = {"root": self.local("root")[frame]}, {"root": self.places[frame]}
        for bone, (parent, *_) in BONES.items():
            turns[bone] = turns[parent] * self.local(bone)[frame]
            ends[bone] = ends[parent] + turns[bone].apply(self.vectors[bone])
        return {bone: end * 0.0254 / self.unit_length for bone, end in ends.items()}

    @property
    def asf(self) -> str:
        lines = ASF_HEAD.format(unit_length=self.unit_length).splitlines()
        for bone, (_, frame, order, dofs) in BONES.items():
            length = np.linalg.norm(self.vectors[bone])
            direction = " ".join(map(repr, (self.vectors[bone] / length).tolist()))
            lines += ["  begin", "    id 1", f"    name {bone}", f"    direction {direction}"]
            lines += [f"    length {float(length)!r}"]
            lines += [f"    axis {frame[0]} {frame[1]} {frame[2]}   {order}"]
            if dofs:
                lines += [
                    f"    dof {dofs}",
                    "    limits (-160.0 20.0)",
                    *["           (-70.0 70.0)"] * (len(dofs.split()) - 1),
                ]
            lines += ["  end"]
        lines += [":hierarchy", "  begin"]
        for parent in ("root", *BONES):
            if children := [bone for bone, spec in BONES.items() if spec[0] == parent]:
                lines += [f"    {parent} {' '.join(children)}"]
        return "\r\n".join([*lines, "  end", ""])

    @property
    def amc(self) -> str:
        lines = ["#!OML:ASF somewhere.ASF", ":FULLY-SPECIFIED", ":DEGREES"]
        columns = {bone: [angles[axis] for axis in angles] for bone, angles in self.angles.items() if angles}
        for frame in range(self.frames):
            root = [*self.places[frame].tolist(), *(float(angle[frame]) for angle in columns["root"])]
            lines += [str(frame + 1), f"root {' '.join(map(repr, root))}"]
            for bone, angles in columns.items():
                if bone != "root":
                    lines += [f"{bone} {' '.join(repr(float(angle[frame])) for angle in angles)}"]
        return "\n".join([*lines, ""])

    @property
    def bvh(self) -> str:
        hierarchy = [
            "HIERARCHY",
            "ROOT Hips",
            "{",
            "OFFSET 0 0 0",
            "CHANNELS 6 Xposition Yposition Zposition " + _channels("ZYX"),
        ]
        for joint, (parent, *_) in BVH_JOINTS.items():
            if parent == "Hips":
                hierarchy += self._bvh_joint(joint)
        columns = self._bvh_columns()
        rest = [*columns[0][:3], *[0.0] * (len(columns[0]) - 3)]  # the conversion's rest pose
        rows = [" ".join(map(repr, row)) for row in (rest, *columns)]
        return "\n".join([*hierarchy, "}", "MOTION", f"Frames: {len(rows)}", "Frame Time: .0083333", *rows, ""])

    def _bvh_joint(self, joint: str) -> list[str]:
        parent, bone, order = BVH_JOINTS[joint]
        parent_bone = BVH_JOINTS[parent][1] if parent != "Hips" else ""
        dropped = parent_bone == "thorax" and not self.keep_thorax
        lines = [
            f"JOINT {joint}",
            "{",
            _offset(self.vectors[parent_bone] if parent_bone and not dropped else np.zeros(3)),
        ]
        lines += [f"CHANNELS 3 {_channels(order)}"]
        for child, (above, *_) in BVH_JOINTS.items():
            if above == joint:
                lines += self._bvh_joint(child)
        if joint not in {above for above, *_ in BVH_JOINTS.values()}:
            lines += ["End Site", "{", _offset(self.vectors.get(bone, np.ones(3))), "}"]
        return [*lines, "}"]

    def _bvh_columns(self) -> list[list[float]]:
        table = [self.places, self.local("root").as_euler("ZYX", degrees=True)]
        for joint in self._bvh_order("Hips"):
            _, bone, order = BVH_JOINTS[joint]
            turn = self.local(bone) if bone else Rotation.identity(self.frames)
            table.append(turn.as_euler(order, degrees=True))
        return np.concatenate(table, axis=1).tolist()

    def _bvh_order(self, joint: str) -> list[str]:
        """Joints below `joint`, depth first, as the file lists them."""
        found = []
        for child, (parent, *_) in BVH_JOINTS.items():
            if parent == joint:
                found += [child, *self._bvh_order(child)]
        return found


def _channels(order: str) -> str:
    return " ".join(f"{axis}rotation" for axis in order)


def _offset(vector: np.ndarray) -> str:
    return f"OFFSET {' '.join(map(repr, vector.tolist()))}"


@pytest.fixture(scope="session")
def tiny_capture() -> type[TinyCapture]:
    """The class, so that a test makes the person and motion it needs."""
    return TinyCapture


# An invented person in Human3.6M's 32 joints: millimetres, z up, facing +y, standing at the origin.
H36M_STANDING = {
    "Hip": (0, 0, 930), "RHip": (130, 0, 930), "RKnee": (130, 10, 490), "RAnkle": (130, 0, 50),
    "LHip": (-130, 0, 930), "LKnee": (-130, 10, 490), "LAnkle": (-130, 0, 50), "Spine": (0, -10, 1170),
    "Thorax": (0, 0, 1420), "NeckNose": (0, 60, 1500), "Head": (0, 30, 1610), "LShoulder": (-150, 0, 1390),
    "LElbow": (-190, 0, 1110), "LWrist": (-190, 30, 860), "RShoulder": (150, 0, 1390), "RElbow": (190, 0, 1110),
    "RWrist": (190, 30, 860),
}  # fmt: skip


@pytest.fixture(scope="session")
def h36m_poses() -> Callable[..., np.ndarray]:
    """(frames, size=1.0, seed=0) -> (F, 32, 3) millimetres, world frame: turning and walking slowly about."""

    def make(frames: int, size: float | int = 1.0, seed: int = 0) -> np.ndarray:
        layout = Skeleton("h36m_32")
        standing = np.zeros((32, 3))
        for index, name in enumerate(layout.joints):
            while name not in H36M_STANDING:  # toes, hands and copies lie on their parents
                name = layout.joints[layout.parents[layout.joints.index(name)]]
            standing[index] = H36M_STANDING[name]
        draw = np.random.default_rng(seed)
        turned = Rotation.from_rotvec(np.outer(draw.uniform(-3, 3) + 0.02 * np.arange(frames), [0, 0, 1])).as_matrix()
        walk = np.outer(np.arange(frames), [5.0, 3.0, 0.0]) + [*draw.uniform(-200, 200, 2), 0.0]
        return size * np.einsum("fij,kj->fki", turned, standing) + walk[:, None]

    return make


@pytest.fixture(scope="session")
def write_cdf() -> Callable[..., None]:
    """(path, (F, 96) array): a CDF file as Human3.6M's, one record of the variable Pose."""
    from cdflib.cdfwrite import CDF

    def write(path: Path, flat: np.ndarray, variable: str = "Pose") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = CDF(path, delete=True)
        spec = {"Variable": variable, "Data_Type": 45, "Num_Elements": 1, "Rec_Vary": True, "Dim_Sizes": [*flat.shape]}
        file.write_var(spec, var_data=flat[None])
        file.close()

    return write


CMU_FRAMES = 125
AMC_CLIPS, BVH_CLIPS = ("01_01", "35_01"), ("05_01", "07_01", "49_06")


@pytest.fixture(scope="session")
def capture_folder(tmp_path_factory, tiny_capture):
    """Two clips as ASF/AMC (one also as BVH), three as BVH (one with its ASF), in nested folders."""
    folder = tmp_path_factory.mktemp("capture")
    for index, clip in enumerate(AMC_CLIPS + BVH_CLIPS):
        person = tiny_capture(frames=CMU_FRAMES, seed=index)
        place = folder / "subjects" / clip[:2]
        place.mkdir(parents=True)
        if clip in AMC_CLIPS or clip == "49_06":
            (place / f"{clip[:2]}.asf").write_text(person.asf)
        if clip in AMC_CLIPS:
            (place / f"{clip}.amc").write_text(person.amc)
        if clip in BVH_CLIPS or clip == "35_01":
            (place / f"{clip}.bvh").write_text(person.bvh)
    (folder / "readme.txt").write_text("not a motion")
    (folder / "._01_01.amc").write_text("left by another system")
    return folder


@pytest.fixture(scope="session")
def prepared(capture_folder, tmp_path_factory):
    """The data root with the prepared file in it."""
    root = tmp_path_factory.mktemp("data")
    prepare_data_cmu.main(["--source", str(capture_folder), "--data_root", str(root)])
    return root
