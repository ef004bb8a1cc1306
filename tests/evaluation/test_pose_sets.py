"""Sets of poses by name and from files: every format gives the same poses back."""

import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch

from augment.export import __main__ as export
from augment.export.formats.poseaug import hips_from_screen
from data import load_dataset
from evaluation.synthetic_quality.pose_sets.files import read_files
from evaluation.synthetic_quality.pose_sets.sets import PoseSet, halves, of_recordings
from kinematics import PoseFKError
from tests.tiny_cmu import SETTINGS

POSES = 150


def exported(folder, *flags: str):
    export.main(["--recipe", "range_of_motion", "--num_poses", str(POSES), "--out", str(folder), *flags])
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The same poses in every format that can be read."""
    root = tmp_path_factory.mktemp("exports")
    flags = {
        "hdf5": ["--format", "hdf5"],
        "layout17": ["--format", "hdf5", "--layout", "mpi_inf_3dhp_17"],
        "poseaug": ["--format", "poseaug", "--keep", "cameras"],
        "blind": ["--format", "poseaug"],
        "videopose3d": ["--format", "videopose3d"],
    }
    return {name: exported(root / name, *own) for name, own in flags.items()}


def all_of(path) -> PoseSet:
    return read_files(path, 10**6, torch.Generator().manual_seed(0)).check()


def as_sorted(poses: PoseSet) -> torch.Tensor:
    """(N, 48) about the hip, in an order that does not depend on the file's."""
    flat = (poses.joints - poses.joints[:, :1]).flatten(1)
    return flat[flat[:, -1].argsort()]


@pytest.mark.parametrize("name", ["layout17", "poseaug", "videopose3d"])
def test_every_format_gives_the_same_poses_and_views(folders, name):
    expected, found = all_of(folders["hdf5"]), all_of(folders[name])
    assert len(found) == found.total == POSES and found.upright
    torch.testing.assert_close(as_sorted(found), as_sorted(expected), atol=2e-5, rtol=0)
    assert found.views is not None and expected.views is not None
    depth, wanted = (poses.views.joints_3d[:, 0, 0].norm(dim=-1).sort().values for poses in (found, expected))
    torch.testing.assert_close(depth, wanted, atol=2e-3, rtol=0)


def test_a_file_without_cameras_does_not_know_what_is_up(folders):
    blind = all_of(folders["blind"] / "poseaug.npz")
    assert not blind.upright and blind.views is not None and blind.views.camera is None
    assert blind.about["seed"] == 0 and blind.about["licence"].startswith("the poses are yours")


def test_world_joints_without_the_2d_file_have_no_views(folders, tmp_path):
    shutil.copy(folders["videopose3d"] / "data_3d_h36m.npz", tmp_path)
    found = all_of(tmp_path)
    assert found.upright and found.views is None and len(found) == POSES
    assert int(found.recording.max()) + 1 == 5  # recordings of single poses, one per subject


def test_shards_are_one_set_and_a_part_is_drawn_from_all(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "FRAMES_PER_CHUNK", 50)
    whole = all_of(exported(tmp_path / "shards", "--format", "hdf5", "--shards", "3"))
    one = all_of(exported(tmp_path / "one", "--format", "hdf5"))
    torch.testing.assert_close(as_sorted(whole), as_sorted(one))
    part = read_files(tmp_path / "shards", 120, torch.Generator().manual_seed(0))
    assert len(part) == 120 and part.total == POSES
    assert len(torch.unique(part.joints.flatten(1), dim=0)) == 120


def test_clips_come_whole_and_their_frames_share_a_recording(tmp_path):
    poses = all_of(exported(tmp_path / "clips", "--format", "videopose3d", "--frames", "5"))
    assert poses.clips is not None and poses.clips.shape == (POSES, 5, 16, 3) and poses.fps == 50
    assert len(poses) == 5 * POSES and torch.bincount(poses.recording).unique().tolist() == [5]
    assert poses.clip_frames(25) == 3 and poses.clip_frames(100) == 9
    (tmp_path / "clips" / "manifest.json").unlink()
    assert "unfinished export" in all_of(tmp_path / "clips").notes[0]
    (tmp_path / "clips" / "export.json").unlink()
    unnamed = all_of(tmp_path / "clips")
    assert unnamed.clips is not None and unnamed.clips.shape[1] == 5 and unnamed.fps is None and not unnamed.about
    (tmp_path / "clips" / "manifest.json").write_text("{")
    with pytest.raises(PoseFKError, match="manifest.json is damaged"):
        all_of(tmp_path / "clips")


def test_hips_are_found_again_from_the_screen(folders, float_dtype):
    views = all_of(folders["hdf5"]).views
    assert views is not None and views.camera is not None
    joints = views.joints_3d.to(float_dtype)
    camera = views.camera.to(float_dtype)
    found = hips_from_screen(joints - joints[:, :, :1], camera.project(joints), camera)
    torch.testing.assert_close(found, joints[:, :, 0], atol=1e-3, rtol=0)


@pytest.fixture(scope="module")
def recordings():
    return load_dataset("cmu", SETTINGS).train


def test_every_moment_is_seen_once_by_one_of_its_cameras(recordings, generator):
    poses = of_recordings("cmu", recordings, 10**6, generator)
    moments = sum(int(recording.usable.sum()) for recording in recordings)
    assert len(poses) == poses.total == moments and poses.upright
    world = np.concatenate([recording.joints_world[recording.usable] for recording in recordings])
    torch.testing.assert_close(poses.joints.mean(0), torch.from_numpy(world).mean(0), atol=1e-3, rtol=0)
    assert len(poses.views.camera.translation.unique(dim=0)) > 1
    assert len(of_recordings("cmu", recordings, 30, generator)) == 30


def test_moments_are_told_apart_where_cameras_lack_frames(recordings, generator):
    frames = np.arange(len(recordings[0]))
    lacking = [replace(view, present=frames >= 10 * i + 10) for i, view in enumerate(recordings[0].views)]
    some = [replace(recordings[0], views=tuple(lacking)), recordings[1]]
    poses = of_recordings("cmu", some, 10**6, generator)
    world = np.concatenate([recordings[0].joints_world[10:], recordings[1].joints_world])
    assert len(poses) == len(world)
    torch.testing.assert_close(poses.joints.mean(0), torch.from_numpy(world).mean(0), atol=1e-3, rtol=0)


def test_clips_of_recordings_have_the_frames_asked_for(recordings, generator):
    poses = of_recordings("cmu", recordings, 100, generator, lambda fps: round(0.2 * fps) + 1)
    assert poses.clips is not None and poses.clips.shape[1:] == (6, 16, 3)
    assert of_recordings("cmu", recordings, 100, generator, lambda fps: 0).clips is None


def test_halves_share_no_recording_and_are_about_equal(generator):
    recording = torch.randint(0, 40, (1000,), generator=generator).unique(return_inverse=True)[1]
    poses = PoseSet("", torch.zeros(1000, 16, 3), True, recording, 1000)
    first, second = halves(poses, generator)
    assert sorted(torch.cat([first, second]).tolist()) == list(range(1000))
    assert not set(recording[first].tolist()) & set(recording[second].tolist())
    assert abs(len(first) - len(second)) < 60
    for rare in (0, 1):  # one recording, or one that outweighs the other
        recording = torch.tensor([0] * 10 + [rare])
        alone = PoseSet("", torch.zeros(11, 16, 3), True, recording, 11)
        assert sorted(map(len, halves(alone, generator))) == [5, 6]


def damaged_h5(folder, name: str, change):
    shutil.copytree(folder, name)
    with h5py.File(name / "poses.h5", "a") as file:
        change(file)
    return name


def put(file, name: str, value) -> None:
    """An array in the place of another, or of a shape and without values."""
    del file[name.split("/")[0] if name.startswith("joints") else name]
    if isinstance(value, tuple):
        file.create_dataset(name, value, "f4", chunks=True)
    else:
        file[name] = value


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda file: file["joints_world"].__setitem__((3, 0, 2, 1), np.nan), "NaN or infinite joints in 1 of 150"),
        (lambda file: file["joints_world"].__setitem__(..., file["joints_world"][:] * 1000), "are these metres"),
        (lambda file: file["joints_world"].__setitem__(..., 0), "are these metres"),
        (lambda file: file["joints_screen"].__setitem__((0, 0, 0, 0), np.inf), "NaN or infinite 2D"),
        (lambda file: file["camera/translation"].__setitem__((5, 0), np.nan), "NaN or infinite cameras"),
        (lambda file: file.__delitem__("camera"), "cannot be read as an export's HDF5 file (it has no camera/orient"),
        (lambda file: file.attrs.__delitem__("fps"), "it has no fps"),
        (lambda file: file.attrs.__setitem__("fps", np.inf), "fps is inf"),
        (lambda file: file.attrs.__setitem__("fps", "fast"), "could not convert string to float"),
        (lambda file: put(file, "joints_world", np.float32(1)), "joints_world has shape (), expected (clips, frames"),
        (lambda file: put(file, "joints_world", ["a"]), "'joints_world' holds object inside, expected numbers"),
        (lambda file: put(file, "joints_screen", file["joints_screen"][:99]), "joints_screen has shape (99, 1, 16, 2)"),
        (lambda file: put(file, "camera/aspect", np.ones(150, dtype="S3")), "camera/aspect are no real numbers"),
        (lambda file: put(file, "camera/intrinsics", np.ones((150, 4))), "expected (150, 9)"),
        (lambda file: put(file, "joints_world", (10**12, 1, 16, 3)), "more than a file of that size can hold"),
        (lambda file: put(file, "joints_world/x", np.ones(3)), "'joints_world' is a group inside"),
        (lambda file: file.attrs.__setitem__("layout", "h36m_18"), "h36m_18"),
        (lambda file: file.attrs.__setitem__("layout", "lsp_14"), "expected (..., 14, 3): lsp_14"),
    ],
)
def test_damaged_files_are_refused_in_a_sentence(folders, tmp_path, change, message):
    path = damaged_h5(folders["hdf5"], tmp_path / "damaged", change)
    with pytest.raises(PoseFKError) as caught:
        all_of(path)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("layout", ["lsp_14", "coco_17"])
def test_layouts_without_a_trunk_are_refused_with_what_to_do(tmp_path, layout):
    for kind in ("hdf5", "poseaug"):
        folder = exported(tmp_path / kind, "--format", kind, "--layout", layout)
        with pytest.raises(PoseFKError, match="no .*Spine.*--layout h36m_16"):
            all_of(folder)


def test_other_formats_and_other_files_are_refused_with_those_that_can_be_read(tmp_path):
    folder = exported(tmp_path / "mmpose", "--format", "mmpose")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / "zero.h5").touch()
    np.savez(tmp_path / "few.npz", pose3d=np.ones((3, 16, 3)))
    for path, message in (
        (folder, "hdf5, poseaug and videopose3d"),
        (folder / "mmpose.npz", "expected pose3d or positions_3d"),
        (tmp_path / "empty", "nothing inside"),
        (tmp_path / "notes.txt", "is no pose set"),
        (tmp_path / "zero.h5", "is empty"),
        (tmp_path / "few.npz", "has 3 poses, expected 100 or more"),
    ):
        with pytest.raises((PoseFKError, ValueError)) as caught:
            all_of(path)
        assert message in str(caught.value)
