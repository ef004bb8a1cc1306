"""Detection files: 16 or 17 joints in pixels come in, screen coordinates of the layout asked for come out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.h36m.cameras import CAMERA_RESOLUTIONS
from data.h36m.keypoints import Keypoints2D, keypoints_path
from kinematics.skeleton import Skeleton


def cameras(frames: int = 30, joints: int = 17, seed: int = 0) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    return [draw.uniform(100, 900, (frames, joints, 2)).astype(np.float32) for _ in CAMERA_RESOLUTIONS]


def write(folder: Path, views: Any, metadata: dict | None = None, recording: str = "Walking 1") -> Path:
    path = folder / "data_2d_h36m_test.npz"
    members = {"positions_2d": np.array({"S1": {recording: views}}, dtype=object)}
    if metadata is not None:
        members["metadata"] = np.array(metadata, dtype=object)
    np.savez(path, **members)  # type: ignore[arg-type]
    return path


def test_pixels_become_screen_coordinates_of_each_camera(tmp_path: Path) -> None:
    views = cameras()
    screen = Keypoints2D(write(tmp_path, views)).screen("S1", "Walking 1", "h36m_17", frames=30)
    assert screen is not None
    for own, pixels, (width, height) in zip(screen, views, CAMERA_RESOLUTIONS, strict=True):
        assert own.joints_2d.dtype == np.float32 and own.confidence is None
        np.testing.assert_allclose(own.joints_2d, pixels / width * 2 - [1, height / width], atol=1e-6)


def test_neck_nose_is_dropped_by_name(tmp_path: Path) -> None:
    views = cameras()
    screen = Keypoints2D(write(tmp_path, views)).screen("S1", "Walking 1", "h36m_16", frames=30)
    without = write(tmp_path, [np.delete(view, Skeleton("h36m_17").joints.index("NeckNose"), axis=1) for view in views])
    again = Keypoints2D(without).screen("S1", "Walking 1", "h36m_16", frames=30)
    assert screen is not None and again is not None
    for one, other in zip(screen, again, strict=True):
        np.testing.assert_array_equal(one.joints_2d, other.joints_2d)


def test_stacked_hourglass_files_in_mpiis_order_are_put_in_human36ms(tmp_path: Path) -> None:
    views, sides = cameras(joints=16), [[3, 4, 5, 13, 14, 15], [0, 1, 2, 10, 11, 12]]
    names = "RAnkle RKnee RHip LHip LKnee LAnkle Hip Spine Thorax Head RWrist RElbow RShoulder LShoulder LElbow LWrist"
    place: dict[str, int] = {joint: index for index, joint in enumerate(names.split())}
    wanted = [view[:, [place[joint] for joint in Skeleton("h36m_16").joints]] for view in views]
    plain = Keypoints2D(write(tmp_path, wanted)).screen("S1", "Walking 1", "h36m_16", 30)
    for metadata in ({"num_joints": 16, "keypoints_symmetry": sides}, {"layout_name": "mpii"}):
        detector = Keypoints2D(write(tmp_path, views, metadata))
        again = detector.screen("S1", "Walking 1", "h36m_16", 30)
        assert plain is not None and again is not None and "in MPII's order" in detector.notes()[0]
        for one, other in zip(plain, again, strict=True):
            np.testing.assert_array_equal(one.joints_2d, other.joints_2d)


def test_files_in_human36ms_order_are_left_in_it_whatever_their_metadata_say_or_lack(tmp_path: Path) -> None:
    views, sides = cameras(joints=16), [[4, 5, 6, 10, 11, 12], [1, 2, 3, 13, 14, 15]]
    plain = Keypoints2D(write(tmp_path, views)).screen("S1", "Walking 1", "h36m_16", 30)
    for metadata in ({"keypoints_symmetry": sides, "layout_name": "h36m"}, {"keypoints_symmetry": None}):
        detector = Keypoints2D(write(tmp_path, views, metadata))
        again = detector.screen("S1", "Walking 1", "h36m_16", 30)
        assert plain is not None and again is not None and not detector.notes()
        np.testing.assert_array_equal(plain[0].joints_2d, again[0].joints_2d)


def scored(views: list[np.ndarray], scores: Any) -> list[np.ndarray]:
    """The views with a third column."""
    column = np.broadcast_to(scores, views[0].shape[:2])[..., None].astype(np.float32)
    return [np.concatenate([view, column], axis=-1) for view in views]


def test_a_third_column_is_the_confidence_and_leaves_the_joints_alone(tmp_path: Path) -> None:
    views, scores = cameras(), np.random.default_rng(1).random((30, 17))
    plain = Keypoints2D(write(tmp_path, views)).screen("S1", "Walking 1", "h36m_16", 30)
    again = Keypoints2D(write(tmp_path, scored(views, scores))).screen("S1", "Walking 1", "h36m_16", 30)
    assert plain is not None and again is not None
    for one, other in zip(plain, again, strict=True):
        np.testing.assert_array_equal(one.joints_2d, other.joints_2d)
        assert other.confidence is not None
        np.testing.assert_allclose(other.confidence, np.delete(scores, 9, axis=1), atol=1e-6)


def test_scores_that_are_no_confidences_are_left_away_and_told(tmp_path: Path) -> None:
    logits = np.random.default_rng(1).normal(5, 4, (30, 17))
    detector = Keypoints2D(write(tmp_path, scored(cameras(), logits)))
    screen = detector.screen("S1", "Walking 1", "h36m_16", 30)
    assert screen is not None and all(seen.confidence is None for seen in screen)
    assert "third column of 1 recordings is not from 0 to 1" in detector.notes()[0]


def test_missing_joints_stay_missing_and_have_no_confidence(tmp_path: Path) -> None:
    views = scored(cameras(), 0.8)
    views[1][3, 5, 0] = np.nan
    views[2][:, :, 2] = np.where(np.arange(30)[:, None] == 4, np.nan, 0.8)
    screen = Keypoints2D(write(tmp_path, views)).screen("S1", "Walking 1", "h36m_17", 30)
    assert screen is not None
    lost, unsure = screen[1], screen[2]
    assert lost.confidence is not None and unsure.confidence is not None
    assert np.isnan(lost.joints_2d[3, 5]).any() and lost.confidence[3, 5] == 0
    assert np.isfinite(np.delete(lost.joints_2d, 3, axis=0)).all() and lost.confidence[2, 5] == np.float32(0.8)
    assert (unsure.confidence[4] == 0).all() and np.isfinite(unsure.joints_2d).all()


def test_other_spellings_of_a_recording_are_found(tmp_path: Path) -> None:
    detector = Keypoints2D(write(tmp_path, cameras(), recording="TakingPhoto 1"))
    assert detector.screen("S1", "Photo 1", "h36m_16", 30) is not None


@pytest.mark.parametrize("in_2d, in_3d, kept, cut_2d, cut_3d", [(30, 27, 27, 12, 0), (30, 33, 30, 0, 3)])
def test_lengths_are_aligned_and_the_cut_is_told(
    in_2d: int, in_3d: int, kept: int, cut_2d: int, cut_3d: int, tmp_path: Path
) -> None:
    detector = Keypoints2D(write(tmp_path, cameras(in_2d)))
    screen = detector.screen("S1", "Walking 1", "h36m_16", in_3d)
    assert screen is not None and [len(view.joints_2d) for view in screen] == [kept] * 4
    assert f"in 1 recordings; cut to the shorter: {cut_3d} frames of 3D, {cut_2d} frames of 2D" in detector.notes()[0]


def test_a_camera_with_fewer_frames_cuts_the_others(tmp_path: Path) -> None:
    views = cameras()
    views[2] = views[2][:28]
    screen = Keypoints2D(write(tmp_path, views)).screen("S1", "Walking 1", "h36m_16", 30)
    assert screen is not None and [len(view.joints_2d) for view in screen] == [28] * 4


def test_equal_lengths_leave_nothing_to_tell(tmp_path: Path) -> None:
    detector = Keypoints2D(write(tmp_path, cameras()))
    detector.screen("S1", "Walking 1", "h36m_16", 30)
    assert detector.notes() == []


def test_a_recording_the_file_lacks_is_noted(tmp_path: Path) -> None:
    detector = Keypoints2D(write(tmp_path, cameras()))
    assert detector.screen("S1", "Eating", "h36m_16", 30) is None
    assert "no keypoints for S1 Eating" in detector.notes()[0]


_COCO = {"layout_name": "coco", "num_joints": 17, "keypoints_symmetry": [[1, 3, 5], [2, 4, 6]]}
_INFINITE = [np.where(view > 890, np.inf, view) for view in cameras()]
_WILD = [np.where(np.arange(view.size).reshape(view.shape) == 100, 1e30, view) for view in cameras()]
_BAD = {
    "three cameras": (cameras()[:3], None, "has 3 cameras, expected 4"),
    "normalised": ([view / 500 - 1 for view in cameras()], None, "look normalised"),
    "one wild joint": (_WILD, None, r"camera 0 has the number 1e\+30, expected at most 1e\+15"),
    "infinity": (_INFINITE, None, "has infinity in its keypoints"),
    "15 joints": (cameras(joints=15), None, "has 15 joints, expected 16 or 17"),
    "3D": ([np.ones((30, 17, 4))] * 4, None, r"shape \(30, 17, 4\), expected \(frames, 16 or 17, 2\)"),
    "another rate": (cameras(300), None, "has 300 frames where the 3D has 30"),
    "COCO": (cameras(), _COCO, r"Skeleton\('coco_17'\) keypoints, expected Skeleton\('h36m_17'\)"),
    "COCO without name": (cameras(), {"keypoints_symmetry": [[1, 3, 5], [2, 4, 6]]}, "coco_17"),
    "no neck": (cameras(joints=16), None, r"16 joints of Skeleton\('h36m_16'\), expected the 17"),
}


@pytest.mark.parametrize("fault", list(_BAD))
def test_a_wrong_file_is_refused_by_name(fault: str, tmp_path: Path) -> None:
    views, metadata, words = _BAD[fault]
    with pytest.raises(ValueError, match=rf"data_2d_h36m_test\.npz.*{words}"):
        Keypoints2D(write(tmp_path, views, metadata)).screen("S1", "Walking 1", "h36m_17", frames=30)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "data_2d_h36m_test.npz", poses=np.ones(3))
    with pytest.raises(ValueError, match="has poses inside, expected 'positions_2d'"):
        Keypoints2D(tmp_path / "data_2d_h36m_test.npz")


def test_a_missing_detector_is_answered_with_those_there(tmp_path: Path) -> None:
    write(tmp_path, cameras())
    with pytest.raises(FileNotFoundError, match=r"--keypoints cpn needs it \(there: gt, test\)"):
        keypoints_path(tmp_path, "cpn")
    assert keypoints_path(tmp_path, "test").exists()


def test_a_missing_subject_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"subject 'S9' is not known: choose from S1"):
        Keypoints2D(write(tmp_path, cameras())).require(["S9"])
