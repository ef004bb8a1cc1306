"""What no export may hold is refused before it is written, whatever the format."""

import math
from dataclasses import replace

import pytest
import torch

from augment.export.checks import REACH_M, check_bodies, check_numbers
from kinematics import Camera, PoseFKError
from kinematics.batch_last import to_batch_last


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30, 3.5, -1e4])
def test_one_joint_of_one_pose_that_no_body_reaches_is_found(people_of, frames: int, value: float):
    joints = people_of(50).joints_3d.expand(-1, frames, -1, -1).clone()
    check_bodies(to_batch_last(joints), 0)
    joints[17, frames - 1, 9, 1] = value
    with pytest.raises(PoseFKError, match=f"^Pose 1017 of those drawn is no body: .* expected {REACH_M[0]} to"):
        check_bodies(to_batch_last(joints), 1000)


def test_bodies_at_one_point_are_none(people_of):
    joints = people_of(50).joints_3d
    joints[3] = joints[3, :, :1]
    with pytest.raises(PoseFKError, match="^Pose 3 of those drawn is no body: its joints reach 0 m"):
        check_bodies(joints, 0)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])
@pytest.mark.parametrize("name", ["joints_world", "joints_screen", "translation", "intrinsics"])
def test_numbers_that_are_none_are_named(people, name: str, value: float):
    assert people.camera is not None
    arrays = {"joints_world": people.joints_world(), "joints_screen": people.joints_2d.clone()}
    check_numbers(**arrays, camera=people.camera)
    camera: Camera = people.camera
    if name in arrays:
        arrays[name][7, 0, 3, 1] = value
    else:
        changed = getattr(camera, name).clone()
        changed[5, 1] = value
        camera = replace(camera, **{name: changed})
    with pytest.raises(PoseFKError, match=f"^The {name} of drawn poses go from"):
        check_numbers(**arrays, camera=camera)


def test_both_layouts_of_memory_are_read(people_of):
    joints = people_of(40).joints_3d
    joints[5, 0, 3] = torch.tensor([9.0, 0, 0])
    for map_tensors in (joints, to_batch_last(joints)):
        with pytest.raises(PoseFKError, match="^Pose 5"):
            check_bodies(map_tensors, 0)
