"""What is told of a data set before it is scored."""

import numpy as np
import pytest

from data import PoseDataset, Recording, View
from evaluation.notes import clip_notes, notes_on_test_set, rates_differ
from posenets import Lifter, ScreenLifter, build_posenet


def recording(frames: int, fps: float = 50.0) -> Recording:
    joints = np.random.default_rng(frames).normal(size=(frames, 16, 3)).astype(np.float32)
    views = tuple(View(f"c{i}", None, joints, joints[..., :2]) for i in range(2))
    return Recording("S1", "A", views, fps, np.ones(frames, dtype=bool))


def lifter_of(frames: int, **sizes: int) -> Lifter:
    lifter = ScreenLifter(build_posenet("videopose", frames=frames, channels=4, **sizes))
    lifter.fps = 50.0
    return lifter


def test_clips_shorter_than_the_window_are_counted_by_view():
    dataset = PoseDataset.from_recordings([recording(9), recording(8), recording(20), recording(1)], frames=9)
    assert sorted(dataset.clip_lengths().tolist()) == [1, 1, 8, 8, 9, 9, 20, 20]
    (note,) = clip_notes("cmux2_a", dataset, lifter_of(9))
    assert note.startswith("cmux2_a: 4 of 8 clips are shorter than the lifter's window of 9 frames")


@pytest.mark.parametrize(("fps", "told"), [(25.0, True), (50.0, False), (50.2, False), (100.0, True)])
def test_another_rate_than_the_training_s_is_told_for_windows_only(fps: float, told: bool):
    recordings = [recording(20, fps)]
    notes = clip_notes("3dhp", PoseDataset.from_recordings(recordings, frames=9), lifter_of(9))
    assert bool(notes) == told
    if fps == 25:
        assert notes == [
            "3dhp has 25 frames a second, the lifter has learnt from 50: its window of 9 frames lasts 0.36 s there "
            "instead of 0.18 s."
        ]
    assert clip_notes("3dhp", PoseDataset.from_recordings(recordings), lifter_of(1)) == []


def test_a_rate_that_is_not_a_number_differs_from_every_rate():
    assert rates_differ(float("nan"), 50.0) and rates_differ(50.0, float("nan")) and not rates_differ(50.0, 50.2)


def test_a_lifter_of_confidences_is_told_of_sets_without():
    dataset = PoseDataset.from_recordings([recording(20)])
    assert notes_on_test_set("cmux2_a", dataset, lifter_of(1)) == []
    (note,) = notes_on_test_set("cmux2_a", dataset, lifter_of(1, in_features=3))
    assert "cmux2_a: its 2D has no confidences" in note
