"""What no export may hold is refused before it is written, whatever the format."""

import math
from dataclasses import replace

import pytest
import torch

from augment.export.checks import check_numbers, check_poses
from kinematics import Camera, PoseFKError
from kinematics.batch_last import to_batch_last


@pytest.mark.parametrize("layout", [to_batch_last, torch.Tensor.contiguous])
@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30, 4.5, -1e4])
def test_one_joint_of_one_pose_that_no_body_reaches_is_named(people_of, frames: int, value: float, layout):
    joints = people_of(50).joints_3d.expand(-1, frames, -1, -1).clone()
    check_poses(layout(joints), 0)
    joints[17, frames - 1, 9, 1] = value
    with pytest.raises(ValueError, match="^The export: pose 1017 has Head .* Nothing of this shard was kept"):
        check_poses(layout(joints), 1000)


def test_bodies_at_one_point_are_refused(people_of):
    joints = people_of(50).joints_3d
    joints[3] = joints[3, :, :1]
    with pytest.raises(ValueError, match="^The export: pose 3 has all joints within 0 m of the root"):
        check_poses(joints, 0)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])
@pytest.mark.parametrize("name", ["joints_screen", "translation", "intrinsics"])
def test_what_is_not_finite_is_named(people, name: str, value: float):
    assert people.camera is not None
    screen, camera = people.joints_2d.clone(), people.camera
    check_numbers(screen, camera)
    if name == "joints_screen":
        screen[7, 0, 3, 1] = value
    else:
        changed = getattr(camera, name).clone()
        changed[5, 1] = value
        camera: Camera = replace(camera, **{name: changed})
    with pytest.raises(PoseFKError, match=f"^The {name} of drawn poses go from"):
        check_numbers(screen, camera)
