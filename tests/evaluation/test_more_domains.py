"""The command that scores a lifter, on HumanEva, 3DPW and AIST++ in miniature: it scores the joints the files have."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from evaluation import cross_domain
from posenets import build_posenet
from posenets.lifter import ScreenLifter
from tests.data.domains.conftest import walk, write_3dpw, write_aist, write_humaneva  # noqa: F401


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    lifter = ScreenLifter(build_posenet("simple_baseline", linear_size=8), "root")
    torch.save(lifter.to_checkpoint(epoch=5), tmp_path / "last.pt")
    return tmp_path / "last.pt"


@pytest.fixture
def files(tmp_path: Path, write_humaneva, write_3dpw, write_aist, walk) -> list[str]:  # noqa: F811
    write_humaneva(tmp_path)
    write_aist(tmp_path)
    write_3dpw(tmp_path / "3dpw" / "sequenceFiles" / "test" / "downtown_walking_00.pkl")
    joints = walk(30, "h36m_16")
    (tmp_path / "test_set").mkdir()
    np.savez(tmp_path / "test_set" / "test_3dpw.npz", pose3d=joints, pose2d=joints[..., [0, 2]] / 2)
    return ["--data_root", str(tmp_path), "--data_extra_root", str(tmp_path), "--tables", "False"]


def test_each_test_set_is_scored_by_the_joints_it_has(checkpoint: Path, files: list[str], tmp_path: Path, capsys):
    names = ["humaneva", "3dpw", "3dpw_detected", "3dpw_poseaug", "aistx", "aistx_gt"]
    out = tmp_path / "out.json"
    cross_domain.main(["--checkpoint", str(checkpoint), "--json", str(out), *files, "--test_sets", *names])
    scored = {(line["test_set"], line["protocol"]): line["poses"] for line in json.loads(out.read_text())}
    limbs = {(name, "limbs") for name in names if name != "3dpw_poseaug"}
    smpl = {(name, "smpl_14") for name in ("3dpw", "3dpw_detected")}
    assert set(scored) == limbs | smpl | {("humaneva", "limbs_head"), ("3dpw_poseaug", "all_joints")}
    assert scored["aistx", "limbs"] == scored["aistx_gt", "limbs"] == 3 * 30 and scored["3dpw", "limbs"] == 60
    printed = capsys.readouterr().out
    assert "HumanEva has no Spine: made up for the lifter, and not scored." in printed
    assert "aistx, protocol limbs, with flip" in printed and "about the middle of the hips" in printed


def test_made_up_joints_are_not_scored_however_they_are_asked_for(checkpoint: Path, files: list[str]):
    with pytest.raises(ValueError, match="all_joints scores joints that aistx has not itself: choose from limbs"):
        cross_domain.main([
            "--checkpoint", str(checkpoint), *files, "--test_sets", "aistx", "--protocols", "all_joints",
        ])  # fmt: skip
