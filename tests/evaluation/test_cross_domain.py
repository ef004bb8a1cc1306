"""The command: any checkpoint, any test set, one sentence for bad input."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from data import Recording, View
from evaluation import cross_domain
from posenets import ScreenLifter, build_posenet
from tests.tiny_cmu import ROOT


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    lifter = ScreenLifter(build_posenet("simple_baseline", linear_size=8), "root")
    torch.save(lifter.to_checkpoint(epoch=5), tmp_path / "last.pt")
    return tmp_path / "last.pt"


@pytest.mark.slow
def test_command_writes_the_lines_it_prints(checkpoint, tmp_path):
    out = tmp_path / "new" / "out.json"
    command = [sys.executable, "-m", "evaluation.cross_domain", "--checkpoint", checkpoint, "--json", out]
    done = subprocess.run(
        [*command, "--data_root", ROOT, "--test_sets", "cmux2_a", "--flip", "both"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    lines = json.loads(out.read_text())
    assert [line["flip"] for line in lines] == [True, False]
    for line in lines:
        assert line["epoch"] == 5 and line["test_set"] == "cmux2_a" and line["protocol"] == "all_joints"
        assert f"{line['mpjpe']:.2f}" in done.stdout and f"{line['auc']:.2f}" in done.stdout
        assert line["tables"]["action"]


def test_a_published_checkpoint_is_evaluated_by_name(tmp_path, capsys, monkeypatch):
    joints_3d = np.random.default_rng(0).normal(size=(7, 16, 3)).astype(np.float32)
    view = View("cam", None, joints_3d, joints_3d[..., :2])
    recordings = [Recording("TS1", "", (view,), 25.0, np.ones(7, dtype=bool), {"sequence": "TS1"})]
    monkeypatch.setattr(cross_domain, "load_test_set", lambda name, settings, frames, notes: recordings)
    torch.save({"model_pos": build_posenet("videopose", channels=8).state_dict()}, tmp_path / "best.bin")
    cross_domain.main(f"--checkpoint {tmp_path}/best.bin --posenet_name videopose --test_sets h36m 3dhp".split())
    printed = capsys.readouterr().out
    assert printed.count("protocol all_joints") == 2 and "3dhp, protocol official_3dhp_16" in printed


@pytest.mark.parametrize(
    "arguments, message",
    [
        ("--checkpoint none.pt", "none.pt is missing"),
        ("--checkpoint {} --test_set cmux2_a", "Perhaps you meant: --test_sets"),
        ("--checkpoint {} --test_sets cmux2a", "Perhaps you meant: cmux2_a"),
        ("--checkpoint {} --test_sets", "--test_sets is empty"),
        ("--checkpoint {} --flip maybe", "'on', 'off', 'both'"),
        ("--checkpoint {} --protocols offical", "choose from all_joints, official_3dhp, official_3dhp_16"),
        ("--checkpoint {} --protocols official_3dhp", "scores joints of mpi_inf_3dhp_17 or h36m_17, these are h36m_16"),
        ("--checkpoint {} --device tpu", "choose from auto, cpu, cuda"),
        ("--checkpoint {} --batch_size 0", "expected 1 or more"),
        ("--checkpoint {} --max_gap -1", "--max_gap -1.0: expected at least 0"),
        ("--checkpoint {} --json .", "is a folder"),
        ("--checkpoint {0} --json {0}/out.json", "out.json cannot be written"),
        ("--checkpoint {} --test_sets 3dhp --data_extra_root no_such_folder", "no_such_folder"),
        ("", "--checkpoint"),
    ],
)
def test_bad_input_is_one_sentence(arguments, message, checkpoint):
    with pytest.raises((ValueError, OSError)) as caught:
        cross_domain.main(arguments.format(checkpoint).split())
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_bad_input_leaves_with_code_2_and_writes_nothing(tmp_path, refusal_of):
    (tmp_path / "broken.pt").write_bytes(b"PK not really")
    flags = ["--checkpoint", str(tmp_path / "broken.pt"), "--json", str(tmp_path / "out.json")]
    assert "broken.pt cannot be read as a checkpoint" in refusal_of(cross_domain.main, flags)
    assert [path.name for path in tmp_path.iterdir()] == ["broken.pt"]
