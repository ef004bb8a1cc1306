"""Missing joints: short gaps are closed, long ones cut, and nothing is done in silence."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.dataset import PoseDataset
from data.h36m import recordings as h36m
from data.keypoints.gaps import GapCount, close_gaps, mend, mend_together, missing_joints, whole_spans
from data.multiview.dataset import MultiViewDataset
from data.recordings import DataSettings, Recording, View


def straight_motion(frames: int = 40, joints: int = 16, seed: int = 0) -> np.ndarray:
    """(F, J, 2): every joint moves along a line of its own, evenly."""
    draw = np.random.default_rng(seed)
    start, speed = draw.normal(size=(joints, 2)), draw.normal(size=(joints, 2)) / frames
    return (start + np.arange(frames)[:, None, None] * speed).astype(np.float32)


def with_gaps(joints_2d: np.ndarray, *gaps: tuple[int, int, int]) -> np.ndarray:
    """gaps: (joint, first frame, frame after the last)."""
    broken = joints_2d.copy()
    for joint, start, stop in gaps:
        broken[start:stop, joint, joint % 2] = np.nan
    return broken


def recording_of(*views: np.ndarray, scores: bool = False) -> Recording:
    frames, joints = views[0].shape[:2]
    depth = np.arange(frames, dtype=np.float32)[:, None, None] * np.ones((frames, joints, 3), np.float32)
    confidence = np.full((frames, joints), 0.7, np.float32) if scores else None
    labels = {"activity": np.arange(frames).astype(str)}
    seen = tuple(View(f"c{i}", None, depth, view, confidence) for i, view in enumerate(views))
    return Recording("S1", "Walking", seen, 50.0, np.ones(frames, bool), {"sequence": "S1 Walking"}, labels)


def test_short_gaps_of_an_even_motion_are_closed_where_they_were():
    joints_2d = straight_motion()
    broken = with_gaps(joints_2d, (3, 5, 10), (3, 20, 21), (8, 8, 13), (15, 30, 33))
    filled, closed = close_gaps(broken, longest=5)
    np.testing.assert_allclose(filled, joints_2d, atol=1e-5)
    np.testing.assert_array_equal(closed, missing_joints(broken))
    assert missing_joints(broken).sum() == 5 + 1 + 5 + 3


@pytest.mark.parametrize("gap", [(4, 10, 16), (4, 0, 2), (4, 38, 40), (4, 0, 40)], ids=str)
def test_long_gaps_and_those_with_one_end_stay_open(gap: tuple[int, int, int]):
    broken = with_gaps(straight_motion(), gap)
    filled, closed = close_gaps(broken, longest=5)
    np.testing.assert_array_equal(filled, broken)
    assert not closed.any()
    kept = [frame for span in whole_spans(filled) for frame in range(span.start, span.stop)]
    assert kept == [frame for frame in range(40) if not gap[1] <= frame < gap[2]]


def test_a_recording_without_gaps_stays_the_same():
    recording, count = recording_of(straight_motion()), GapCount()
    assert mend(recording, 0.2, count) == [recording] and count.notes("training", 0.2) == []


def test_only_the_view_with_a_long_gap_is_cut_and_all_else_follows():
    whole, broken = straight_motion(seed=1), with_gaps(straight_motion(seed=2), (2, 10, 30), (5, 33, 35))
    count = GapCount()
    pieces = mend(recording_of(whole, broken, whole, scores=True), 0.2, count)
    assert [(len(piece), [view.camera_name for view in piece.views]) for piece in pieces] == [
        (40, ["c0", "c2"]), (10, ["c1"]), (10, ["c1"]),
    ]  # fmt: skip
    last = pieces[2]
    assert last.frame_groups["activity"].tolist() == [str(frame) for frame in range(30, 40)]
    assert last.views[0].joints_3d[:, 0, 0].tolist() == list(range(30, 40))
    confidence = last.views[0].confidence
    assert confidence is not None and np.argwhere(confidence == 0).tolist() == [[3, 5], [4, 5]]
    assert (confidence > 0).sum() == 10 * 16 - 2
    assert (count.recordings, count.frames, count.interpolated, count.cut) == (1, 120, 2, 20)


def test_max_gap_is_in_seconds():
    broken = with_gaps(straight_motion(), (2, 10, 20))  # 10 frames at 50 a second
    for max_gap, pieces in ((0.2, 1), (0.19, 2), (0.0, 2)):
        assert len(mend(recording_of(broken), max_gap, GapCount())) == pieces


def test_a_recording_without_any_complete_frame_is_left_out_and_named():
    count = GapCount()
    nothing = np.full((40, 16, 2), np.nan, np.float32)
    assert mend(recording_of(nothing), 0.2, count) == []
    assert mend(recording_of(straight_motion()), 0.2, count) != []
    (note,) = count.notes("cpn, training", 0.2)
    assert note == (
        "cpn, training: joints are missing (NaN) in 1 of 2 recordings: 0 of 80 frames interpolated (gaps up to 0.2 s), "
        "40 cut; 1 of them have no whole frame and are left out."
    )


def test_windows_never_reach_across_a_cut():
    broken = with_gaps(straight_motion(), (2, 15, 30))
    dataset = PoseDataset.from_recordings(mend(recording_of(broken), 0.2, GapCount()), frames=9)
    frames = dataset.all().joints_3d[..., 0, 0]  # the number of the frame
    assert len(frames) == 25
    assert ((frames < 15).all(dim=1) | (frames >= 30).all(dim=1)).all()


@pytest.fixture
def detected(h36m_poses: Callable, tmp_path: Path) -> DataSettings:
    """Human3.6M of two subjects, and a detector with a short gap in training and a long one in the test."""
    draw = np.random.default_rng(0)
    positions, content = {}, {}
    for subject, gap in (("S1", slice(10, 14)), ("S9", slice(20, 40))):
        positions[subject] = {"Walking": (h36m_poses(60) / 1000).astype(np.float32)}
        views = [draw.uniform(100, 900, (60, 17, 3)) * [1, 1, 0.001] for _ in range(4)]
        views[2][gap, 4, :2] = np.nan
        views[0][:, 9] = np.nan  # Neck/Nose, which 16 joints do not have
        content[subject] = {"Walking": [view.astype(np.float32) for view in views]}
    np.savez(tmp_path / "data_3d_h36m.npz", positions_3d=np.array(positions, dtype=object))
    np.savez(tmp_path / "data_2d_h36m_hr.npz", positions_2d=np.array(content, dtype=object))
    return DataSettings(dataset="h36m", data_root=str(tmp_path), keypoints="hr")


def test_a_detectors_gaps_are_closed_or_cut_in_training_and_test_and_noted(detected: DataSettings):
    splits = h36m.load(detected)
    assert [len(recording) for recording in splits.train] == [60]
    assert sorted((len(recording), len(recording.views)) for recording in splits.tests["h36m"]) == [
        (20, 1),
        (20, 1),
        (60, 3),
    ]
    assert splits.notes[-2:] == [
        "hr, Human3.6M training: joints are missing (NaN) in 1 of 1 recordings: 4 of 240 frames interpolated (gaps "
        "up to 0.2 s), 0 cut.",
        "hr, Human3.6M test: joints are missing (NaN) in 1 of 1 recordings: 0 of 240 frames interpolated (gaps up to "
        "0.2 s), 20 cut.",
    ]
    whole = h36m.load(replace(detected, max_gap=0.4))
    assert [len(recording) for recording in whole.tests["h36m"]] == [60]


def test_several_views_stay_together_and_a_gap_is_a_missing_view(detected: DataSettings):
    splits = h36m.load(replace(detected, views=2))
    (recording,) = splits.tests["h36m"]
    assert len(recording) == 60 and len(recording.views) == 4
    assert np.flatnonzero(~recording.views[2].is_present).tolist() == list(range(20, 40))
    assert all(view.is_present.all() for i, view in enumerate(recording.views) if i != 2)
    assert all(np.isfinite(view.joints_2d).all() for view in recording.views)
    assert splits.notes[-1].endswith("0 of 240 frames interpolated (gaps up to 0.2 s), 20 cut.")
    (closed,) = splits.train
    confidence = closed.views[2].confidence
    assert closed.views[2].is_present.all() and confidence is not None and (confidence[10:14, 4] == 0).all()
    batch = MultiViewDataset.from_recordings([recording], frames=3).all()
    assert len(batch) == 60 and not batch.visible[25, 2].any() and batch.visible[25, [0, 1, 3]].all()
    assert (batch.certainty()[25, 2] == 0).all()


def test_a_recording_without_a_frame_complete_in_two_views_is_left_out():
    seen, unseen = straight_motion(), np.full((40, 16, 2), np.nan, np.float32)
    one = replace(recording_of(seen), views=(*recording_of(seen).views, *recording_of(unseen).views))
    count = GapCount()
    assert mend_together(one, 0.2, count) == [] and count.lost == 1
    both = replace(one, views=(*one.views, *recording_of(seen).views))
    assert [view.is_present.any() for view in mend_together(both, 0.2, count)[0].views] == [True, False, True]


def test_a_detectors_confidences_reach_the_batch(detected: DataSettings):
    splits = h36m.load(replace(detected, downsample=7))
    dataset = PoseDataset.from_recordings(splits.train)
    batch = dataset.all()
    assert batch.confidence is not None and batch.confidence.shape == (4 * 9, 1, 16)
    view = splits.train[0].views[2]
    assert view.confidence is not None and len(view.confidence) == 9
    np.testing.assert_array_equal(batch.confidence[18:27, 0].numpy(), view.confidence)
    projected = h36m.load(replace(detected, keypoints="gt")).train  # no detections: they count as 1 beside others
    beside = PoseDataset.from_recordings([*splits.train, *projected])
    assert beside.confidence is not None and (beside.confidence[36:] == 1).all() and (beside.confidence[:36] < 1).any()
