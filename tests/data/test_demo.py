"""The invented population: the same for everybody, smooth, on the floor, in the image, split by person."""

import numpy as np
import pytest
import torch

from data.cmu.benchmark import TEST_B, VALIDATION
from data.demo import TEST_SUBJECTS, TRAIN_SUBJECTS, VALIDATION_SUBJECTS, demo_body, load, load_tests
from data.demo_activities import TRAIN_ACTIVITIES
from data.demo_bodies import CHANNELS, COLUMN, SKELETON, posed_joints
from data.demo_motions import LIMITS, limit_angles, mirrored, pose_vector
from data.demo_shifted_activities import SHIFTED_ACTIVITIES
from data.h36m.cameras import H36M_CAMERAS
from data.recordings import DataSettings, DataSplits, Recording
from kinematics.camera import in_image

JOINT = {name: index for index, name in enumerate(SKELETON.joints)}


@pytest.fixture(scope="module")
def splits() -> DataSplits:
    return load(DataSettings(num_joints=17))


@pytest.fixture(scope="module")
def every_recording(splits: DataSplits) -> list[Recording]:
    return [
        *splits.train,
        *splits.validation,
        *(recording for recordings in splits.tests.values() for recording in recordings),
    ]


def _small(**settings) -> DataSplits:
    return load(DataSettings(subjects_train=("D2",), subjects_test=("D7", "D9"), **settings))


def test_the_same_population_for_every_seed(splits):
    again = load(DataSettings(num_joints=17, seed=5, subjects_train=("D2",), actions=("walk", "kick")))
    twin = {recording.action: recording for recording in splits.train if recording.subject == "D2"}["walk"]
    for view, view_again in zip(twin.views, again.train[0].views, strict=True):
        assert np.array_equal(view.joints_3d, view_again.joints_3d)
        assert np.array_equal(view.joints_2d, view_again.joints_2d)


def test_global_random_state_is_neither_used_nor_changed():
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    first = _small(actions=("walk",)).train[0].views[0].joints_3d
    assert np.array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(before[1], torch.get_rng_state())
    np.random.seed(2)  # noqa: NPY002
    assert np.array_equal(first, _small(actions=("walk",)).train[0].views[0].joints_3d)


def test_people_of_the_splits_are_disjoint(splits):
    seen = {
        "train": {recording.subject for recording in splits.train},
        "validation": {recording.subject for recording in splits.validation},
        **{name: {recording.subject for recording in recordings} for name, recordings in splits.tests.items()},
    }
    assert seen["train"] == set(TRAIN_SUBJECTS) and seen["validation"] == set(VALIDATION_SUBJECTS)
    assert list(splits.tests) == ["demo", "demo_shifted"]
    assert sum(len(people) for people in seen.values()) == len(set.union(*seen.values()))


def test_shifted_activities_are_seen_in_no_other_split(splits):
    shifted = {recording.action for recording in splits.tests["demo_shifted"]}
    others = {recording.action for recording in [*splits.train, *splits.validation, *splits.tests["demo"]]}
    assert len(others) >= 12 and len(shifted) >= 8 and not shifted & others
    assert {recording.action for recording in splits.tests["demo"]} == {recording.action for recording in splits.train}


def test_training_has_twenty_to_forty_thousand_poses(splits):
    assert 20_000 <= sum(len(recording) * len(recording.views) for recording in splits.train) <= 40_000


def test_bones_keep_their_length_within_a_take(every_recording):
    for recording in every_recording:
        joints = recording.joints_world
        for parent, child in SKELETON.bones:
            length = np.linalg.norm(joints[:, child] - joints[:, parent], axis=-1)
            assert np.ptp(length) < 1e-4, (recording.subject, recording.action, SKELETON.joints[child])


def test_a_person_has_the_same_bones_in_every_take(splits):
    by_person: dict[str, list[np.ndarray]] = {}
    for recording in splits.train:
        joints = recording.joints_world[0]
        by_person.setdefault(recording.subject, []).append(
            np.array([np.linalg.norm(joints[child] - joints[parent]) for parent, child in SKELETON.bones])
        )
    for lengths in by_person.values():
        assert np.ptp(np.stack(lengths), axis=0).max() < 1e-4
    people = np.stack([lengths[0] for lengths in by_person.values()])
    assert np.ptp(people, axis=0).max() > 0.01  # and people differ


def test_motion_is_smooth(every_recording):
    for recording in every_recording:
        velocity = np.diff(recording.joints_world, axis=0) * recording.fps
        assert np.linalg.norm(velocity, axis=-1).max() < 15, (recording.subject, recording.action)
        jump = np.linalg.norm(np.diff(velocity, axis=0), axis=-1) / recording.fps  # from the constant-velocity forecast
        assert jump.max() < 0.3, (recording.subject, recording.action)


def test_nobody_sinks_into_the_floor_or_floats_for_long(every_recording):
    flying = {"jump", "run", "climb_stairs", "jumping_jack", "dance"}
    for recording in every_recording:
        skin = demo_body(recording.subject).skin
        gap = (recording.joints_world[..., 2] - skin).min(1)
        assert gap.min() > -1e-4, (recording.subject, recording.action)
        if recording.action not in flying:
            assert gap.max() < 0.03, (recording.subject, recording.action)


def test_a_walker_makes_way_without_sliding(splits):
    walks = [recording for recording in splits.train if recording.action == "walk"]
    for recording in walks:
        joints = recording.joints_world
        ankles = joints[:, [JOINT["RAnkle"], JOINT["LAnkle"]]]
        speed = np.linalg.norm(np.gradient(ankles[..., :2], axis=0), axis=-1) * recording.fps
        hip_speed = np.linalg.norm(np.gradient(joints[:, 0, :2], axis=0), axis=-1) * recording.fps
        standing = np.take_along_axis(speed, ankles[..., 2].argmin(1)[:, None], 1)
        assert 0.5 < hip_speed.mean() < 2
        assert np.median(standing) < 0.25 * hip_speed.mean()


@pytest.mark.parametrize("side", ["L", "R"])
def test_knees_bend_forwards_and_elbows_never_straighten_past_180(every_recording, side):
    for recording in every_recording:
        joints = recording.joints_world.astype(np.float64)
        hip, knee, ankle = (joints[:, JOINT[side + name]] for name in ("Hip", "Knee", "Ankle"))
        thigh, shin = knee - hip, ankle - knee
        cosine = (thigh * shin).sum(-1) / np.linalg.norm(thigh, axis=-1) / np.linalg.norm(shin, axis=-1)
        assert np.degrees(np.arccos(cosine.clip(-1, 1))).max() < 150
        if recording.action in ("walk", "run", "climb_stairs", "squat", "sit", "bend", "crawl"):
            across = joints[:, JOINT["RHip"]] - joints[:, JOINT["LHip"]]
            bend = (np.cross(shin, thigh) * across).sum(-1)  # the axis of flexion points to the subject's right
            assert bend.min() > 0, (recording.subject, recording.action)


def test_angles_are_held_inside_their_limits():
    motion = np.random.default_rng(0).normal(0, 3, (500, len(CHANNELS)))
    limited = limit_angles(motion)
    for side in "rl":
        for name, (low, high) in LIMITS.items():
            column = name if name in COLUMN else f"{name}_{side}"
            angles = np.degrees(limited[:, COLUMN[column]])
            assert angles.max() <= high + 1e-9
            assert angles.min() >= low - 1e-9
    assert np.array_equal(limited[:, COLUMN["yaw"]], motion[:, COLUMN["yaw"]])


def test_tables_of_poses_stay_inside_the_limits():
    for activity in TRAIN_ACTIVITIES + SHIFTED_ACTIVITIES:
        for phrase in activity.phrases:
            for _, pose in phrase:
                vector = np.radians(pose_vector({**activity.base, **pose}))
                off = np.degrees(np.abs(limit_angles(vector[None])[0] - vector))
                names = [name for name, amount in zip(CHANNELS, off, strict=True) if amount > 10]
                assert not names, f"{activity.name}: {names}"


def test_a_mirrored_motion_is_the_mirror_image():
    body = demo_body("D1")
    offsets = body.offsets.copy()
    offsets[list(SKELETON.left)] = offsets[list(SKELETON.right)] * [-1, 1, 1]  # the same on both sides
    even = type(body)(body.name, body.stature, offsets, body.skin, body.carrying, body.posture)
    motion = np.random.default_rng(1).normal(0, 0.5, (20, len(CHANNELS)))
    image = posed_joints(even, mirrored(motion))
    assert np.allclose(image, posed_joints(even, motion)[:, SKELETON.mirror] * [-1, 1, 1])


def test_training_and_demo_use_the_cameras_of_human36m(splits):
    for recording in [*splits.train, *splits.tests["demo"]]:
        rigs = [rig for rig in H36M_CAMERAS.values() if torch.allclose(
            rig[0].translation.float(), recording.views[0].camera.translation)]  # fmt: skip
        assert len(rigs) == 1 and len(recording.views) == 4
        for view, camera in zip(recording.views, rigs[0], strict=True):
            assert torch.equal(view.camera.intrinsics, camera.intrinsics.float())
            assert torch.equal(view.camera.orientation_wxyz, camera.orientation_wxyz.float())


@pytest.mark.parametrize("split", ["validation", "demo_shifted"])
def test_wide_cameras_are_drawn_from_the_ranges_of_cmux(splits, split):
    kind = VALIDATION if split == "validation" else TEST_B
    focals = sorted(focal for focal, _ in kind.focals)
    for recording in splits.validation if split == "validation" else splits.tests[split]:
        centre = recording.joints_world[:, 0].mean(0)
        assert len({view.camera.translation for view in recording.views}) == 2
        for view in recording.views:
            focal, height = float(view.camera.intrinsics[0]), float(view.camera.translation[2])
            away = np.linalg.norm(view.camera.translation[:2].numpy() - centre[:2])
            assert focals[0] - 1e-6 <= focal <= focals[1] + 1e-6
            assert kind.focal_between or min(abs(focal - each) for each in focals) < 1e-6
            assert kind.distance[0] - 1e-3 <= away <= kind.distance[1] + 1e-3
            assert kind.height[0] <= height <= kind.height[1]


def test_people_are_in_front_of_the_camera_and_in_the_image(every_recording):
    for recording in every_recording:
        for view in recording.views:
            assert view.joints_3d[..., 2].min() > 0.5
            inside = in_image(torch.from_numpy(view.joints_2d), float(view.camera.aspect))
            assert inside.float().mean() > 0.97, (recording.subject, recording.action, view.camera_name)


@pytest.mark.parametrize("views", [1, 2, 3])
def test_wide_views_of_a_take_are_the_first_of_more(views):
    few, more = _small(views=views, actions=("walk", "kick")), _small(views=4, actions=("walk", "kick"))
    for part in ("validation", "demo_shifted"):
        recordings, wholes = (s.tests.get(part, s.validation) for s in (few, more))
        for recording, whole in zip(recordings, wholes, strict=True):
            assert len(recording.views) == max(views, 2) and len({view.camera_name for view in whole.views}) == 4
            for view, same in zip(recording.views, whole.views, strict=False):
                assert np.array_equal(view.joints_2d, same.joints_2d) and view.camera_name == same.camera_name


def test_four_wide_cameras_stand_apart_and_see_the_person():
    splits = load(DataSettings(num_joints=17, views=4, actions=("walk", "jump", "lie", "kick", "dance")))
    for recording in [*splits.validation, *splits.tests["demo_shifted"]]:
        centre = torch.from_numpy(recording.joints_world[:, 0].mean(0))[:2]
        sides = torch.nn.functional.normalize(
            torch.stack([view.camera.translation[:2] - centre for view in recording.views]), dim=1
        )
        angles = torch.rad2deg(torch.arccos((sides @ sides.T).clamp(-1, 1)))
        assert len(recording.views) == 4 and min(angles[2, :2].min(), angles[3, :3].min()) > 29.9
        for view in recording.views:
            inside = in_image(torch.from_numpy(view.joints_2d), float(view.camera.aspect))
            assert inside.float().mean() > 0.97, (recording.subject, recording.action, view.camera_name)


def test_shifted_poses_and_bodies_really_differ(splits):
    def upright(recordings: list[Recording]) -> float:
        trunks = np.concatenate(
            [recording.joints_world[:, JOINT["Thorax"]] - recording.joints_world[:, 0] for recording in recordings]
        )
        return float((trunks[:, 2] / np.linalg.norm(trunks, axis=-1) > 0.7).mean())

    assert upright(splits.train) > 0.85 > 0.75 > upright(splits.tests["demo_shifted"])
    statures = [demo_body(name).stature for name in TEST_SUBJECTS["demo_shifted"]]
    assert min(statures) < 1.3 and max(statures) > 1.9


def test_sixteen_joints_are_the_seventeen_without_neck_nose(splits):
    recording = _small(actions=("walk",)).train[0]
    whole = next(t for t in splits.train if (t.subject, t.action) == ("D2", "walk"))
    assert np.array_equal(recording.views[1].joints_3d, SKELETON.convert(whole.views[1].joints_3d, "h36m_16"))


def test_downsampling_thins_the_training_takes_only():
    whole, thin = _small(actions=("walk", "kick")), _small(actions=("walk", "kick"), downsample=5)
    assert np.array_equal(thin.train[0].views[2].joints_2d, whole.train[0].views[2].joints_2d[::5])
    assert len(thin.train[0]) == len(thin.train[0].views[0].joints_3d) and thin.train[0].fps == 5
    assert [len(recording) for recording in thin.tests["demo_shifted"]] == [
        len(recording) for recording in whole.tests["demo_shifted"]
    ]


def test_filters_choose_people_and_activities():
    chosen = _small(actions=("walk", "kick"))
    assert {(recording.subject, recording.action) for recording in chosen.train} == {("D2", "walk")}
    assert {(recording.subject, recording.action) for recording in chosen.tests["demo"]} == {("D7", "walk")}
    assert {(recording.subject, recording.action) for recording in chosen.tests["demo_shifted"]} == {("D9", "kick")}
    assert list(load_tests(DataSettings(actions=("kick",)))) == ["demo_shifted"]


def test_validation_people_are_trained_on_only_when_asked():
    splits = _small(actions=("walk",), hold_out_validation=False)
    assert [recording.subject for recording in splits.train] == ["D2", "D6"]
    assert any("not held out" in note for note in splits.notes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(actions=("walkk",)), "Perhaps you meant: walk"),
        (dict(subjects_train=("S1",)), "subjects_train has 'S1', the demo knows D1"),
        (dict(subjects_test=("D1",)), "subjects_test has 'D1', the demo knows D7"),
        (dict(actions=("kick",)), "nothing to train on"),
        (dict(num_joints=14), "16 or 17 joints"),
        (dict(downsample=0), "downsample is 0"),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(settings, message):
    with pytest.raises(ValueError, match=message):
        load(DataSettings(**settings))
