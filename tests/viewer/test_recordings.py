"""Recordings beside what a lifter makes of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from data import PoseDataset
from evaluation import evaluate
from kinematics import Camera
from posenets import ScreenLifter, build_posenet, lifter_from_checkpoint
from tests.tiny_cmu import SETTINGS
from viewer.recordings import BESIDE_M, Recordings

FEW = replace(SETTINGS, actions=("walk",))


@pytest.fixture(scope="module")
def recordings(content) -> Recordings:
    return Recordings("cmu", SETTINGS, lifter_from_checkpoint(content, "last.pt"))


def first_of(recordings: Recordings):
    name = recordings.names("cmux_a")[0]
    return recordings.recording("cmux_a", name), recordings.recording("cmux_a", name).views[0].camera_name


def test_every_recording_has_a_unique_name(recordings: Recordings):
    assert set(recordings.tests) == {"cmux_a", "cmux_b"}
    for test_set, known in recordings.tests.items():
        names = recordings.names(test_set)
        assert len(set(names)) == len(known)
        assert all(
            recordings.recording(test_set, name) is recording for name, recording in zip(names, known, strict=True)
        )


def test_errors_are_those_of_the_evaluation_and_of_what_is_drawn(recordings: Recordings, content):
    recording, camera = first_of(recordings)
    sight = recordings.sight(recording, camera)
    lifter = lifter_from_checkpoint(content, "last.pt")
    alone = PoseDataset.from_recordings([replace(recording, views=recording.views[:1])], frames=lifter.frames)
    assert float(sight.errors.mean()) == pytest.approx(evaluate(lifter, alone)["mpjpe"], rel=1e-5)
    drawn = torch.stack([sight.predicted_world(frame, beside=False) for frame in range(len(sight))])
    apart = 1000 * (drawn - sight.target).norm(dim=-1)
    torch.testing.assert_close(apart, sight.errors, atol=0.01, rtol=1e-4)
    assert f"MPJPE {sight.errors[4].mean():.1f} mm" in sight.sentence(4)


def test_beside_the_ground_truth_is_a_step_to_the_camera_s_right(recordings: Recordings):
    sight = recordings.sight(*first_of(recordings))
    over, beside = (sight.camera.world_to_camera(sight.predicted_world(0, place)) for place in (False, True))
    torch.testing.assert_close(beside - over, torch.tensor([BESIDE_M, 0, 0]).expand(16, 3), atol=1e-5, rtol=0)


def test_the_camera_sees_what_the_lifter_reads(recordings: Recordings):
    sight = recordings.sight(*first_of(recordings))
    seen = sight.camera.project(sight.camera.world_to_camera(sight.target))
    torch.testing.assert_close(seen, sight.screen, atol=1e-4, rtol=0)


def test_a_moving_camera_is_another_one_in_every_frame():
    recordings = Recordings("cmu", FEW, ScreenLifter(build_posenet("simple_baseline", linear_size=8)))
    recording, camera_name = first_of(recordings)
    view = recording.views[0]
    assert view.camera is not None
    joints_world, frames = torch.from_numpy(view.joints_world), len(recording)
    shift = torch.linspace(0, 1, frames)[:, None] * torch.tensor([1.0, 0.0, 0.0])
    camera = Camera.stack([view.camera] * frames)
    camera = replace(camera, translation=camera.translation + shift)
    seen = camera.world_to_camera(joints_world)
    present = np.arange(frames) != 5
    moving = replace(
        view, camera=camera, joints_3d=seen.numpy(), joints_2d=camera.project(seen).numpy(), present=present
    )
    sight = recordings.sight(replace(recording, views=(moving,)), camera_name)
    assert len(sight) == frames
    torch.testing.assert_close(sight.target, joints_world, atol=1e-4, rtol=0)
    torch.testing.assert_close(sight.camera_of(frames - 1).translation, view.camera.translation + shift[-1])
    drawn = torch.stack([sight.predicted_world(frame, beside=False) for frame in range(frames)])
    torch.testing.assert_close(1000 * (drawn - sight.target).norm(dim=-1), sight.errors, atol=0.01, rtol=1e-4)


def test_without_a_camera_people_stand_upright_on_the_floor(recordings: Recordings):
    recording, _ = first_of(recordings)
    view = recording.views[0]
    centred = view.joints_3d - view.joints_3d[:, :1]
    blind = replace(recording, views=(replace(view, camera=None, joints_3d=centred),))
    sight = recordings.sight(blind, view.camera_name)
    assert not sight.has_camera and float(sight.target[..., 2].min()) == pytest.approx(0, abs=1e-6)
    head, hip = (sight.target[:, sight.skeleton.joints.index(name), 2] for name in ("Head", "Hip"))
    assert np.all((head - hip).numpy() > 0.4)


def test_without_a_lifter_only_the_ground_truth_is_shown():
    recordings = Recordings("cmu", FEW, None)
    sight = recordings.sight(*first_of(recordings))
    assert sight.predicted is None and not recordings.lifts and "--checkpoint" in sight.sentence(0)
