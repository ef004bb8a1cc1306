"""Data sets asked for several views of each pose."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data import DataSettings, load_dataset, load_test_set
from data.h36m.cameras import CAMERA_IDS, CAMERA_RESOLUTIONS, H36M_CAMERAS
from data.multiview.dataset import MultiViewDataset
from data.recordings import view_from_world
from kinematics.errors import PoseFKError
from kinematics.skeleton import Skeleton
from tests.tiny_cmu import SETTINGS


@pytest.mark.parametrize("views", [2, 4])
def test_cmu_gives_every_part_of_a_run_its_views(views: int) -> None:
    splits = load_dataset("cmu", replace(SETTINGS, views=views))
    for recordings in (splits.train, splits.validation, *splits.tests.values()):
        batch = MultiViewDataset.from_recordings(recordings, views=views).all()
        assert batch.views == views
        world = batch.joints_world()
        np.testing.assert_allclose(world, world[:, :1].expand_as(world), atol=1e-4)


@pytest.mark.parametrize("name", ["cmu", "h36m"])
@pytest.mark.parametrize("views", [0, 5])
def test_more_views_than_cameras_are_refused_before_anything_is_read(name: str, views: int) -> None:
    with pytest.raises(ValueError, match=f"views is {views}, but {name} has 4 cameras .*: ask for 1 to 4, or choose"):
        load_dataset(name, DataSettings(data_root="nowhere", views=views))


def test_a_test_set_of_one_camera_is_refused_to_lifters_of_several_views() -> None:
    with pytest.raises(ValueError, match="Test set 3dhp shows one view, 2 are asked for"):
        load_test_set("3dhp", DataSettings(views=2))


def detections(joints_world: np.ndarray, subject: str, draw: np.random.Generator) -> list[np.ndarray]:
    """(F, 17, 2) pixels of each camera, as a detector finds them: 4 pixels off."""
    found = []
    for camera, (width, height) in zip(H36M_CAMERAS[subject], CAMERA_RESOLUTIONS, strict=True):
        screen = view_from_world(joints_world, camera, "").joints_2d
        found.append((screen + [1, height / width]) * width / 2 + draw.normal(0, 4, screen.shape))
    return found


def save_detected(folder: Path, poses: np.ndarray, late: int) -> DataSettings:
    """Human3.6M of two walkers and a detector's 2D, one camera of the test `late` frames behind the others."""
    draw, positions, content = np.random.default_rng(0), {}, {}
    for subject in ("S1", "S9"):
        positions[subject] = {"Walking": poses.astype(np.float32)}
        joints = Skeleton("h36m_32").convert(poses, "h36m_17")
        content[subject] = {"Walking": detections(joints, subject, draw)}
    content["S9"]["Walking"][2] = np.roll(content["S9"]["Walking"][2], late, axis=0)
    np.savez(folder / "data_3d_h36m.npz", positions_3d=np.array(positions, dtype=object))
    np.savez(folder / "data_2d_h36m_hr.npz", positions_2d=np.array(content, dtype=object))
    return DataSettings(data_root=str(folder), keypoints="hr", views=4)


def test_detections_pass_and_a_late_camera_of_theirs_is_named(tmp_path: Path, walk) -> None:
    poses = walk(200, "h36m_32")
    assert load_dataset("h36m", save_detected(tmp_path, poses, late=0)).tests["h36m"]
    with pytest.raises(PoseFKError, match=f"S9 Walking: view {CAMERA_IDS[2]} fits the others .* 8 frames later"):
        load_dataset("h36m", save_detected(tmp_path, poses, late=8))
