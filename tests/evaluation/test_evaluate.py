"""Evaluation of a lifter on a data set: weighting, tables, flip."""

import json

import numpy as np
import pytest
import torch

from data import PoseDataset, Recording, View
from evaluation import evaluate, format_scores
from evaluation.metrics import auc, mpjpe, n_mpjpe, p_mpjpe, pck, velocity_error
from posenets import Lifter, ScreenLifter, build_posenet


def recording(generator, action: str, frames: int, sequence: str, activities: list[str] | None = None) -> Recording:
    joints_3d = 0.4 * torch.randn(frames, 16, 3, generator=generator)
    view = View("cam", None, joints_3d.numpy(), (joints_3d[..., :2] + 0.1).numpy())
    frame_groups = {"activity": np.array(activities)} if activities else {}
    return Recording("S9", action, (view,), 50.0, np.ones(frames, dtype=bool), {"sequence": sequence}, frame_groups)


@pytest.fixture
def recordings(generator) -> list[Recording]:
    return [
        recording(generator, "Walking", 6, "TS1", ["a"] * 6),
        recording(generator, "Walking 1", 10, "TS2", ["a"] * 5 + ["b"] * 5),
        recording(generator, "Eating", 4, "TS2", ["b"] * 4),
    ]


@pytest.fixture
def lifter() -> Lifter:
    torch.manual_seed(0)
    return ScreenLifter(build_posenet("simple_baseline", linear_size=16), "root").eval()


def rows(scores, table: str) -> dict:
    return {row.name: row for row in scores.tables[table]}


def direct(lifter: Lifter, recordings: list[Recording], flip: bool) -> tuple[torch.Tensor, torch.Tensor]:
    joints_3d = torch.cat([torch.from_numpy(t.views[0].joints_3d) for t in recordings])
    joints_2d = torch.cat([torch.from_numpy(t.views[0].joints_2d) for t in recordings])
    return lifter.predict(joints_2d[:, None], flip), joints_3d - joints_3d[:, :1]


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("batch_size", [3, 4096])
def test_every_frame_weighs_the_same_whatever_the_batches(lifter, recordings, flip, batch_size):
    scores = evaluate(lifter, PoseDataset.from_recordings(recordings), flip, batch_size=batch_size)
    pair = direct(lifter, recordings, flip)
    assert scores.total.poses == 20 and scores.flip is flip
    assert scores["mpjpe"] == pytest.approx(1000 * mpjpe(*pair), rel=1e-5)
    assert scores["p_mpjpe"] == pytest.approx(1000 * p_mpjpe(*pair), rel=1e-4)
    assert (scores["pck"], scores["auc"]) == pytest.approx((pck(*pair), auc(*pair)))


def test_tables_hold_the_parts(lifter, recordings):
    scores = evaluate(lifter, PoseDataset.from_recordings(recordings), flip=False)
    assert set(scores.tables) == {"subject", "sequence", "activity", "action"}
    sequences = rows(scores, "sequence")
    first = direct(lifter, recordings[:1], flip=False)
    assert sequences["TS1"]["mpjpe"] == pytest.approx(1000 * mpjpe(*first), rel=1e-5)
    assert sequences["TS2"].poses == 14
    for table in ("sequence", "activity"):
        total = sum(row.poses * row["mpjpe"] for row in scores.tables[table]) / 20
        assert total == pytest.approx(scores["mpjpe"])
    assert {name: row.poses for name, row in rows(scores, "activity").items()} == {"a": 11, "b": 9}


def test_actions_are_averaged_over_actions_and_over_frames(lifter, recordings):
    actions = rows(evaluate(lifter, PoseDataset.from_recordings(recordings), flip=False), "action")
    assert list(actions) == ["Eating", "Walking", "mean over actions", "mean over frames"]
    assert actions["Walking"].poses == 16  # both recordings
    mean = (actions["Walking"]["mpjpe"] + actions["Eating"]["mpjpe"]) / 2
    assert actions["mean over actions"]["mpjpe"] == pytest.approx(mean)
    weighted = (16 * actions["Walking"]["mpjpe"] + 4 * actions["Eating"]["mpjpe"]) / 20
    assert actions["mean over frames"]["mpjpe"] == pytest.approx(weighted)


def test_a_perfect_lifter_scores_perfectly(recordings):
    class Perfect(ScreenLifter):
        def predict(self, joints_2d: torch.Tensor, test_flip: bool = True) -> torch.Tensor:
            found = [(known_2d == pose[0]).all(-1).all(-1).nonzero().item() for pose in joints_2d]
            return known_3d[found]

    known_3d = torch.cat([torch.from_numpy(t.views[0].joints_3d) for t in recordings])
    known_3d = known_3d - known_3d[:, :1]
    known_2d = torch.cat([torch.from_numpy(t.views[0].joints_2d) for t in recordings])
    scores = evaluate(Perfect(build_posenet("mlp", linear_size=4)), PoseDataset.from_recordings(recordings))
    assert (scores["mpjpe"], scores["pck"]) == (0.0, 100.0) and scores["p_mpjpe"] < 1e-3
    assert scores["auc"] == pytest.approx(100 * 30 / 31)  # nothing is nearer than 0 mm


def test_result_line_has_the_agreed_keys(lifter, recordings):
    line = evaluate(lifter, PoseDataset.from_recordings(recordings)).result_line("cmux_a", epoch=3, phase="real")
    agreed = "epoch phase test_set protocol mpjpe p_mpjpe n_mpjpe mpjve pck auc poses seconds flip".split()
    assert set(line) == set(agreed) and line["test_set"] == "cmux_a" and line["epoch"] == 3


def test_velocity_is_of_consecutive_frames_of_one_clip_only(lifter, recordings):
    scores = evaluate(lifter, PoseDataset.from_recordings(recordings), flip=False)
    prediction, target = direct(lifter, recordings, flip=False)
    clips = zip(prediction.split([6, 10, 4]), target.split([6, 10, 4]), strict=True)
    pairs = [(len(p) - 1, velocity_error(p, t)) for p, t in clips]
    expected = sum(count * error for count, error in pairs) / sum(count for count, _ in pairs)
    assert scores["mpjve"] == pytest.approx(1000 * expected, rel=1e-4)
    assert rows(scores, "action")["Eating"]["mpjve"] == pytest.approx(1000 * pairs[2][1], rel=1e-4)
    assert scores["n_mpjpe"] == pytest.approx(1000 * n_mpjpe(prediction, target), rel=1e-4)
    thinned = evaluate(lifter, PoseDataset.from_recordings(recordings, stride=2), flip=False)
    assert thinned["mpjve"] is None and json.loads(json.dumps(thinned.result_line("cmux_a")))["mpjve"] is None
    assert " - " in format_scores("cmux_a", thinned)


def test_the_text_shows_every_table(lifter, recordings):
    text = format_scores("cmux_a", evaluate(lifter, PoseDataset.from_recordings(recordings)))
    for word in ("TS1", "mean over actions", "mean over frames", "protocol all_joints", "with flip", "P-MPJPE mm"):
        assert word in text
    assert "TS1" not in format_scores("cmux_a", evaluate(lifter, PoseDataset.from_recordings(recordings)), longest=0)


def test_windows_are_judged_at_the_frame_they_predict(recordings):
    class Echo(ScreenLifter):
        """Puts each joint where the window's predicted frame has it on screen."""

        def predict(self, joints_2d: torch.Tensor, test_flip: bool = True) -> torch.Tensor:
            seen = joints_2d[:, self.posenet.target_frame]
            seen = seen - seen[:, :1]
            return torch.cat([seen, torch.zeros_like(seen[..., :1])], dim=-1)

    for causal in (False, True):
        lifter = Echo(build_posenet("videopose", frames=3, channels=4, causal=causal))
        dataset = PoseDataset.from_recordings(recordings, frames=3, target=lifter.target_frame)
        flat = dataset.joints_3d.clone()
        flat[..., 2] = 0
        dataset.joints_3d = flat
        assert evaluate(lifter, dataset)["mpjpe"] < 1e-3


def test_a_data_set_of_other_windows_is_refused(lifter, recordings):
    with pytest.raises(ValueError, match=r"place 1 of windows of 3 frame\(s\), the lifter reads .* place 0 of 1"):
        evaluate(lifter, PoseDataset.from_recordings(recordings, frames=3))
