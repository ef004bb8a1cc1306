from dataclasses import replace

import pytest
import torch

from augment.reference import ReferencePoses
from kinematics import BONES, DHHuman, bone_lengths
from kinematics.human import BodyPose
from kinematics.joints import J
from kinematics.limb_frames import trunk_frames


def test_reference_keeps_at_most_so_many_poses(people, generator):
    reference = ReferencePoses.from_data(people, 50, generator)
    assert len(reference) == 50 and len(reference.camera) == 50
    whole = ReferencePoses.from_data(people, 1000, generator)
    torch.testing.assert_close(whole.joints_world, people.joints_world())


def test_settled_poses_stand_where_real_ones_stood(people, generator):
    reference = ReferencePoses.from_data(people, 1000, generator)
    indices = reference.random_indices(30, generator)
    other = reference.joints_world[reference.random_indices(30, generator)] + 5
    on_ground = reference.place_on_ground(other, indices)
    torch.testing.assert_close(on_ground[:, :, 0, :2], reference.hip[indices][..., :2])
    torch.testing.assert_close(on_ground[..., 2].amin(dim=-1), reference.ground_height[indices])
    torch.testing.assert_close(bone_lengths(on_ground), bone_lengths(other), atol=1e-5, rtol=0)


def test_settling_a_pose_at_its_own_place_moves_nothing(people, generator):
    reference = ReferencePoses.from_data(people, 1000, generator)
    indices = torch.arange(len(people))
    torch.testing.assert_close(reference.place_on_ground(reference.joints_world, indices), reference.joints_world)


def test_fit_of_the_reference_leads_back_to_its_poses(people, generator):
    reference = ReferencePoses.from_data(people, 1000, generator)
    torch.testing.assert_close(DHHuman()(*reference.dh_pose), reference.joints_world, atol=1e-3, rtol=0)


def test_long_clips_are_kept_within_memory_and_fitted_piece_by_piece(people, generator, monkeypatch):
    clips = people.index_select(torch.randint(len(people), (40,), generator=generator))
    joints = torch.cat([clips.joints_3d, clips.joints_3d.flip(0), clips.joints_3d], dim=1)
    clips = type(people).of(joints, clips.joints_2d.expand(-1, 3, -1, -1), clips.camera)
    whole = ReferencePoses.from_data(clips, 1000, generator)
    assert len(whole) == 40
    monkeypatch.setattr("augment.reference.FRAMES_AT_ONCE", 21)  # seven clips
    pieces = ReferencePoses(whole.joints_world, whole.camera)
    for one, other in zip(pieces.dh_pose, whole.dh_pose, strict=True):
        assert torch.equal(one, other)
    monkeypatch.setattr("augment.reference.MOST_FRAMES", 50)
    assert ReferencePoses.from_data(clips, 1000, generator).joints_world.shape == (16, 3, 16, 3)


@pytest.mark.parametrize("growth", [1.0, 1.2])
def test_bodies_have_the_data_sets_own_hip_and_thorax(people, generator, growth):
    """CMU's Hip lies far above the line between the hip joints, where a DH body has it."""
    joints = people.joints_world()
    pelvis, chest = trunk_frames(joints)
    up = torch.tensor([0.0, -0.05, 0.1])
    raised = joints.clone()
    raised[:, :, 0] += pelvis @ up
    raised[:, :, 8] += 0.3 * chest @ up
    data = type(people).of(people.camera.world_to_camera(raised), people.joints_2d, people.camera)
    reference = ReferencePoses.from_data(data, 1000, generator)
    indices = torch.arange(len(people))
    bodies = DHHuman()(*reference.dh_pose._replace(bone_lengths=growth * reference.dh_pose.bone_lengths))
    bodies = reference.with_hip_and_thorax(bodies, indices, torch.full((len(indices),), growth))
    about_spine = bodies - bodies[:, :, 7:8]
    torch.testing.assert_close(about_spine, growth * (raised - raised[:, :, 7:8]), atol=1e-3, rtol=0)


def test_clips_of_bodies_with_the_data_sets_thorax_keep_their_necks(people, generator):
    """CMU's Thorax lies above the line between the shoulders; a nodding head must not come nearer."""
    joints = people.joints_world()
    _, chest = trunk_frames(joints)
    raised = joints.clone()
    raised[:, :, 8] += chest @ torch.tensor([0.0, -0.03, 0.08])
    data = type(people).of(people.camera.world_to_camera(raised), people.joints_2d, people.camera)
    reference = ReferencePoses.from_data(data, 1000, generator)
    indices, growth = torch.arange(len(people)), torch.ones(len(people))
    angles = reference.dh_pose.joint_angles.repeat(1, 5, 1)
    angles[..., 16:20] += torch.linspace(-0.5, 0.5, 5)[:, None]  # chest and neck
    fit = BodyPose(angles, *(part.repeat(1, 5, 1) for part in reference.dh_pose[1:]))
    made = reference.with_hip_and_thorax(DHHuman()(*fit), indices, growth)
    lengths = bone_lengths(made)[..., BONES.index("neck")]
    assert (DHHuman()(*fit)[:, :, J.HEAD] - DHHuman()(*fit)[:, 2:3, J.HEAD]).norm(dim=-1).mean() > 0.03
    torch.testing.assert_close(lengths, lengths[:, 2:3].expand_as(lengths), atol=1e-5, rtol=0)
    torch.testing.assert_close(lengths[:, 2], bone_lengths(raised)[:, 0, BONES.index("neck")], atol=1e-3, rtol=0)


def test_clips_settle_alike_whatever_track_their_own_hip_took(rigged, generator):
    """A generator's own root jitters: heights that are smoothed must not keep it."""
    clips = rigged(2, frames=9)
    clips = clips.one_view(torch.zeros(len(clips), dtype=torch.long))
    reference = ReferencePoses.from_data(clips, 1000, generator)
    indices = reference.random_indices(len(clips), generator)
    track = torch.randn(len(clips), 9, 1, 3, generator=generator)
    on_ground = reference.place_on_ground(reference.joints_world, indices)
    torch.testing.assert_close(
        reference.place_on_ground(reference.joints_world + track, indices), on_ground, atol=1e-4, rtol=0
    )
    own = reference.place_on_ground(reference.joints_world, torch.arange(len(clips)))
    torch.testing.assert_close(own[..., 2], reference.joints_world[..., 2], atol=1e-4, rtol=0)


def test_smooth_tracks_keep_steady_motion_and_lose_jitter(rigged, generator):
    clips = rigged(2, frames=9)
    clips = clips.one_view(torch.zeros(len(clips), dtype=torch.long))
    steady = ReferencePoses.from_data(clips, 1000, generator)
    middle = steady.smooth().joints_world[:, 4]  # at its ends a clip slows down
    torch.testing.assert_close(middle, steady.joints_world[:, 4], atol=1e-3, rtol=0)
    jitter = 0.02 * torch.randn(steady.joints_world.shape, generator=generator)
    smooth = ReferencePoses(steady.joints_world + jitter, steady.camera).smooth()
    assert (smooth.joints_world - steady.joints_world).std() < 0.6 * jitter.std()
    single = ReferencePoses(steady.joints_world[:, :1], steady.camera)
    assert torch.equal(single.smooth().joints_world, single.joints_world)


def test_one_place_for_all_is_one_of_the_rows(generator, people):
    reference = ReferencePoses.from_data(people, 1000, generator)
    indices = torch.tensor([4, 7, 9])
    assert reference.camera_indices(indices, False, generator) is indices
    chosen = reference.camera_indices(indices, True, generator)
    assert len(chosen) == 3 and len(chosen.unique()) == 1 and int(chosen[0]) in (4, 7, 9)


def test_poses_without_cameras_or_with_17_joints_are_refused(people, generator):
    with pytest.raises(ValueError, match="needs the cameras"):
        ReferencePoses.from_data(replace(people, camera=None), 10, generator)
    seventeen = type(people).of(torch.zeros(3, 1, 17, 3), torch.zeros(3, 1, 17, 2), people.camera[:3])
    with pytest.raises(ValueError, match="expected 16"):
        ReferencePoses.from_data(seventeen, 10, generator)
