"""A detector's noise, measured on files that hold its 2D: known numbers come back, and a run can name the file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from augment.detector_noise import __main__ as command
from augment.detector_noise.detections import Pairs, build_detector_noise
from augment.detector_noise.model import DetectorNoise, person_size
from data import PoseDataset, load_test_set
from data.recordings import DataSettings
from kinematics import Skeleton
from kinematics.camera import pixels_to_screen, screen_to_pixels
from tests.data.domains.conftest import AIST_SIZE, walk, write_aist, write_humaneva  # noqa: F401

COCO, BODY = Skeleton("coco_17"), Skeleton("h36m_16")
FRAMES = 1500


@pytest.fixture(scope="module")
def known() -> DetectorNoise:
    draw = np.random.default_rng(1)
    sd, outliers, missed = (tuple(draw.uniform(*of, 17).tolist()) for of in ((0.03, 0.07), (0.01, 0.04), (0, 0.02)))
    return DetectorNoise(
        "coco_17", sd, outliers, missed, seconds=0.08, certain=2.5, slope=8.0, spread=0.3, fps=60.0
    )  # fmt: skip


def detector_of(noise: DetectorNoise) -> Callable[[np.ndarray], np.ndarray]:
    generator = torch.Generator().manual_seed(2)

    def detect(pixels: np.ndarray) -> np.ndarray:
        seen, confidence = noise.apply(pixels_to_screen(torch.from_numpy(pixels), *AIST_SIZE), generator)
        return torch.cat([screen_to_pixels(seen, *AIST_SIZE), confidence[..., None]], dim=-1).numpy()

    return detect


def test_known_noise_comes_back_from_a_data_set_s_files(tmp_path: Path, write_aist, known: DetectorNoise, capsys):  # noqa: F811
    write_aist(tmp_path, FRAMES, detector_of(known))
    out = tmp_path / "coco.json"
    command.main(f"--test_set aistx --data_root {tmp_path} --json {out}".split())
    printed = capsys.readouterr().out
    measured = DetectorNoise.load(out)
    (recording,) = load_test_set("aistx_gt", DataSettings(data_root=str(tmp_path)))
    dataset = PoseDataset.from_recordings([recording])
    in_both = [joint for joint in BODY.joints if joint in COCO.joints]
    in_coco, in_body = ([layout.joints.index(joint) for joint in in_both] for layout in (COCO, BODY))
    ratio = size_in_coco(recording.views) / float(person_size(dataset.joints_2d).mean())
    sd, outliers, missed = (
        (np.array(getattr(known, name))[in_coco], np.array(getattr(measured, name))[in_body])
        for name in ("sd", "outliers", "missed")
    )
    assert np.abs(sd[1] / (ratio * sd[0]) - 1).max() < 0.08
    assert np.abs(outliers[1] - outliers[0]).max() < 0.025 and np.abs(missed[1] - missed[0]).max() < 0.025
    assert measured.seconds == pytest.approx(known.seconds, rel=0.15) and measured.fps == 60
    assert all(f"\n{joint} " in printed for joint in BODY.joints) and "4,500 poses" in printed
    used = build_detector_noise(str(out), dataset)
    assert used == measured


def size_in_coco(views) -> float:
    """Mean size of the person by COCO's 17 joints, of the same walk."""
    from tests.data.domains.conftest import aist_cameras, aist_pixels

    y_up = 100 * walk._fixture_function()(FRAMES, "coco_17") @ np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    pixels = np.stack([aist_pixels(camera, y_up) for camera in aist_cameras(len(views))])
    return float(person_size(pixels_to_screen(torch.from_numpy(pixels), *AIST_SIZE)).mean())


def test_a_pixel_of_noise_is_a_pixel_on_humaneva(tmp_path: Path, write_humaneva):  # noqa: F811
    write_humaneva(tmp_path, 60)
    settings = command.MeasureNoise("humaneva", keypoints="detectron_pt_coco", data_root=str(tmp_path))
    noise, pairs = command.measure(settings)
    pixel = float((2 / 640 / person_size(pairs.true)).mean())
    limbs = [BODY.joints.index(joint) for joint in BODY.joints if joint in COCO.joints]
    assert np.array(noise.sd)[limbs] == pytest.approx(pixel, rel=0.1)
    assert noise.seconds < 0.02  # each frame by itself, but the head that COCO's ears make up is another point


def test_exchanged_sides_are_counted():
    true = torch.randn(200, 16, 2, generator=torch.Generator().manual_seed(0))
    left, right = BODY.joints.index("LWrist"), BODY.joints.index("RWrist")
    true[:, left, 0] += 3  # well apart
    seen = true.clone()
    seen[:50, [left, right]] = true[:50, [right, left]]
    share = command.swapped(Pairs(seen, true, None, torch.zeros(200, dtype=torch.bool)), BODY)
    assert share[left] == share[right] and 0.2 < float(share[left]) <= 0.25
    assert float(share.sum()) == pytest.approx(2 * float(share[left]))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ("--dataset humaneva", "no detector has seen it"),
        ("--dataset human", "Perhaps you meant: humaneva"),
        ("--test_set aist", "Perhaps you meant: aistx"),
        ("--dataset humaneva --keypoints detectron_pt_coco --max_gap -1", "--max_gap -1.0: expected at least 0"),
        ("--dataset humaneva --keypoints detectron_pt_coco --json {}", "is a folder"),
        ("--dataset humaneva --keypoints detectron_pt_coco --json {}/data_3d_humaneva15.npz/x", "x cannot be written"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(tmp_path: Path, write_humaneva, arguments: str, message: str):  # noqa: F811
    write_humaneva(tmp_path)
    with pytest.raises((ValueError, OSError), match=message):
        command.main([*arguments.format(tmp_path).split(), "--data_root", str(tmp_path)])


def test_unknown_cameras_are_told(tmp_path: Path, write_humaneva):  # noqa: F811
    write_humaneva(tmp_path)
    (tmp_path / "data_2d_humaneva15_gt.npz").unlink()
    with pytest.raises(ValueError, match="The cameras of humaneva are not known"):
        command.measure(command.MeasureNoise("humaneva", keypoints="detectron_pt_coco", data_root=str(tmp_path)))
