"""BVH files of lifted clips: the DH body moves as the joints do."""

from pathlib import Path

import numpy as np
import pytest
import torch

from data import load_test_set
from data.files.asf_amc import z_up
from data.files.bvh.reader import joint_origins, parse_bvh
from evaluation.predict.files import write_bvh_files
from evaluation.predict.lifted import LiftedClip, upright_on_the_floor
from kinematics import Skeleton
from tests.tiny_cmu import SETTINGS


def test_bvh_moves_as_the_body_on_the_floor_does(tmp_path: Path):
    """The DH body has fewer freedoms than a lifter's joints and one set of bones, so it comes near."""
    recording = load_test_set("cmux2_a", SETTINGS)[0]
    found = upright_on_the_floor(torch.from_numpy(recording.views[0].joints_3d - recording.views[0].joints_3d[:, :1]))
    count = len(recording)
    made = LiftedClip(
        found.numpy(), found.numpy(), recording.views[0].joints_2d, np.ones((count, 16)), np.arange(count),
        np.zeros(count, dtype=int), 25.0, (1000, 800), Skeleton("h36m_16"), Skeleton("h36m_16"),
    )  # fmt: skip
    assert write_bvh_files(made, tmp_path) == ["pose.bvh"]
    motion = parse_bvh((tmp_path / "pose.bvh").read_text(), "pose.bvh")
    hips = z_up(joint_origins(motion)["Hips"])
    assert motion.fps == pytest.approx(25, rel=1e-4)
    middle = found[:, [1, 4]].mean(dim=1)  # CMU's Hip lies some 10 cm above its hips, the DH body's between them
    np.testing.assert_allclose(hips, middle.numpy(), atol=0.03)
