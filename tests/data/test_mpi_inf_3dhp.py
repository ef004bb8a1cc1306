"""The 3DHP test file -> recordings per sequence, in Human3.6M's joint order."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.dataset import PoseDataset
from data.mpi_inf_3dhp.official import test as mpi_inf_3dhp
from data.mpi_inf_3dhp.official.test import FROM_H36M_17, SPIN_TO_OFFICIAL, TO_H36M_16, TO_H36M_17, VALID_FRAMES
from data.mpi_inf_3dhp.test_set import load_test_set
from data.recordings import DataSettings
from kinematics.skeleton import Skeleton


def members(frames: int, seed: int = 0) -> dict[str, Any]:
    """Standing people with noise: the two arrays of the family's file."""
    draw = np.random.default_rng(seed)
    standing = np.zeros((16, 3))
    standing[[1, 2, 3]] = [[-0.1, 0, 0], [-0.1, 0.45, 0], [-0.1, 0.9, 0]]
    return {
        "pose3d": standing + 0.01 * draw.normal(size=(frames, 16, 3)) * (np.arange(16) > 0)[:, None],
        "pose2d": draw.uniform(-0.9, 0.9, (frames, 16, 2)),
    }


def save(folder: Path, content: dict[str, Any]) -> DataSettings:
    (folder / "test_set").mkdir(exist_ok=True)
    np.savez(folder / "test_set/test_3dhp.npz", **content)
    return DataSettings(data_extra_root=str(folder))


def test_the_maps_are_the_family_s(tmp_path: Path) -> None:
    spin_reorder = [14, 2, 1, 0, 3, 4, 5, 16, 12, 18, 9, 10, 11, 8, 7, 6]  # PoseAug's, from SPIN's 24 joints
    assert [SPIN_TO_OFFICIAL[joint] for joint in TO_H36M_16] == spin_reorder
    assert sorted(TO_H36M_17) == list(range(17))
    assert [TO_H36M_17[joint] for joint in FROM_H36M_17] == list(range(17))


def test_limbs_keep_their_names_in_every_order() -> None:
    official, ours = Skeleton("mpi_inf_3dhp_17").joints, Skeleton("h36m_17").joints
    for joint, source in enumerate(TO_H36M_17):
        if ours[joint] not in ("Head", "NeckNose"):
            assert official[source] == ours[joint]
    assert TO_H36M_17[ours.index("Head")] == 0 and TO_H36M_17[ours.index("NeckNose")] == 16


def test_a_file_of_the_family_is_read_by_its_known_lengths(tmp_path: Path) -> None:
    content = members(2929)
    recordings = load_test_set(save(tmp_path, content))
    assert {recording.subject: len(recording) for recording in recordings} == VALID_FRAMES
    assert [recording.group["scene"] for recording in recordings] == ["GS", "GS", "noGS", "noGS", "outdoor", "outdoor"]
    np.testing.assert_allclose(recordings[1].views[0].joints_2d, content["pose2d"][603:1143], atol=1e-6)
    np.testing.assert_allclose(recordings[5].views[0].joints_3d, content["pose3d"][-452:], atol=1e-6)
    dataset = PoseDataset.from_recordings(recordings)
    assert len(dataset) == 2929 and dataset.cameras is None


def test_labels_of_the_file_reach_the_data_set(tmp_path: Path) -> None:
    content = members(6) | {
        "sequence": np.array(["TS2", "TS2", "TS1", "TS5", "TS5", "TS5"]),
        "activity": np.array(["Sports", "Sitting", "Sports", "Sitting", "Sports", "Sports"]),
    }
    recordings = load_test_set(save(tmp_path, content))
    dataset = PoseDataset.from_recordings(recordings)
    assert dataset.label("sequence") == ["TS1", "TS2", "TS2", "TS5", "TS5", "TS5"]
    assert dataset.label("activity") == ["Sports", "Sports", "Sitting", "Sitting", "Sports", "Sports"]
    assert dataset.label("scene") == ["GS", "GS", "GS", "outdoor", "outdoor", "outdoor"]


def test_17_joints_come_in_human36m_order_and_go_back(tmp_path: Path) -> None:
    official = np.random.default_rng(0).normal(scale=0.1, size=(4, 17, 3))
    official[:, 9] = official[:, 8] + [0, 0.45, 0]  # right thigh
    screen = np.random.default_rng(1).uniform(-0.5, 0.5, (4, 17, 2))
    content = members(4) | {"joints17_3d": official, "joints17_2d": screen, "sequence": np.array(["TS3"] * 4)}
    settings = save(tmp_path, content)
    settings.num_joints = 17
    view = load_test_set(settings)[0].views[0]
    np.testing.assert_allclose(view.joints_2d[:, FROM_H36M_17], screen, atol=1e-6)
    np.testing.assert_allclose(view.joints_3d[:, FROM_H36M_17], official - official[:, [14]], atol=1e-6)
    np.testing.assert_array_equal(view.joints_3d[:, 0], 0)


_LABELLED = members(4) | {"sequence": np.array(["TS3"] * 4)}


@pytest.mark.parametrize(
    "content, words",
    [
        (members(100), "has 100 poses and no 'sequence', expected 2,929"),
        (_LABELLED | {"pose3d": _LABELLED["pose3d"] * 1000}, "thighs of .* expected 0.2 to 0.7 m"),
        (_LABELLED | {"pose2d": _LABELLED["pose2d"] * 1000}, "expected screen units"),
        (_LABELLED | {"pose2d": _LABELLED["pose2d"] * np.nan}, "NaN or infinity"),
        (_LABELLED | {"pose3d": np.ones((4, 17, 3))}, r"\(4, 17, 3\) .* for 'pose3d', expected \(frames, 16, 3\)"),
        (_LABELLED | {"pose2d": np.ones((5, 16, 2))}, r"\(5, 16, 2\) .* for 'pose2d', expected \(4, 16, 2\)"),
        (_LABELLED | {"sequence": np.array(["TS3"] * 3)}, r"\(3,\) .* for 'sequence', expected \(4\)"),
        ({"pose3d": np.ones((4, 16, 3))}, "has nothing for 'pose2d', expected"),
    ],
)
def test_a_wrong_file_is_refused_by_name(content: dict, words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"test_3dhp\.npz.*{words}"):
        load_test_set(save(tmp_path, content))


def test_17_joints_need_a_file_that_has_them(tmp_path: Path) -> None:
    settings = save(tmp_path, members(2929))
    settings.num_joints = 17
    with pytest.raises(ValueError, match=r"'joints17_3d', expected \(frames, 17, 3\) .*Make it with"):
        load_test_set(settings)
    settings.num_joints = 14
    with pytest.raises(ValueError, match="16 or 17 joints, 14 were asked for"):
        load_test_set(settings)


def test_a_missing_file_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="Make it with: python prepare_data_3dhp.py"):
        load_test_set(DataSettings(data_extra_root=str(tmp_path)))


def test_no_valid_frame_is_scored_twice() -> None:
    assert sum(mpi_inf_3dhp.VALID_FRAMES.values()) == 2929
