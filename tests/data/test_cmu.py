"""From capture files to CMU-X: sources, glitches, the prepared file, the splits, and what is said about bad input."""

import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from data import cmu, cmux
from data.asf_amc import amc_joints, parse_asf
from data.cmu_archive import open_source
from data.cmu_quality import glitch_frames, lowest_joint
from data.cmux_clips import CMUX_CLIPS
from data.dataset import PoseDataset
from data.prepare_data_cmu import main
from data.takes import DataSettings
from kinematics.errors import PoseFKError, exit_with_one_sentence

FRAMES = 125
AMC_CLIPS, BVH_CLIPS = ("01_01", "35_01"), ("05_01", "07_01", "49_06")


@pytest.fixture(scope="module")
def capture_folder(tmp_path_factory, tiny_capture):
    """Two clips as ASF/AMC (one also as BVH), three as BVH (one with its ASF), in nested folders."""
    folder = tmp_path_factory.mktemp("capture")
    for index, clip in enumerate(AMC_CLIPS + BVH_CLIPS):
        person = tiny_capture(frames=FRAMES, seed=index)
        place = folder / "subjects" / clip[:2]
        place.mkdir(parents=True)
        if clip in AMC_CLIPS or clip == "49_06":
            (place / f"{clip[:2]}.asf").write_text(person.asf)
        if clip in AMC_CLIPS:
            (place / f"{clip}.amc").write_text(person.amc)
        if clip in BVH_CLIPS or clip == "35_01":
            (place / f"{clip}.bvh").write_text(person.bvh)
    (folder / "readme.txt").write_text("not a motion")
    (folder / "._01_01.amc").write_text("left by another system")
    return folder


@pytest.fixture(scope="module")
def prepared(capture_folder, tmp_path_factory):
    """The data root with the prepared file in it."""
    root = tmp_path_factory.mktemp("data")
    main(["--source", str(capture_folder), "--data_root", str(root)])
    return root


def packed(folder: Path, path: Path) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.rglob("*.*")):
                archive.write(file, Path("all_asfamc") / file.relative_to(folder))
    else:
        with tarfile.open(path, "w:xz", preset=0) as archive:
            archive.add(folder, "raw")
    return path


def content(root: Path) -> dict[str, np.ndarray]:
    with np.load(root / cmu.FILE_NAME, allow_pickle=False) as file:
        return dict(file)


@pytest.mark.parametrize("name", ["capture.zip", "capture.tar.xz"])
def test_an_archive_gives_what_its_folder_gives(capture_folder, prepared, tmp_path, name):
    main(["--source", str(packed(capture_folder, tmp_path / name)), "--data_root", str(tmp_path)])
    expected, found = content(prepared), content(tmp_path)
    assert list(found) == list(expected)
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array)


def test_the_prepared_file_holds_plain_arrays_that_fit_together(prepared, tiny_capture):
    arrays = content(prepared)
    assert arrays["clips"].tolist() == sorted(AMC_CLIPS + BVH_CLIPS)
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


def test_the_end_table_counts_everything(capture_folder, tmp_path, capsys):
    main(["--source", str(capture_folder), "--data_root", str(tmp_path)])
    printed = capsys.readouterr()
    total = next(line for line in printed.out.splitlines() if line.split()[:1] == ["all"])
    assert total.split()[1:3] == ["5", str(5 * FRAMES)]
    assert "139 of the 144 clips of CMU-X" in printed.out
    assert "Reading clips" in printed.err


def test_all_clips_of_a_source_are_kept_on_request(capture_folder, tmp_path):
    shutil.copytree(capture_folder, tmp_path / "capture")
    shutil.copy(tmp_path / "capture/subjects/05/05_01.bvh", tmp_path / "capture/subjects/05/05_99.bvh")
    main(["--source", str(tmp_path / "capture"), "--data_root", str(tmp_path)])
    assert "05_99" not in content(tmp_path)["clips"]
    main(["--source", str(tmp_path / "capture"), "--data_root", str(tmp_path), "--clips", "all"])
    assert "05_99" in content(tmp_path)["clips"]


def smooth_clip(frames=100):
    joints = np.zeros((frames, 17, 3))
    joints += [0.3, 0.2, 1.0] + 0.01 * np.arange(frames)[:, None, None]
    return joints


def marked(joints):
    return np.flatnonzero(glitch_frames(joints, 120.0)).tolist()


def test_a_smooth_clip_has_no_glitches():
    assert marked(smooth_clip()) == [] == marked(smooth_clip(1))


def test_a_jump_marks_both_sides_and_their_neighbours():
    joints = smooth_clip()
    joints[50:, 3, 0] += 0.2  # 25 m/s at one joint
    assert marked(joints) == [48, 49, 50, 51]


def test_a_jump_away_and_back_marks_what_lies_between():
    joints = smooth_clip()
    joints[50:60, 3] += 0.2
    assert marked(joints) == list(range(48, 62))


def test_jumps_at_the_ends_stay_inside_the_clip():
    joints = smooth_clip(10)
    joints[0], joints[9] = 5, 9
    assert marked(joints) == [0, 1, 2, 7, 8, 9] or marked(joints) == list(range(10))
    assert glitch_frames(joints, 120.0)[[0, 9]].all()


def test_two_jumps_far_apart_leave_the_frames_between():
    joints = smooth_clip()
    joints[20:80, 3] += 0.2
    assert marked(joints) == [18, 19, 20, 21, 78, 79, 80, 81]


def test_fast_motion_that_a_body_can_do_is_kept():
    joints = smooth_clip()
    joints[50:, 3, 0] += 0.1  # 13 m/s with the drift
    assert marked(joints) == []


def test_frames_at_the_worlds_origin_were_lost():
    joints = smooth_clip()
    joints[30:70] = 0
    assert set(range(30, 70)) <= set(marked(joints))


def test_the_lowest_joint_ignores_glitches():
    joints = smooth_clip()
    joints[5, 3, 2] = -4
    assert lowest_joint(joints, ~glitch_frames(joints, 120.0)) == pytest.approx(1.0)


@pytest.mark.parametrize("fps, frames", [(120.0, 1), (120.0, 599), (60.0, 100), (25.0, 10), (20.0, 10)])
def test_25_frames_a_second_are_measured_frames_evenly_spaced(fps, frames):
    clip = cmu.PreparedClip(np.zeros((frames, 17, 3), np.float32), np.ones(frames, bool), fps, "amc")
    clip.joints_world[:, 0, 0] = np.arange(frames)
    thinned = clip.at_fps(25)
    chosen = thinned.joints_world[:, 0, 0]
    ideal = np.arange(len(chosen)) * max(fps / 25, 1)
    assert np.abs(chosen - ideal).max() <= 0.5
    assert ideal[-1] <= frames - 1 < ideal[-1] + max(fps / 25, 1)
    assert thinned.fps == pytest.approx(min(fps, 25))


def settings(root, **changes):
    return DataSettings(dataset="cmu", data_root=str(root), **changes)


def subjects(takes):
    return {take.subject for take in takes}


def test_the_splits_are_by_subject(prepared):
    splits = cmu.load(settings(prepared))
    assert subjects(splits.train) == {"01", "35"}
    assert subjects(splits.validation) == {"07"}
    assert set(splits.tests) == {"cmux_a", "cmux_b"}
    assert subjects(splits.tests["cmux_a"]) == subjects(splits.tests["cmux_b"]) == {"05", "49"}
    assert any("139 of 144 clips are missing" in note for note in splits.notes)
    assert any("05 07 is estimated" in note for note in splits.notes)


def test_the_final_run_may_train_on_the_validation_subjects_too(prepared):
    splits = cmu.load(settings(prepared, hold_out_validation=False))
    assert subjects(splits.train) == {"01", "07", "35"} and subjects(splits.validation) == {"07"}


def test_every_view_shows_the_clips_poses(prepared):
    clips = cmu.read_prepared(prepared)
    splits = cmu.load(settings(prepared))
    for name, takes in {"train": splits.train, **splits.tests}.items():
        for clip in {take.group["sequence"] for take in takes}:
            own = [take for take in takes if take.group["sequence"] == clip]
            assert {len(take.views) for take in own} == {1 if name == "cmux_b" else 4}
            world = np.concatenate([take.joints_world for take in own])
            np.testing.assert_allclose(world, clips[clip].at_fps(25).joints_world, atol=1e-5)
            assert own[0].action == CMUX_CLIPS[clip] and own[0].fps == pytest.approx(25)


def test_splits_are_the_same_every_time_and_whatever_else_is_loaded(prepared):
    alone = cmu.load(settings(prepared, subjects_test=("49",))).tests["cmux_b"]
    among = [take for take in cmu.load(settings(prepared, seed=3)).tests["cmux_b"] if take.subject == "49"]
    assert len(alone) == len(among) > 0
    for take, other in zip(alone, among, strict=True):
        np.testing.assert_array_equal(take.views[0].joints_2d, other.views[0].joints_2d)


def test_a_data_set_of_the_splits_has_16_or_17_joints_and_leaves_glitches_out(prepared):
    takes = cmu.load(settings(prepared)).tests["cmux_a"]
    usable = sum(int(take.usable.sum()) * len(take.views) for take in takes)
    for skeleton, joints in (("h36m_16", 16), ("h36m_17", 17)):
        dataset = PoseDataset.from_takes(takes, skeleton)
        assert len(dataset) == usable and dataset.joints_3d.shape[1:] == (joints, 3)


def test_downsampling_thins_the_training_data_alone(prepared):
    full, thin = cmu.load(settings(prepared)), cmu.load(settings(prepared, downsample=3))
    for take, other in zip(full.train, thin.train, strict=True):
        np.testing.assert_array_equal(other.views[2].joints_2d, take.views[2].joints_2d[::3])
        assert other.fps == pytest.approx(take.fps / 3) and len(other) == len(take.usable[::3])
    assert sum(map(len, full.validation)) == sum(map(len, thin.validation))


def test_actions_and_subjects_choose_clips(prepared):
    splits = cmu.load(settings(prepared, actions=("walk", "01_01", "CARTWHEEL")))
    assert {take.group["sequence"] for take in splits.train} == {"01_01", "35_01"}
    assert {take.group["sequence"] for take in splits.tests["cmux_a"]} == {"05_01", "49_06"}
    splits = cmu.load(settings(prepared, subjects_train=("05",), subjects_test=("01",)))
    assert subjects(splits.train) == {"05"} and splits.validation == []


BAD_SETTINGS = {
    "unknown subject": ({"subjects_train": ("99",)}, "Subject 99 is not in the prepared clips: choose from 01, 05"),
    "trained and tested": ({"subjects_train": ("05",)}, "Subject 05 would be trained and tested on"),
    "unknown action": ({"actions": ("juggle",)}, "No CMU-X clip shows juggle"),
    "nothing left": ({"actions": ("jump",)}, "empty: the subjects and actions"),
    "downsample": ({"downsample": 0}, "downsample is 0, expected 1"),
    "not prepared": ({"data_root": "nowhere"}, "data_3d_cmu.npz is missing.*python -m data.prepare_data_cmu"),
}


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_bad_settings_are_one_sentence(prepared, case):
    changes, message = BAD_SETTINGS[case]
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        cmu.load(DataSettings(**{"dataset": "cmu", "data_root": str(prepared), **changes}))


BAD_PREPARED = {
    "a key short": (lambda arrays: arrays.pop("usable"), "lacks usable"),
    "another format": (lambda arrays: arrays.update(format=np.array("posefk-cmu-0")), "format posefk-cmu-0, expected"),
    "wrong joint count": (lambda arrays: arrays.update(joints_world=arrays["joints_world"][:, :16]), "do not fit"),
    "wrong frame count": (lambda arrays: arrays.update(joints_world=arrays["joints_world"][1:]), "do not fit"),
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


def edit(path, change):
    path.write_text(change(path.read_text()))


def no_motions(folder):
    for file in (*folder.rglob("*.amc"), *folder.rglob("*.bvh")):
        file.unlink()


def cut_to(path, share):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)
    return path


SUBJECT_01 = "subjects/01/01"
BAD_SOURCES = {
    "missing": (lambda f, t: f / "nowhere", "nowhere is missing, expected a folder"),
    "empty folder": (lambda f, t: no_motions(f), "holds no motion"),
    "no archive": (lambda f, t: f / "readme.txt", "no whole archive"),
    "empty file": (lambda f, t: (t / "x.zip").write_text("") or t / "x.zip", "no whole archive"),
    "truncated zip": (lambda f, t: cut_to(packed(f, t / "a.zip"), 0.7), "no whole archive"),
    "truncated tar.xz": (lambda f, t: cut_to(packed(f, t / "a.tar.xz"), 0.7), "damaged or cut short"),
    "cut to a stub": (lambda f, t: cut_to(packed(f, t / "a.tar.xz"), 0.001), "no whole archive|cut short"),
    "damaged zip": (lambda f, t: flip(packed(f, t / "a.zip")), "is damaged"),
    "empty zip": (lambda f, t: packed(t / "nothing", t / "a.zip"), "holds no motion"),
    "AMC without ASF": (lambda f, t: (f / f"{SUBJECT_01}.asf").unlink(), "needs its subject's skeleton 01.asf"),
    "truncated AMC": (lambda f, t: cut_to(f / f"{SUBJECT_01}_01.amc", 0.71), "01_01.amc.*cut short"),
    "truncated BVH": (lambda f, t: cut_to(f / "subjects/05/05_01.bvh", 0.7), "05_01.bvh.*cut short"),
    "column count": (
        lambda f, t: edit(f / f"{SUBJECT_01}_01.amc", lambda s: s.replace("rtibia ", "rtibia 1 ")),
        "01_01.amc: rtibia has 2 numbers in frame 1, its skeleton has 1",
    ),
    "NaN": (
        lambda f, t: edit(f / f"{SUBJECT_01}_01.amc", lambda s: s.replace("rtibia ", "rtibia nan ", 1)),
        "01_01.amc",
    ),
    "centimetres": (
        lambda f, t: edit(f / f"{SUBJECT_01}.asf", lambda s: s.replace("length 0.45", "length 0.08")),
        "a thigh of 2.32 m is no person's",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_SOURCES)
def test_a_bad_source_is_one_sentence_and_the_old_file_stays(capture_folder, tmp_path, case):
    folder = tmp_path / "capture"
    shutil.copytree(capture_folder, folder)
    (tmp_path / cmu.FILE_NAME).write_text("older")
    spoil, message = BAD_SOURCES[case]
    changed = spoil(folder, tmp_path)
    source = changed if isinstance(changed, Path) and not changed.is_relative_to(folder / "subjects") else folder
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises((ValueError, FileNotFoundError, PoseFKError), match=message) as caught:
        main(["--source", str(source), "--data_root", str(tmp_path)])
    assert "\n" not in str(caught.value)
    assert (tmp_path / cmu.FILE_NAME).read_text() == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_bad_clips_can_be_left_out(capture_folder, tmp_path, capsys):
    shutil.copytree(capture_folder, tmp_path / "capture")
    cut_to(tmp_path / "capture/subjects/05/05_01.bvh", 0.7)
    main(["--source", str(tmp_path / "capture"), "--data_root", str(tmp_path), "--skip_bad"])
    assert "05_01" not in content(tmp_path)["clips"] and len(content(tmp_path)["clips"]) == 4
    assert "Left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "either --source"),
        (["--source", "x", "--download"], "either --source"),
        (["--sauce", "x"], "meant: --source"),
        (["--download", "--clips", "some"], "choose from"),
    ],
)
def test_a_bad_command_line_is_one_sentence(words, message):
    with pytest.raises(PoseFKError, match=message):
        main(words)


def test_a_download_is_prepared_and_kept(capture_folder, tmp_path, capsys):
    archive = packed(capture_folder, tmp_path / "capture.zip")
    words = ["--download", "--url", archive.as_uri(), "--data_root", str(tmp_path)]
    main(words)
    assert (tmp_path / "downloads" / "capture.zip").read_bytes() == archive.read_bytes()
    assert len(content(tmp_path)["clips"]) == 5
    assert "sha256" in capsys.readouterr().out
    archive.unlink()
    main(words)  # from the archive already here
    with pytest.raises(PoseFKError, match="expected 00"):
        main([*words, "--sha256", "00"])


def test_the_command_ends_with_code_2_and_one_line(tmp_path, capsys):
    words = ["--source", str(tmp_path / "gone"), "--data_root", str(tmp_path)]
    with pytest.raises(SystemExit) as ended:
        exit_with_one_sentence(lambda: main(words))
    printed = capsys.readouterr().err
    assert ended.value.code == 2 and printed.count("\n") == 1 and "gone is missing" in printed
    assert list(tmp_path.iterdir()) == []


def test_every_rig_serves_training_and_test():
    dealt = {subject: cmu.rig_of(subject) for subject in cmux.TRAIN_SUBJECTS + cmux.TEST_SUBJECTS}
    assert {dealt[s] for s in cmux.TRAIN_SUBJECTS} == {dealt[s] for s in cmux.TEST_SUBJECTS} == set(cmux.RIG_SUBJECTS)
