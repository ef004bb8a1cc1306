"""BVH against AMC of the same motion, on made-up people and on the real pairs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from data.cmu.archive import open_source
from data.files.asf_amc import amc_joints, parse_asf
from data.files.bvh.clip import write_bvh
from data.files.bvh.reader import (
    CMU_METRES_PER_UNIT,
    H36M_17_FROM_BVH,
    bvh_joints,
    joint_origins,
    parse_bvh,
    thorax_offset,
    without_rest_pose,
)
from kinematics.skeleton import Skeleton

ABOVE_THE_THORAX = [Skeleton("h36m_17").joints.index(name) for name in ("Thorax", "Head", "LWrist", "RShoulder")]
REAL = Path(__file__).parents[3] / "shared" / "data" / "cmu" / "cmu_raw.tar.xz"


def test_joint_names_are_the_h36m_layouts():
    assert tuple(H36M_17_FROM_BVH) == Skeleton("h36m_17").joints


@pytest.mark.parametrize("seed", range(3))
def test_bvh_and_amc_of_one_motion_agree_once_the_thorax_is_back(tiny_capture, seed):
    person = tiny_capture(seed=seed)
    skeleton = parse_asf(person.asf, "tiny.asf")
    from_bvh, fps = bvh_joints(person.bvh, skeleton, "tiny.bvh")
    np.testing.assert_allclose(from_bvh, amc_joints(person.amc, skeleton, "tiny.amc"), atol=1e-9)
    assert fps == pytest.approx(120, abs=1e-3)


def test_a_bvh_that_kept_its_thorax_is_left_alone(tiny_capture):
    person = tiny_capture(keep_thorax=True)
    skeleton = parse_asf(person.asf, "tiny.asf")
    expected = amc_joints(person.amc, skeleton, "tiny.amc")
    np.testing.assert_allclose(bvh_joints(person.bvh, None, "tiny.bvh")[0], expected, atol=1e-9)


def test_the_estimated_thorax_moves_neck_and_shoulders_and_nothing_else(tiny_capture):
    person = tiny_capture()
    skeleton = parse_asf(person.asf, "tiny.asf")
    exact, estimated = (bvh_joints(person.bvh, given, "tiny.bvh")[0] for given in (skeleton, None))
    moved = np.linalg.norm(exact - estimated, axis=-1).max(axis=0) > 1e-9
    assert moved[ABOVE_THE_THORAX].all() and not moved[:8].any()
    joints = parse_bvh(person.bvh, "tiny.bvh").joints
    error = np.linalg.norm(thorax_offset(joints, skeleton) - thorax_offset(joints, None)) * CMU_METRES_PER_UNIT
    np.testing.assert_allclose(np.linalg.norm(exact - estimated, axis=-1)[:, ABOVE_THE_THORAX], error, atol=1e-9)


def test_the_conversions_rest_pose_is_dropped_and_a_real_first_frame_is_not(tiny_capture):
    person = tiny_capture(frames=4)
    motion = parse_bvh(person.bvh, "tiny.bvh")
    assert len(motion.values) == 5
    trimmed = without_rest_pose(motion)
    assert len(trimmed.values) == 4
    assert len(without_rest_pose(trimmed).values) == 4


def cut(text, count):
    return text[:-count]


BAD_FILES = {
    "empty": (lambda text: "", "HIERARCHY, then a MOTION"),
    "cut in the hierarchy": (lambda text: text[:900], "HIERARCHY, then a MOTION"),
    "cut in the motion": (lambda text: text[:-40], "numbers, got"),
    "a brace lost": (lambda text: text.replace("}\nMOTION", "MOTION"), "never closed"),
    "no frames": (lambda text: text[: text.index("Frames:")], "not a readable BVH"),
    "wrong column count": (
        lambda text: text.replace("\nFrame Time", " \nFrame Time").rstrip() + " 1.0\n",
        "channels are",
    ),
    "not a number": (lambda text: text.replace("Frame Time: .0083333\n", "Frame Time: .0083333\nx"), "not a readable"),
    "NaN": (lambda text: text.rstrip().rsplit(" ", 1)[0] + " nan\n", "frame 6 holds nan, expected finite numbers"),
    "strange word": (lambda text: text.replace("OFFSET", "SHIFT", 1), "unexpected word 'SHIFT'"),
    "two of one name": (
        lambda text: text.replace("JOINT LeftLeg", "JOINT LeftUpLeg"),
        "two joints are called LeftUpLeg",
    ),
    "other names": (lambda text: text.replace("LeftForeArm", "LeftElbow"), "lacks the joints LeftForeArm"),
}


@pytest.mark.parametrize("damage", BAD_FILES)
def test_a_bad_file_is_one_sentence(tiny_capture, damage):
    spoil, message = BAD_FILES[damage]
    with pytest.raises(ValueError, match=message) as caught:
        bvh_joints(spoil(tiny_capture().bvh), None, "05_01.bvh")
    assert str(caught.value).startswith("05_01.bvh") and "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def real_pairs():
    """(AMC text, BVH text, ASF text) of the clips that came in both formats."""
    if not REAL.exists():
        pytest.skip(f"{REAL} is not here")
    with open_source(REAL, ("02_01", "02_03", "35_01", "49_20").__contains__) as source:
        return {
            clip: (kinds["amc"](), kinds["bvh"](), source.skeletons[clip[:2]]())
            for clip, kinds in source.motions.items()
        }


@pytest.mark.slow
def test_real_bvh_and_amc_agree_within_a_hundredth_of_a_millimetre(real_pairs):
    assert len(real_pairs) == 4
    for clip, (amc, bvh, asf) in real_pairs.items():
        skeleton = parse_asf(asf, clip)
        from_amc, (from_bvh, _) = amc_joints(amc, skeleton, clip), bvh_joints(bvh, skeleton, clip)
        assert np.linalg.norm(from_amc - from_bvh, axis=-1).max() < 1e-5


@pytest.mark.slow
def test_the_estimated_thorax_is_within_four_millimetres_on_real_people(real_pairs):
    for clip, (_, bvh, asf) in real_pairs.items():
        exact, estimated = (bvh_joints(bvh, given, clip)[0] for given in (parse_asf(asf, clip), None))
        assert 0.0005 < np.linalg.norm(exact - estimated, axis=-1).max() < 0.004


@pytest.mark.slow
def test_real_limbs_keep_their_length(real_pairs):
    skeleton = Skeleton("h36m_17")
    limbs = [(skeleton.parents[j], j) for j in map(skeleton.joints.index, ("RKnee", "LAnkle", "LElbow", "RWrist"))]
    for clip, (amc, _, asf) in real_pairs.items():
        joints = amc_joints(amc, parse_asf(asf, clip), clip)
        lengths = np.stack([np.linalg.norm(joints[:, a] - joints[:, b], axis=-1) for a, b in limbs])
        assert np.ptp(lengths, axis=1).max() < 1e-9


def _with_positions(text, root_offset=(0.0, 0.0, 0.0)):
    """The same motion as Blender writes it: position channels in every joint, which hold its OFFSET."""
    motion = parse_bvh(text, "it")
    head, _, tail = text.partition("MOTION")
    head = head.replace("CHANNELS 3 ", "CHANNELS 6 Xposition Yposition Zposition ")
    head = head.replace("OFFSET", "OFFSET " + " ".join(map(str, root_offset)) + " #", 1)
    head = "\n".join(line.partition("#")[0] for line in head.split("\n"))
    columns, first = [], 0
    for joint in motion.joints.values():
        values = motion.values[:, first : first + len(joint.channels)]
        first += len(joint.channels)
        if len(joint.channels) == 3:
            columns.append(np.tile(joint.offset, (len(values), 1)))
        columns.append(values)
    rows = [" ".join(f"{value:.9f}" for value in row) for row in np.concatenate(columns, axis=1)]
    lines = tail.strip().split("\n")
    return head + "MOTION\n" + "\n".join([lines[0], lines[1], *rows]) + "\n"


@pytest.mark.parametrize("offset", [(0.0, 0.0, 0.0), (0.5, 16.0, -3.0)])
def test_position_channels_stand_in_place_of_offsets_in_every_joint(tiny_capture, offset):
    person = tiny_capture()
    wanted, fps = bvh_joints(person.bvh, None, "tiny.bvh")
    read, again = bvh_joints(_with_positions(person.bvh, offset), None, "tiny.bvh")
    np.testing.assert_allclose(read, wanted, atol=1e-8)
    assert again == fps


def test_position_channels_that_stay_at_0_move_no_joint(tiny_capture):
    text = _with_positions(tiny_capture().bvh)
    motion = parse_bvh(text, "it")
    positions = [
        channel.endswith("position") and joint.parent is not None
        for joint in motion.joints.values() for channel in joint.channels
    ]  # fmt: skip
    values = np.where(positions, 0.0, motion.values)
    still = joint_origins(replace(motion, values=values))
    for name, places in joint_origins(motion).items():
        np.testing.assert_allclose(still[name], places, atol=1e-8)


@pytest.mark.parametrize("units", ["m", "cm"])
def test_files_of_the_dh_body_are_read_back_in_their_unit(units, people_of, tmp_path):
    joints = people_of(6, dtype=torch.float64).joints_world()[:, 0]
    write_bvh(tmp_path / "pose.bvh", joints, 50.0, units)
    read, fps = bvh_joints((tmp_path / "pose.bvh").read_text(), None, "pose.bvh")
    shared = [joint for joint, name in enumerate(Skeleton("h36m_17").joints) if name != "NeckNose"]
    assert fps == pytest.approx(50)
    apart = np.linalg.norm(read[:, shared] - joints.numpy(), axis=-1)
    assert apart.max() < 0.2 and np.median(apart) < 0.05  # bones are a clip's mean in the file, these are six people
