"""joints_sd: in the files and the film of lifters that know it, and a sentence from the others."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from evaluation.drawing.colours import joint_colours
from evaluation.predict import __main__ as predict
from evaluation.predict.film import draw_frames
from evaluation.predict.lifted import LiftedClip
from kinematics import Skeleton
from posenets import ScreenLifter, build_posenet
from posenets.checkpoints.files import write_checkpoint
from posenets.uncertainty import JointUncertainty

BODY = Skeleton("h36m_16")


@pytest.fixture
def lifter() -> ScreenLifter:
    torch.manual_seed(0)
    return ScreenLifter(build_posenet("simple_baseline", linear_size=16), "virtual_camera").eval()


def _predict(lifter: ScreenLifter, folder, keypoints) -> dict:
    write_checkpoint(folder / "last.safetensors", lifter.to_checkpoint())
    line = f"--checkpoint {folder}/last.safetensors --keypoints {keypoints} --out {folder}/out --film none"
    predict.main(f"{line} --refine False --outputs npz json --image_size 1000 800".split())
    return dict(np.load(folder / "out" / "pose.npz"))


def test_files_have_it_in_metres_for_each_coordinate(lifter, tmp_path, write_keypoints, walking_people, capsys):
    lifter.uncertainty = JointUncertainty(BODY, 16, False).requires_grad_(False)
    torch.nn.init.zeros_(lifter.uncertainty.output.weight)
    torch.nn.init.zeros_(lifter.uncertainty.output.bias)
    lifter.uncertainty.base[:] = torch.tensor([0.01, 0.02, 0.1]).repeat(15).log()
    arrays = _predict(lifter, tmp_path, write_keypoints("coco", tmp_path, walking_people(4), (1000, 800)))
    sd = arrays["joints_sd"]
    assert sd.shape == arrays["joints_3d"].shape == (4, 16, 3)
    np.testing.assert_allclose(sd[:, 1:], np.broadcast_to([0.01, 0.02, 0.1], (4, 15, 3)), rtol=1e-5)
    assert not sd[:, BODY.root].any()
    content = json.loads((tmp_path / "out" / "pose.json").read_text())
    assert "metres" in content["about"]["joints_sd"]
    np.testing.assert_allclose([frame["joints_sd"] for frame in content["frames"]], sd, atol=1e-5)


def test_lifters_without_it_say_how_to_get_it_and_write_the_rest(
    lifter, tmp_path, write_keypoints, walking_people, capsys
):
    arrays = _predict(lifter, tmp_path, write_keypoints("coco", tmp_path, walking_people(2), (1000, 800)))
    assert "joints_sd" not in arrays and "joints_3d" in arrays
    assert "python -m training.uncertainty" in capsys.readouterr().out


def test_the_film_shades_joints_as_far_as_they_are_unsure():
    draw = np.random.default_rng(0)
    joints = np.tile(draw.uniform(-0.4, 0.4, (16, 3)) + [0, 0, 0.9], (1, 1, 1))
    clip = LiftedClip(
        joints - joints[:, :1], joints, draw.uniform(200, 400, (1, 16, 2)), np.ones((1, 16)), np.arange(1),
        np.zeros(1, dtype=int), 25.0, (640, 480), BODY, BODY,
    )  # fmt: skip
    inked = []
    for millimetres in (None, 40, 120):
        sd = None if millimetres is None else np.full((1, 16, 3), millimetres / 1000)
        picture = next(draw_frames(replace(clip, joints_sd=sd), np.array([0])))
        inked.append(int((255 - picture.astype(int)).sum()))
    assert inked[0] < inked[1] < inked[2]
    assert len(joint_colours(BODY)) == 16 and len(set(joint_colours(BODY))) == 3
