"""The body as five tables of Denavit-Hartenberg links.

Modified (Craig) convention: T(alpha, a, d, theta) = RotX(alpha) TransX(a) RotZ(theta) TransZ(d) takes the coordinates
of a link's frame to its parent's. Base frame = pelvis, at rest +x to the subject's right, +y forward, +z up.
Legs and body start at the base, the arms at the last link before the neck. kinematics.human walks the same links
without matrices; benchmarks/naive_fk.py multiplies them out.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """One row of a table.

    alpha_deg: twist. offset_deg: added to the joint angle. angle: the joint angle's name, None where it would move no
    joint (the end of a limb). a, d: the bone along x or z, "-bone" for its negative length. joint: at this origin.
    """

    alpha_deg: int
    offset_deg: int
    angle: str | None
    a: str | None = None
    d: str | None = None
    joint: str | None = None


RIGHT_LEG = (
    Link(0, 0, "right_hip_twist", a="right_hip", joint="RHip"),
    Link(-90, -90, "right_hip_abduction"),
    Link(-90, 180, "right_hip_flexion"),
    Link(0, 0, "right_knee", a="right_thigh", joint="RKnee"),
    Link(0, 0, None, a="right_shin", joint="RAnkle"),
)
LEFT_LEG = (
    Link(0, 180, "left_hip_twist", a="-left_hip", joint="LHip"),
    Link(90, -90, "left_hip_abduction"),
    Link(90, 0, "left_hip_flexion"),
    Link(0, 0, "left_knee", a="left_thigh", joint="LKnee"),
    Link(0, 0, None, a="left_shin", joint="LAnkle"),
)
BODY = (
    Link(0, 90, "waist_twist", joint="Hip"),
    Link(-90, -90, "waist_flexion"),
    Link(-90, -90, "waist_lean"),
    Link(-90, -90, "spine_twist", d="waist", joint="Spine"),
    Link(-90, -90, "spine_flexion"),
    Link(-90, -90, "spine_lean"),
    Link(-90, -90, "chest_twist", d="thorax", joint="Thorax"),
    Link(-90, -90, "chest_flexion"),
    Link(-90, -90, "chest_lean"),
    Link(-90, -90, "neck_twist"),
    Link(-90, -90, "neck_flexion"),
    Link(-90, 0, "neck_lean"),
    Link(90, 0, None, a="neck", joint="Head"),
)
ARMS_BRANCH_AFTER = 9  # links of BODY: both arms branch off the frame of chest_lean
RIGHT_ARM = (
    Link(-90, -180, "right_shoulder_twist", a="-right_shoulder", joint="RShoulder"),
    Link(-90, -90, "right_shoulder_abduction"),
    Link(-90, 180, "right_shoulder_flexion"),
    Link(0, 0, "right_elbow", a="right_upper_arm", joint="RElbow"),
    Link(0, 0, None, a="right_forearm", joint="RWrist"),
)
LEFT_ARM = (
    Link(-90, 0, "left_shoulder_twist", a="left_shoulder", joint="LShoulder"),
    Link(90, -90, "left_shoulder_abduction"),
    Link(90, 0, "left_shoulder_flexion"),
    Link(0, 0, "left_elbow", a="left_upper_arm", joint="LElbow"),
    Link(0, 0, None, a="left_forearm", joint="LWrist"),
)

ALL_LINKS = RIGHT_LEG + LEFT_LEG + BODY + RIGHT_ARM + LEFT_ARM
JOINT_ANGLES = tuple(link.angle for link in ALL_LINKS if link.angle is not None)
ANGLE_GROUPS = {
    "right_leg": slice(0, 4), "left_leg": slice(4, 8), "trunk": slice(8, 17), "neck": slice(17, 20),
    "right_arm": slice(20, 24), "left_arm": slice(24, 28),
}  # fmt: skip
# Indices of the 28 angles among the original project's 33, which include five that move nothing.
INDICES_IN_33 = tuple(index for index, link in enumerate(ALL_LINKS) if link.angle is not None)
