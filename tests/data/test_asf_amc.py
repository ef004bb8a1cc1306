"""ASF/AMC against a loop over frames, and what is said about broken files."""

import numpy as np
import pytest

from data.files.asf_amc import H36M_17_FROM_ASF, amc_joints, bone_ends, parse_amc, parse_asf, z_up
from kinematics.skeleton import Skeleton

TWO_BONES = """
:units
  length 1.0
  angle {unit}
:root
  order {root_order}
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name upper
    direction 1 0 0
    length 2
    axis 0 0 0 {axis}
    dof {dof}
  end
  begin
    id 2
    name lower
    direction 0 1 0
    length 1
    axis 0 0 90 XYZ
    dof rx
  end
:hierarchy
  begin
    root upper
    upper lower
  end
"""


def two_bones(unit="deg", root_order="TX TY TZ RX RY RZ", axis="XYZ", dof="rx ry rz"):
    return parse_asf(TWO_BONES.format(unit=unit, root_order=root_order, axis=axis, dof=dof), "two.asf")


def ends_in_inches(skeleton, amc):
    motion = parse_amc(amc, skeleton, "two.amc")
    return {bone: ends[0] / 0.0254 for bone, ends in bone_ends(skeleton, motion).items()}


def test_joint_names_are_the_h36m_layouts():
    assert tuple(H36M_17_FROM_ASF) == Skeleton("h36m_17").joints


@pytest.mark.parametrize("unit_length", [0.45, 1.0])
def test_joints_agree_with_a_loop_over_frames_in_any_unit(tiny_capture, unit_length):
    person = tiny_capture(seed=1, unit_length=unit_length)
    if unit_length == 1.0:  # the same person written in another unit
        person.vectors = {bone: vector / 0.45 for bone, vector in person.vectors.items()}
        person.places = person.places / 0.45
    joints = amc_joints(person.amc, parse_asf(person.asf, "tiny.asf"), "tiny.amc")
    for frame in range(person.frames):
        ends = person.ends(frame)
        slow = z_up(np.stack([ends[bone] for bone in H36M_17_FROM_ASF.values()]))
        np.testing.assert_allclose(joints[frame], slow, atol=1e-12)


def test_y_up_becomes_z_up_and_keeps_handedness():
    points = np.eye(3)
    np.testing.assert_array_equal(z_up(np.array([0.0, 1.0, 0.0])), [0, 0, 1])
    assert np.linalg.det(z_up(points)) == 1


def test_angles_turn_about_fixed_axes_in_the_order_of_the_letters():
    turned = ends_in_inches(two_bones(), "1\nroot 0 0 0 0 0 0\nupper 0 90 90\nlower 0\n")
    np.testing.assert_allclose(turned["upper"], [0, 0, -2], atol=1e-12)  # y takes x to -z, which z leaves
    turned = ends_in_inches(two_bones(axis="ZYX"), "1\nroot 0 0 0 0 0 0\nupper 0 90 90\nlower 0\n")
    np.testing.assert_allclose(turned["upper"], [0, 2, 0], atol=1e-12)  # z takes x to y, which y leaves


def test_a_bone_turns_about_the_axes_of_its_own_frame():
    turned = ends_in_inches(two_bones(), "1\nroot 0 0 0 0 0 0\nupper 0 0 0\nlower 90\n")
    np.testing.assert_allclose(turned["lower"], [2, 1, 0], atol=1e-12)  # its x axis is the bone's direction
    turned = ends_in_inches(two_bones(), "1\nroot 0 0 0 0 90 0\nupper 0 0 0\nlower 90\n")
    np.testing.assert_allclose(turned["lower"], [0, 1, -2], atol=1e-12)


def test_columns_follow_the_order_of_the_dof_line_and_of_the_roots_order():
    straight = ends_in_inches(two_bones(), "1\nroot 1 2 3 10 20 30\nupper 40 50 60\nlower 7\n")
    skeleton = two_bones(root_order="RZ RX RY TZ TX TY", dof="rz rx ry")
    shuffled = ends_in_inches(skeleton, "1\nroot 30 10 20 3 1 2\nupper 60 40 50\nlower 7\n")
    np.testing.assert_allclose(shuffled["lower"], straight["lower"], atol=1e-12)


def test_a_missing_degree_of_freedom_is_an_angle_of_zero():
    few = ends_in_inches(two_bones(dof="rz"), "1\nroot 0 0 0 0 0 0\nupper 35\nlower 0\n")
    all_three = ends_in_inches(two_bones(), "1\nroot 0 0 0 0 0 0\nupper 0 0 35\nlower 0\n")
    np.testing.assert_allclose(few["lower"], all_three["lower"], atol=1e-12)


def test_the_motions_header_overrules_the_skeletons_angle_unit(tiny_capture):
    person = tiny_capture()
    in_degrees = amc_joints(person.amc, parse_asf(person.asf, "a"), "a")
    for angles in person.angles.values():
        angles.update({axis: np.deg2rad(angle) for axis, angle in angles.items()})
    in_radians = amc_joints(person.amc.replace(":DEGREES", ":RADIANS"), parse_asf(person.asf, "a"), "a")
    np.testing.assert_allclose(in_radians, in_degrees, atol=1e-12)


def test_a_motion_of_one_frame_and_blank_lines_and_comments_are_read(tiny_capture):
    person = tiny_capture(frames=1)
    skeleton = parse_asf(person.asf, "tiny.asf")
    noisy = "# a comment\n\n" + person.amc.replace("\n", "\r\n\r\n") + "# the end\n"
    np.testing.assert_array_equal(amc_joints(noisy, skeleton, "a"), amc_joints(person.amc, skeleton, "a"))


BAD_SKELETONS = {
    "cut in the bones": (lambda text: text[: len(text) // 2], "hierarchy"),
    "empty": (lambda text: "", "sections"),
    "no number": (lambda text: text.replace("length 0.45", "length long"), "not a readable ASF"),
    "unknown freedom": (lambda text: text.replace("dof rx ry rz", "dof rx ry l", 1), "degrees of freedom"),
    "root order": (lambda text: text.replace("order TX TY TZ", "order TX TY"), "root's order"),
    "unnamed bone": (
        lambda text: text.replace("    ltibia", "    lshin").replace("lfemur ltibia", "lfemur lshin"),
        "ltibia",
    ),
    "another animal": (lambda text: text.replace("rradius", "rwing"), "lacks the bones rradius"),
    "a name without end": (lambda text: text.replace("lhipjoint", "l" * 3000), "a name of 3,000 characters"),
    "an order without end": (lambda text: text.replace("order TX", f"order {'TX' * 3000}"), "root's order is"),
}


@pytest.mark.parametrize("damage", BAD_SKELETONS)
def test_a_bad_skeleton_is_one_sentence(tiny_capture, damage):
    person = tiny_capture()
    spoil, message = BAD_SKELETONS[damage]
    with pytest.raises(ValueError, match=message) as caught:
        amc_joints(person.amc.replace("rradius", "rwing") if "wing" in spoil(person.asf) else person.amc,
                   parse_asf(spoil(person.asf), "05.asf"), "05_01.amc")  # fmt: skip
    assert "05" in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 400


def spoiled_number(value):
    return lambda text: text.replace(text.rsplit("rtibia ", 1)[1].split("\n")[0], value)


BAD_MOTIONS = {
    "empty": (lambda text: "", "frame number 1, found nothing"),
    "something else": (lambda text: "HIERARCHY\nROOT Hips", "Is this an AMC file"),
    "cut after some bones of a frame": (lambda text: text[: text.rindex("lradius")], "frame 5"),
    "cut within a bone": (lambda text: text[: text.rindex("lowerneck") + 12], "words, expected"),
    "cut in frame 1": (lambda text: text[: text.index("rradius")], "does not move rradius|cut short"),
    "a number too many": (lambda text: text.replace("rtibia ", "rtibia 1.5 ", 1), "rtibia has 2 numbers"),
    "a number too few later": (lambda text: text[:-400] + text[-400:].replace("rradius ", "rradius", 1), "frame 5"),
    "unknown bone": (lambda text: text.replace("lclavicle", "ltentacle"), "moves 'ltentacle'"),
    "not a number": (spoiled_number("abc"), "number was expected"),
    "NaN": (spoiled_number("nan"), "frame 5 holds nan"),
    "infinite": (spoiled_number("inf"), "frame 5 holds inf"),
}


@pytest.mark.parametrize("damage", BAD_MOTIONS)
def test_a_bad_motion_is_one_sentence(tiny_capture, damage):
    person = tiny_capture()
    spoil, message = BAD_MOTIONS[damage]
    with pytest.raises(ValueError, match=message) as caught:
        amc_joints(spoil(person.amc), parse_asf(person.asf, "05.asf"), "05_01.amc")
    assert str(caught.value).startswith("05_01.amc") and "\n" not in str(caught.value)
