"""Views of one recording: what fits together passes, what does not is refused with the camera's name."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from data.h36m.cameras import CAMERA_IDS, H36M_CAMERAS
from data.multiview.checks import best_shift, check_recordings, check_views, common_rate
from data.recordings import Recording, View, view_from_world
from kinematics.camera import Camera
from kinematics.errors import PoseFKError


def with_views(recording: Recording, *views: View) -> Recording:
    return replace(recording, views=views)


def late(view: View, frames: int) -> View:
    """The view as a camera has it that was started `frames` earlier: everything comes later."""
    return replace(view, joints_2d=np.roll(view.joints_2d, frames, 0), joints_3d=np.roll(view.joints_3d, frames, 0))


@pytest.mark.parametrize("views", [2, 3, 8])
def test_a_rig_that_sees_one_walk_passes(watched: Callable[..., Recording], views: int) -> None:
    check_views(watched(views))


def test_human36m_s_rig_passes(walk: Callable[..., np.ndarray]) -> None:
    views = [view_from_world(walk(40), c, name) for c, name in zip(H36M_CAMERAS["S9"], CAMERA_IDS, strict=True)]
    check_views(Recording("S9", "Walking", tuple(views), 50.0, np.ones(40, dtype=bool)))


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_short_recordings_pass(watched: Callable[..., Recording], frames: int) -> None:
    check_views(watched(3, frames))


@pytest.mark.parametrize("shift", [-10, -3, 1, 4, 10])
@pytest.mark.parametrize("views", [2, 4])
def test_a_late_view_is_named_with_its_shift(watched: Callable[..., Recording], shift: int, views: int) -> None:
    recording = watched(views, 120)
    second = late(recording.views[1], shift)
    changed = with_views(recording, recording.views[0], second, *recording.views[2:])[10:-10]
    assert best_shift(changed.views)[:2] == (1, shift)
    word = "later" if shift > 0 else "earlier"
    with pytest.raises(PoseFKError, match=f"view b fits the others .* taken {abs(shift)} frames? {word}"):
        check_views(changed)


def test_the_first_view_is_named_when_it_is_late(watched: Callable[..., Recording]) -> None:
    recording = watched(4, 120)
    views = (late(recording.views[0], 5), *recording.views[1:])
    with pytest.raises(PoseFKError, match="view a fits the others .* taken 5 frames later"):
        check_views(with_views(recording, *views)[10:-10])


def test_a_detector_s_noise_is_no_shift(watched: Callable[..., Recording]) -> None:
    recording, draw = watched(2, 120), np.random.default_rng(0)
    noisy = [
        replace(view, joints_2d=(view.joints_2d + draw.normal(0, 0.003, view.joints_2d.shape)).astype(np.float32))
        for view in recording.views
    ]
    assert best_shift(noisy)[1] == 0


def _noisy(view: View, draw: np.random.Generator, sd: float | int = 0.005) -> View:
    return replace(view, joints_2d=(view.joints_2d + draw.normal(0, sd, view.joints_2d.shape)).astype(np.float32))


@pytest.mark.parametrize("views", [2, 4])
@pytest.mark.parametrize("frames", [5, 25, 120])
def test_detections_of_somebody_who_stands_still_fit_at_any_shift_and_pass(
    watched: Callable[..., Recording], rig: Callable[[int], list[Camera]], walk: Callable[..., np.ndarray], views: int,
    frames: int,
) -> None:  # fmt: skip
    still = np.repeat(walk(1), frames, axis=0)
    for seed in range(5):
        draw = np.random.default_rng(seed)
        seen = [_noisy(view_from_world(still, camera, str(i)), draw) for i, camera in enumerate(rig(views))]
        assert best_shift(seen)[1] == 0
        check_recordings([Recording("S1", "Stand", tuple(seen), 25.0, np.ones(frames, dtype=bool))], views)


def test_a_view_of_a_few_frames_is_not_called_late(watched: Callable[..., Recording]) -> None:
    draw = np.random.default_rng(0)
    noisy = [_noisy(view, draw) for view in watched(3, 120).views]
    rare = replace(noisy[2], present=np.isin(np.arange(120), [10, 11, 12]))
    assert best_shift([*noisy[:2], rare])[1] == 0


def test_loaded_recordings_are_checked_in_the_views_that_are_used(watched: Callable[..., Recording]) -> None:
    recording = watched(4, 120)
    twin = with_views(recording, *recording.views[:3], replace(recording.views[1], camera_name="x"))
    check_recordings([recording, twin], 3)
    check_recordings([with_views(recording, recording.views[0])], 2)  # too few views: said where they are put together
    check_recordings([], 2)
    with pytest.raises(PoseFKError, match="S1 Walk: cameras b and x have the same pose"):
        check_recordings([recording, twin], 4)
    loose = with_views(recording, *(_noisy(view, np.random.default_rng(1), 0.02) for view in recording.views))
    check_recordings([loose], 4)
    with pytest.raises(PoseFKError, match="falls .* beside its 2D"):
        check_views(loose)


def test_of_many_recordings_the_first_the_last_and_some_between_are_checked(watched: Callable[..., Recording]) -> None:
    good, bad = watched(2, 12), watched(2, 12)
    bad = with_views(bad, bad.views[0], replace(bad.views[1], camera_name="a"))
    for place in (0, 199):
        recordings = [good] * 200
        recordings[place] = bad
        with pytest.raises(PoseFKError, match="camera a is there twice"):
            check_recordings(recordings, 2)
    halves = [good] * 100 + [bad] * 10 + [good] * 90
    with pytest.raises(PoseFKError, match="camera a is there twice"):
        check_recordings(halves, 2)


def moving(view: View, frames: int) -> View:
    """The same view with a camera for every frame."""
    assert view.camera is not None
    return replace(view, camera=Camera.stack([view.camera] * frames))


def test_moving_cameras_are_checked_frame_by_frame(watched: Callable[..., Recording]) -> None:
    recording = watched(3, 50)
    views = [moving(view, 50) for view in recording.views]
    check_views(with_views(recording, *views))
    with pytest.raises(PoseFKError, match="cameras a and x have the same pose"):
        check_views(with_views(recording, *views, replace(recording.views[0], camera_name="x")))


def test_absent_frames_do_not_count(watched: Callable[..., Recording]) -> None:
    recording = watched(3, 50)
    present = np.arange(50) % 3 > 0
    hidden = replace(
        recording.views[0], present=present, joints_2d=recording.views[0].joints_2d * present[:, None, None]
    )
    check_views(with_views(recording, hidden, *recording.views[1:]))
    with pytest.raises(PoseFKError, match="3D of view a falls"):
        check_views(with_views(recording, replace(hidden, present=~present), *recording.views[1:]))


def test_a_recording_of_moving_views_is_cut_with_its_cameras(watched: Callable[..., Recording]) -> None:
    recording = watched(2, 30)
    present = np.arange(30) > 3
    cut = with_views(recording, replace(moving(recording.views[0], 30), present=present), recording.views[1])[2:10]
    assert cut.views[0].camera is not None and len(cut.views[0].camera) == 8
    assert cut.views[0].is_present.tolist() == present[2:10].tolist() and cut.views[1].is_present.all()


def test_world_coordinates_come_from_a_view_that_has_the_frame(
    watched: Callable[..., Recording], walk: Callable[..., np.ndarray]
) -> None:
    recording, present = watched(2, 30), np.arange(30) > 3
    blank = recording.views[0].joints_3d * present[:, None, None]
    views = (replace(recording.views[0], joints_3d=blank, present=present), recording.views[1])
    np.testing.assert_allclose(with_views(recording, *views).joints_world, walk(30), atol=1e-5)


def _turned(camera: Camera, turn: Rotation) -> Camera:
    axes = turn * Rotation.from_quat(np.roll(camera.orientation_wxyz.numpy(), -1))
    orientation = torch.from_numpy(np.roll(axes.as_quat(), 1)).float()
    return replace(camera, orientation_wxyz=orientation, translation=_vector(turn.apply(camera.translation.numpy())))


def _vector(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(values)).float()


def _moved(view: View, metres: float) -> View:
    assert view.camera is not None
    return replace(view, camera=replace(view.camera, translation=view.camera.translation + metres))


_SPIN = Rotation.from_euler("x", -90, degrees=True)


def _one_place(views: tuple[View, ...]) -> tuple[View, ...]:
    """Cameras that turn about one centre."""
    first = views[0].camera
    assert first is not None
    cameras = [replace(view.camera, translation=first.translation) for view in views if view.camera is not None]
    return tuple(replace(view, camera=camera) for view, camera in zip(views, cameras, strict=True))


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda views: views[:1], "has 1 view, expected two or more"),
        (lambda views: (views[0], views[1][:50]), "view b has 50 frames, expected 60 as view a has"),
        (lambda views: (views[0], replace(views[1], camera=None)), "camera of view b is not known"),
        (lambda views: (*views, replace(views[2], camera_name="a")), "camera a is there twice"),
        (lambda views: (*views, replace(views[2], camera_name="e")), "cameras c and e have the same pose"),
        (_one_place, "all 3 cameras stand within 1 cm of one place"),
        (lambda views: (*views[:2], _moved(views[2], 0.2)), "joints of view c lie .* mm .* its pose is wrong"),
        (lambda views: (*views[:2], replace(views[2], joints_2d=views[2].joints_2d * 1.1)), "view c falls .* beside"),
        (
            lambda views: tuple(replace(view, camera=_turned(view.camera, _SPIN)) for view in views),
            r"the cameras' up is the world's \+y, expected \+z",
        ),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    watched: Callable[..., Recording], spoil: Callable[..., tuple[View, ...]], words: str
) -> None:
    recording = watched(3)
    with pytest.raises(PoseFKError, match=f"(?i)^S1 Walk.*{words}"):
        check_views(replace(recording, views=spoil(recording.views)))


def test_cameras_of_different_rates_are_refused() -> None:
    assert common_rate({"a": 25, "b": 25.0}, "clip") == 25
    with pytest.raises(PoseFKError, match="view b has 30 frames a second and view a 25"):
        common_rate({"a": 25, "b": 30}, "clip")
