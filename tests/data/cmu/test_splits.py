"""CMU-X from its prepared file: the splits, and what is said about bad settings and files."""

from pathlib import Path

import numpy as np
import pytest
import torch

from data import cmu, load_test_set
from data.cmu.archive import open_source
from data.cmu.clips import CMUX_CLIPS, RIG_SUBJECTS, TEST_SUBJECTS, TRAIN_SUBJECTS
from data.cmu.splits import BODY, TEST_DEFINITIONS
from data.dataset import PoseDataset
from data.files.asf_amc import amc_joints, parse_asf
from data.recordings import DataSettings

FRAMES = 125  # of each clip that conftest.py writes


def content(root: Path) -> dict[str, np.ndarray]:
    with np.load(root / cmu.FILE_NAME, allow_pickle=False) as file:
        return dict(file)


def test_the_prepared_file_holds_plain_arrays_that_fit_together(prepared, tiny_capture):
    arrays = content(prepared)
    assert arrays["clips"].tolist() == ["01_01", "05_01", "07_01", "35_01", "49_06"]
    assert arrays["source_format"].tolist() == ["amc", "bvh", "bvh", "amc", "bvh+asf"]
    assert arrays["joints_world"].shape == (5 * FRAMES, 17, 3) and arrays["joints_world"].dtype == np.float32
    assert arrays["first_frames"].tolist() == list(range(0, 6 * FRAMES, FRAMES))
    np.testing.assert_allclose(arrays["fps"], 120, atol=1e-3)
    assert arrays["left"].tolist() == [4, 5, 6, 11, 12, 13] and arrays["right"].tolist() == [1, 2, 3, 14, 15, 16]
    person = tiny_capture(frames=FRAMES, seed=0)
    expected = amc_joints(person.amc, parse_asf(person.asf, "01.asf"), "01_01.amc")
    np.testing.assert_allclose(cmu.read_prepared(prepared)["01_01"].joints_world, expected, atol=1e-5)


def test_a_clip_in_both_formats_is_read_from_its_amc(capture_folder):
    with open_source(capture_folder, lambda clip: clip == "35_01") as source:
        assert set(source.motions) == {"35_01"} and set(source.motions["35_01"]) == {"amc", "bvh"}
        assert source.read_clip("35_01").source_format == "amc"
    with open_source(capture_folder, lambda clip: clip == "35_01") as source:
        del source.skeletons["35"]
        assert source.read_clip("35_01").source_format == "bvh"


def settings(root, **changes):
    return DataSettings(dataset="cmu", data_root=str(root), **changes)


def subjects(recordings):
    return {recording.subject for recording in recordings}


def test_the_splits_are_by_subject(prepared):
    splits = cmu.load(settings(prepared))
    assert subjects(splits.train) == {"01", "35"}
    assert subjects(splits.validation) == {"07"}
    assert list(splits.tests) == ["cmux2_a", "cmux2_b", "cmux2_b_coco", "cmux_b"]
    assert all(subjects(recordings) == {"05", "49"} for recordings in splits.tests.values())
    assert any("139 of 144 clips are missing" in note for note in splits.notes)
    assert any("05 07 is estimated" in note for note in splits.notes)


def test_the_final_run_may_train_on_the_validation_subjects_too(prepared):
    splits = cmu.load(settings(prepared, hold_out_validation=False))
    assert subjects(splits.train) == {"01", "07", "35"} and subjects(splits.validation) == {"07"}


def test_every_view_shows_the_clips_poses(prepared):
    clips = cmu.read_prepared(prepared)
    splits = cmu.load(settings(prepared, num_joints=17, joint_definitions="original"))
    for name, recordings in {"train": splits.train, **splits.tests}.items():
        if name.startswith("cmux2"):
            continue
        for clip in {recording.group["sequence"] for recording in recordings}:
            own = [recording for recording in recordings if recording.group["sequence"] == clip]
            assert {len(recording.views) for recording in own} == {1 if name == "cmux_b" else 4}
            world = np.concatenate([recording.joints_world for recording in own])
            np.testing.assert_allclose(world, clips[clip].at_fps(25).joints_world, atol=1e-5)
            assert own[0].action == CMUX_CLIPS[clip] and own[0].fps == pytest.approx(25)


def test_lifters_of_several_views_meet_another_rig_in_every_second(prepared):
    alone, together = (cmu.load(settings(prepared, views=views)) for views in (1, 3))
    for part in ("validation", "cmux2_b"):
        first, three = (s.tests.get(part, s.validation) for s in (alone, together))
        assert len(first) == len(three) > 0
        for one, several in zip(first, three, strict=True):
            assert len({view.camera_name for view in several.views}) == 3
            np.testing.assert_array_equal(several.views[0].joints_2d, one.views[0].joints_2d)
            assert several.views[0].camera_name == one.views[0].camera_name
            for view in several.views:
                np.testing.assert_allclose(view.joints_world, one.joints_world, atol=1e-5)
        focals = {tuple(float(view.camera.intrinsics[0]) for view in recording.views) for recording in three}
        assert len(focals) > 1, "rigs differ"
    for one, several in zip(alone.train, together.train, strict=True):
        assert len(several.views) == 4, "training keeps the whole rig"
        np.testing.assert_array_equal(one.views[3].joints_2d, several.views[3].joints_2d)


def test_splits_are_the_same_every_time_and_whatever_else_is_loaded(prepared):
    alone = cmu.load(settings(prepared, subjects_test=("49",))).tests["cmux2_b"]
    among = [
        recording for recording in cmu.load(settings(prepared, seed=3)).tests["cmux2_b"] if recording.subject == "49"
    ]
    assert len(alone) == len(among) > 0
    for recording, other in zip(alone, among, strict=True):
        np.testing.assert_array_equal(recording.views[0].joints_2d, other.views[0].joints_2d)


def test_a_data_set_of_the_splits_has_16_or_17_joints_and_leaves_glitches_out(prepared):
    for skeleton, joints in (("h36m_16", 16), ("h36m_17", 17)):
        recordings = cmu.load(settings(prepared, num_joints=joints)).tests["cmux2_a"]
        usable = sum(int(recording.usable.sum()) * len(recording.views) for recording in recordings)
        dataset = PoseDataset.from_recordings(recordings, skeleton)
        assert len(dataset) == usable and dataset.joints_3d.shape[1:] == (joints, 3)


def test_downsampling_thins_the_training_data_alone(prepared):
    full, thin = cmu.load(settings(prepared)), cmu.load(settings(prepared, downsample=3))
    for recording, other in zip(full.train, thin.train, strict=True):
        np.testing.assert_array_equal(other.views[2].joints_2d, recording.views[2].joints_2d[::3])
        assert other.fps == pytest.approx(recording.fps / 3) and len(other) == len(recording.usable[::3])
    assert sum(map(len, full.validation)) == sum(map(len, thin.validation))


def test_actions_and_subjects_choose_clips(prepared):
    splits = cmu.load(settings(prepared, actions=("walk", "01_01", "CARTWHEEL")))
    assert {recording.group["sequence"] for recording in splits.train} == {"01_01", "35_01"}
    assert {recording.group["sequence"] for recording in splits.tests["cmux2_a"]} == {"05_01", "49_06"}
    splits = cmu.load(settings(prepared, subjects_train=("05",), subjects_test=("01",)))
    assert subjects(splits.train) == {"05"} and splits.validation == []


BAD_SETTINGS = {
    "unknown subject": ({"subjects_train": ("99",)}, "Subject '99' is not known: choose from 01, 05"),
    "trained and tested": ({"subjects_train": ("05",)}, "Subject 05 would be trained and tested on"),
    "unknown action": ({"actions": ("juggle",)}, "No CMU-X clip shows juggle"),
    "nothing left": ({"actions": ("jump",)}, "empty: the subjects and actions"),
    "downsample": ({"downsample": 0}, "downsample is 0, expected 1"),
}


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_bad_settings_are_one_sentence(prepared, case):
    changes, message = BAD_SETTINGS[case]
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        cmu.load(DataSettings(**{"dataset": "cmu", "data_root": str(prepared), **changes}))


BAD_PREPARED = {
    "a key short": (lambda arrays: arrays.pop("usable"), "has nothing for 'usable', expected"),
    "another format": (lambda arrays: arrays.update(format=np.array("posefk-cmu-0")), "format posefk-cmu-0, expected"),
    "wrong joint count": (lambda arrays: arrays.update(joints_world=arrays["joints_world"][:, :16]), "625, 17, 3"),
    "wrong frame count": (lambda arrays: arrays.update(joints_world=arrays["joints_world"][1:]), "625, 17, 3"),
    "NaN": (lambda arrays: arrays["joints_world"].__setitem__((3, 4), np.nan), "not finite"),
    "none of CMU-X": (lambda arrays: arrays.update(clips=np.array([f"99_0{i}" for i in range(5)])), "none of the 144"),
}


@pytest.mark.parametrize("case", BAD_PREPARED)
def test_a_bad_prepared_file_is_one_sentence(prepared, tmp_path, case):
    spoil, message = BAD_PREPARED[case]
    arrays = content(prepared)
    spoil(arrays)
    np.savez(tmp_path / cmu.FILE_NAME, **arrays)
    with pytest.raises(ValueError, match=message) as caught:
        cmu.load(settings(tmp_path))
    assert "prepare_data_cmu" in str(caught.value)


def test_every_rig_serves_training_and_test():
    dealt = {subject: cmu.rig_of(subject) for subject in TRAIN_SUBJECTS + TEST_SUBJECTS}
    assert {dealt[s] for s in TRAIN_SUBJECTS} == {dealt[s] for s in TEST_SUBJECTS} == set(RIG_SUBJECTS)


def test_test_sets_differ_in_their_definitions_and_in_nothing_else(prepared):
    both = {name: cmu.load(settings(prepared, joint_definitions=name)) for name in ("h36m", "original")}
    tests = {name: splits.tests | splits.more_tests for name, splits in both.items()}
    assert list(both["original"].tests) == ["cmux_a", "cmux_b", "cmux2_b_coco", "cmux2_b"]
    assert set(tests["h36m"]) == set(tests["original"]) == set(TEST_DEFINITIONS)
    fixed = [BODY.joints.index(name) for name in ("LWrist", "RKnee", "RAnkle")]
    for name, recordings in tests["h36m"].items():
        of_cmu = tests["h36m"]["cmux_a" if name.endswith("_a") else "cmux_b"]
        for one, same, raw in zip(recordings, tests["original"][name], of_cmu, strict=True):
            np.testing.assert_array_equal(one.views[0].joints_2d, same.views[0].joints_2d)
            np.testing.assert_allclose(one.joints_world[:, fixed], raw.joints_world[:, fixed], atol=1e-5)
            assert torch.equal(one.views[0].camera.translation, raw.views[0].camera.translation)


def test_human36m_s_hip_is_the_middle_of_the_hips_and_cmu_s_lies_higher(prepared):
    splits = cmu.load(settings(prepared))
    for name, least, most in (("cmux2_b", 0.0, 1e-4), ("cmux2_b_coco", 0.0, 1e-4), ("cmux_b", 0.08, 0.16)):
        joints = np.concatenate([recording.joints_world for recording in splits.tests[name]])
        apart = np.linalg.norm(joints[:, 0] - (joints[:, 1] + joints[:, 4]) / 2, axis=1)
        assert least <= apart.min() and apart.max() <= most, name


def test_every_name_of_a_test_set_can_be_asked_for(prepared):
    for name in TEST_DEFINITIONS:
        assert subjects(load_test_set(name, settings(prepared))) == {"05", "49"}
