from dataclasses import replace
from pathlib import Path

import pytest
import torch

from augment.detector_noise.detections import as_detected
from augment.detector_noise.model import DetectorNoise
from data import DataSettings, PoseBatch, load_test_set
from evaluation.evaluate import dataset_for
from kinematics import Camera, DHHuman, Skeleton, look_at
from kinematics.head import from_body
from posenets import Lifter, ScreenLifter, build_posenet, lifter_names, load_lifter
from posenets.inputs.layouts import JointRegressor, network_layout, prepend_mid_hip

COCO, BODY, INNER = Skeleton("coco_17"), Skeleton("h36m_16"), Skeleton("coco_hip_18")
SMALL = {
    "videopose": {"channels": 16}, "simple_baseline": {"linear_size": 16}, "sem_gcn": {"hid_dim": 16},
    "st_gcn": {"hid_dim": 16}, "poseformer": {"embed_dim_ratio": 8}, "seq2seq": {"width": 16},
}  # fmt: skip


@pytest.fixture
def batch(generator: torch.Generator) -> PoseBatch:
    """Six bodies in clips of nine frames, seen from 4 m."""
    angles = 0.3 * torch.randn(6, 9, 28, generator=generator)
    joints = DHHuman()(angles, torch.full((15,), 0.25), torch.zeros(3), torch.tensor([0.0, 0.0, 1.0]))
    position = torch.tensor([[4.0, 0.0, 1.5]]).repeat(6, 1)
    camera = Camera(look_at(position, torch.tensor([0.0, 0.0, 1.0]).expand(6, 3)), position,
                    torch.tensor([[2.0, 2.0, *[0.0] * 7]]).repeat(6, 1), torch.ones(6))  # fmt: skip
    seen = camera.world_to_camera(joints)
    return PoseBatch.of(seen, camera.project(seen), camera)


def coco_lifter(name: str, input_mode: str = "virtual_camera") -> Lifter:
    frames = 1 if name in ("simple_baseline", "sem_gcn") else 9
    net = build_posenet(name, INNER.num_joints, frames, **SMALL[name])
    return ScreenLifter(net, input_mode, "h36m_16", "coco_17")


@pytest.mark.parametrize("name", sorted({*lifter_names(False)} - {"st_gcn"}))
def test_every_lifter_reads_coco_and_predicts_the_body(batch: PoseBatch, name: str):
    lifter = coco_lifter(name)
    joints_2d = batch.seen_as(COCO).joints_2d[:, : lifter.frames]
    prediction = lifter.predict(joints_2d)
    assert prediction.shape == (6, 16, 3) and torch.isfinite(prediction).all()
    lifter(joints_2d).square().sum().backward()
    assert all(parameter.grad is not None for parameter in lifter.readout.parameters())


def test_keypoints_lie_on_the_body_they_are_seen_on(batch: PoseBatch):
    seen = batch.seen_as(COCO)
    assert seen.joints_2d.shape == (6, 9, 17, 2) and seen.screen_skeleton == COCO and seen.skeleton == BODY
    for joint in set(COCO.joints) & set(BODY.joints):
        own, here = COCO.joints.index(joint), BODY.joints.index(joint)
        torch.testing.assert_close(seen.joints_2d[:, :, own], batch.joints_2d[:, :, here])
    assert seen.seen_as(COCO) is seen and batch.seen_as(BODY) is batch


def test_a_mirror_image_of_keypoints_is_the_keypoints_of_the_mirror_image(batch: PoseBatch):
    mirrored = batch.seen_as(COCO).mirrored()
    torch.testing.assert_close(mirrored.joints_2d, batch.mirrored().seen_as(COCO).joints_2d, atol=1e-5, rtol=0)
    assert mirrored.mirrored().joints_2d.equal(batch.seen_as(COCO).joints_2d)


def test_batches_keep_their_screen_layout(batch: PoseBatch):
    seen = batch.seen_as(COCO)
    for made in (seen[:2], seen.to("cpu"), PoseBatch.cat([seen, seen]), seen.reversed(), seen.mirrored()):
        assert made.screen_skeleton == COCO


def test_a_data_set_in_another_layout_gives_the_batches_in_it():
    dataset = dataset_for(coco_lifter("videopose"), load_test_set("cmux2_b", DataSettings())[:3])
    seen, indices = dataset.seen_as(COCO), torch.arange(0, len(dataset), 97)
    torch.testing.assert_close(seen.batch(indices).joints_2d, dataset.batch(indices).seen_as(COCO).joints_2d)
    assert seen.seen_as(COCO) is seen and seen.batch(indices).screen_skeleton == COCO
    assert seen.to("cpu").screen_layout == "coco_17" and dataset.seen_as(BODY) is dataset


def test_a_detector_errs_on_the_joints_that_are_read(batch: PoseBatch, generator: torch.Generator):
    noise = DetectorNoise.default("coco_17", 25.0)
    detected = as_detected(batch, noise, generator)
    error = (detected.joints_2d - batch.seen_as(COCO).joints_2d).norm(dim=-1)
    assert detected.screen_skeleton == COCO and detected.certainty().shape == (6, 9, 17) and (error > 0).all()
    assert as_detected(detected, noise, generator).screen_skeleton == COCO  # once more, on the same joints


def test_the_readout_starts_as_the_hand_made_mapping(generator: torch.Generator):
    joints = torch.randn(5, 16, 3, generator=generator, dtype=torch.float64)
    points = prepend_mid_hip(from_body(joints, COCO), COCO)
    made = JointRegressor(INNER, BODY).double()(points)
    for joint in set(COCO.joints) & set(BODY.joints):
        torch.testing.assert_close(made[:, BODY.joints.index(joint)], joints[:, BODY.joints.index(joint)])
    shoulders = joints[:, [BODY.joints.index("RShoulder"), BODY.joints.index("LShoulder")]].mean(1)
    torch.testing.assert_close(made[:, BODY.joints.index("Thorax")], shoulders)
    torch.testing.assert_close(made[:, BODY.joints.index("Spine")], (made[:, 0] + shoulders) / 2)
    hips = joints[:, [BODY.joints.index("RHip"), BODY.joints.index("LHip")]].mean(1)
    torch.testing.assert_close(made[:, 0], hips)


def test_confidences_of_the_hip_are_those_of_its_sides():
    joints = torch.zeros(1, 17, 3)
    joints[0, COCO.joints.index("RHip"), 2] = 1.0
    assert prepend_mid_hip(joints, COCO)[0, 0, 2] == 0.5


def test_a_checkpoint_brings_its_layout_and_readout_back(batch: PoseBatch, tmp_path: Path):
    lifter = coco_lifter("videopose")
    with torch.no_grad():
        lifter.readout.weight += 0.1
    torch.save(lifter.to_checkpoint(3), tmp_path / "lifter.pt")
    loaded = load_lifter(tmp_path / "lifter.pt")
    joints_2d = batch.seen_as(COCO).joints_2d
    assert loaded.input_skeleton == COCO
    torch.testing.assert_close(loaded.predict(joints_2d), lifter.predict(joints_2d))


def test_whole_clips_are_lifted_as_their_windows(batch: PoseBatch):
    lifter = coco_lifter("videopose", "screen").eval()
    clip = batch.seen_as(COCO).joints_2d.flatten(0, 1)
    whole = lifter.predict_clip(clip)
    torch.testing.assert_close(whole[20:21], lifter.predict(clip[None, 16:25]), atol=1e-5, rtol=0)


def test_what_cannot_be_projected_anew_is_refused(batch: PoseBatch):
    with pytest.raises(ValueError, match="this batch has no cameras"):
        replace(batch, camera=None).seen_as(COCO)
    detected = PoseBatch.of(batch.joints_3d, batch.joints_2d, batch.camera, confidence=torch.ones(6, 9, 16))
    with pytest.raises(ValueError, match="this batch has detections"):
        detected.seen_as(COCO)
    with pytest.raises(ValueError, match="the graph is Human3.6M's, COCO has none"):
        coco_lifter("st_gcn")
    with pytest.raises(ValueError, match="choose from coco_17, with h36m_16"):
        network_layout("h36m_17", "coco_17")
    with pytest.raises(ValueError, match="videopose has 16 joints, coco_hip_18 has 18"):
        ScreenLifter(build_posenet("videopose", 16, 1), "screen", "h36m_16", "coco_17")
