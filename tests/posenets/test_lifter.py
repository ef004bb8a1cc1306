"""Lifter: input modes, test-time flip, checkpoints."""

import pytest
import torch

from data import PoseBatch
from kinematics.rotation import euler_to_matrix
from posenets import INPUT_MODES, Lifter, ScreenLifter, build_posenet, load_lifter
from posenets.inputs.modes import ASSUMED_FOCAL, TYPICAL_SIZE


def small_lifter(input_mode: str = "screen", **sizes) -> Lifter:
    torch.manual_seed(0)
    return ScreenLifter(build_posenet("simple_baseline", linear_size=16, **sizes), input_mode).eval()


def mirror(lifter: Lifter, joints: torch.Tensor) -> torch.Tensor:
    flipped = joints[..., lifter.skeleton.mirror, :].clone()
    flipped[..., 0] *= -1
    return flipped


def test_root_mode_does_not_see_where_the_person_stands(generator):
    joints_2d = torch.randn(6, 1, 16, 2, generator=generator)
    moved = joints_2d + torch.randn(6, 1, 1, 2, generator=generator)
    lifter = small_lifter("root")
    assert torch.allclose(lifter(joints_2d), lifter(moved), atol=1e-5)
    assert not torch.allclose(small_lifter("screen")(joints_2d), small_lifter("screen")(moved), atol=1e-2)


def test_root_placed_mode_keeps_the_hip_where_it_is_and_centres_the_rest(generator):
    joints_2d = torch.randn(3, 1, 16, 2, generator=generator)
    seen = small_lifter("root_placed").prepare(joints_2d)[0]
    torch.testing.assert_close(seen[:, :, 0], joints_2d[:, :, 0])
    torch.testing.assert_close(seen[:, :, 1:], small_lifter("root").prepare(joints_2d)[0][:, :, 1:])


def test_root_scaled_mode_does_not_see_the_size_either(generator):
    joints_2d = torch.randn(6, 1, 16, 2, generator=generator)
    moved = 0.3 * joints_2d + 0.7
    lifter = small_lifter("root_scaled")
    assert torch.allclose(lifter(joints_2d), lifter(moved), atol=1e-4)
    assert not torch.allclose(small_lifter("root")(joints_2d), small_lifter("root")(moved), atol=1e-2)
    prepared = lifter.prepare(joints_2d)[0]
    assert torch.allclose(prepared.square().sum(-1).mean((1, 2)), torch.ones(6), atol=1e-5)


def seen_by_turned_camera(points: torch.Tensor, yaw: float, pitch: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Screen joints of a camera with the assumed focal length at the origin, turned; and its rotation."""
    rotation = euler_to_matrix(torch.tensor([pitch, yaw, 0.0], dtype=points.dtype))
    turned = points @ rotation.t()
    return ASSUMED_FOCAL * turned[..., :2] / turned[..., 2:], rotation


def test_virtual_camera_mode_does_not_see_how_the_camera_is_turned_nor_how_far_it_is(generator):
    points = 0.4 * torch.randn(6, 1, 16, 3, generator=generator, dtype=torch.float64)
    points[..., 2] = points[..., 2].abs() + 4
    straight, _ = seen_by_turned_camera(points, 0.0, 0.0)
    lifter = small_lifter("virtual_camera").double()
    turned, _ = seen_by_turned_camera(points, 0.2, -0.15)
    torch.testing.assert_close(_without_roll(lifter, turned), _without_roll(lifter, straight))
    size = lifter.prepare(straight)[0][:, :, 1:].square().sum(-1).mean((1, 2)).sqrt()
    torch.testing.assert_close(size, torch.full_like(size, TYPICAL_SIZE * (16 / 15) ** 0.5))
    torch.testing.assert_close(lifter.prepare(turned)[0][:, :, 0], turned[:, :, 0])


def _without_roll(lifter: Lifter, joints_2d: torch.Tensor) -> torch.Tensor:
    """Distances between the prepared joints: two cameras that look at the hip differ by a roll."""
    seen = lifter.prepare(joints_2d)[0][:, 0, 1:]
    return torch.cdist(seen, seen)


def test_virtual_camera_turns_the_networks_answer_back_to_the_cameras_axes(generator):
    joints_2d = 0.5 * torch.randn(5, 1, 16, 2, generator=generator)
    lifter = small_lifter("virtual_camera")
    hips = torch.cat([joints_2d[:, 0, :1] / ASSUMED_FOCAL, torch.ones(5, 1, 1)], -1)  # rays, camera axes
    along = torch.tensor([0.0, 0.0, 1.0]).expand(5, 16, 3)
    lifter.posenet.forward = lambda seen: along
    torch.testing.assert_close(lifter(joints_2d), torch.nn.functional.normalize(hips, dim=-1).expand(5, 16, 3))


@pytest.mark.parametrize("input_mode", ["root_scaled", "virtual_camera"])
def test_a_pose_in_a_point_stays_finite(input_mode):
    joints_2d = torch.full((2, 1, 16, 2), 0.4, requires_grad=True)
    joints = small_lifter(input_mode)(joints_2d)
    joints.sum().backward()
    assert torch.isfinite(joints).all() and torch.isfinite(joints_2d.grad).all()


@pytest.mark.parametrize("input_mode", INPUT_MODES)
def test_flipped_prediction_mirrors_with_its_input(input_mode, generator):
    lifter = small_lifter(input_mode)
    joints_2d = torch.randn(5, 1, 16, 2, generator=generator)
    plain = lifter.predict(joints_2d, test_flip=False)
    flipped = lifter.predict(joints_2d, test_flip=True)
    of_mirror = lifter.predict(mirror(lifter, joints_2d), test_flip=True)
    assert torch.allclose(mirror(lifter, of_mirror), flipped, atol=1e-5)
    assert not torch.allclose(plain, flipped, atol=1e-3)


def test_prediction_has_its_root_at_zero_and_leaves_the_mode_alone(generator):
    lifter = small_lifter().train()
    joints_2d = torch.randn(5, 1, 16, 2, generator=generator)
    once, twice = lifter.predict(joints_2d), lifter.predict(joints_2d)
    assert torch.equal(once, twice) and not once.requires_grad
    assert torch.equal(once[:, 0], torch.zeros(5, 3))
    assert lifter.training


def test_a_checkpoint_brings_the_same_lifter_back(tmp_path, generator):
    lifter = ScreenLifter(build_posenet("videopose", channels=8, predict_hip=False), "root_scaled").eval()
    torch.save(lifter.to_checkpoint(epoch=4, settings={"seed": 1}), tmp_path / "last.pt")
    again = load_lifter(tmp_path / "last.pt")
    joints_2d = torch.randn(5, 1, 16, 2, generator=generator)
    assert torch.equal(again.predict(joints_2d), lifter.predict(joints_2d))
    assert again.epoch == 4 and not again.training and again.input_mode == "root_scaled"


@pytest.mark.parametrize(
    "name, sizes",
    [
        ("videopose", {"channels": 8, "causal": True}),
        ("st_gcn", {"hid_dim": 4, "num_layers": 2}),
        ("poseformer", {"embed_dim_ratio": 4, "num_heads": 2, "mlp_ratio": 1.5}),
        ("seq2seq", {"width": 8, "layer_norm": True}),
    ],
)
def test_a_temporal_lifter_comes_back_with_all_it_knows(name, sizes, tmp_path, generator):
    lifter = ScreenLifter(build_posenet(name, 17, 9, **sizes), "virtual_camera", "h36m_17").eval()
    joints_2d = torch.randn(5, 9, 17, 2, generator=generator)
    lifter.fit_normalization(PoseBatch.of(torch.randn(5, 9, 17, 3, generator=generator), joints_2d, None))
    torch.save(lifter.to_checkpoint(), tmp_path / "last.pt")
    again = load_lifter(tmp_path / "last.pt")
    assert again.posenet.target_frame == lifter.posenet.target_frame
    assert torch.equal(again.predict(joints_2d), lifter.predict(joints_2d))


def test_an_original_projects_checkpoint_needs_a_name(tmp_path):
    torch.save({"model_pos": build_posenet("mlp", linear_size=8).state_dict()}, tmp_path / "w.pt")
    with pytest.raises(ValueError, match="--posenet_name"):
        load_lifter(tmp_path / "w.pt")
    assert load_lifter(tmp_path / "w.pt", "mlp", input_mode="root").input_mode == "root"


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda c: c.pop("input_mode"), "without input_mode"),
        (lambda c: c["posenet"].pop("sizes"), "damaged recipe"),
        (lambda c: c["posenet"].update(name="sem_gcn", sizes={}), "does not fit this sem_gcn"),
        (lambda c: c.update(skeleton="h36m_17"), "h36m_17 has 17"),
    ],
)
def test_damaged_checkpoints_are_refused(change, message, tmp_path):
    content = small_lifter().to_checkpoint()
    change(content)
    torch.save(content, tmp_path / "last.pt")
    with pytest.raises(ValueError, match=message):
        load_lifter(tmp_path / "last.pt")


def test_unknown_input_modes_are_refused():
    with pytest.raises(ValueError, match="choose from screen, root, root_placed, root_scaled"):
        small_lifter("pixels")


@pytest.mark.parametrize("input_mode", INPUT_MODES)
@pytest.mark.parametrize("causal", [False, True])
def test_a_clip_in_chunks_is_lifted_as_its_windows_are(input_mode, causal, generator):
    torch.manual_seed(0)
    posenet = build_posenet("videopose", frames=9, channels=16, causal=causal)
    lifter = ScreenLifter(posenet, input_mode)
    clip = 0.3 * torch.randn(23, 16, 2, generator=generator)
    places = torch.arange(23)[:, None] + torch.arange(9) - posenet.target_frame
    expected = lifter.predict(clip[places.clamp(0, 22)])
    for chunk in (0, 1, 5, 100):
        torch.testing.assert_close(lifter.predict_clip(clip, chunk=chunk), expected, atol=1e-5, rtol=0)
    assert lifter.predict_clip(clip[:0]).shape == (0, 16, 3)
    short = clip[:2]  # shorter than the receptive field
    first = lifter.predict(short[places[:1].clamp(0, 1)], test_flip=False)
    torch.testing.assert_close(lifter.predict_clip(short, test_flip=False)[:1], first, atol=1e-5, rtol=0)


@pytest.mark.parametrize("input_mode", INPUT_MODES)
def test_confidence_passes_every_input_mode_unchanged(input_mode, generator):
    joints_2d = 0.3 * torch.randn(6, 1, 16, 2, generator=generator)
    confidence = torch.rand(6, 1, 16, 1, generator=generator)
    prepared = small_lifter(input_mode, in_features=3).prepare(torch.cat([joints_2d, confidence], -1))[0]
    assert torch.equal(prepared[..., 2:], confidence)
    assert torch.equal(prepared[..., :2], small_lifter(input_mode).prepare(joints_2d)[0])


@pytest.mark.parametrize("input_mode", INPUT_MODES)
def test_flipped_prediction_mirrors_joints_and_keeps_their_confidence(input_mode, generator):
    lifter = small_lifter(input_mode, in_features=3)
    seen = torch.cat([torch.randn(5, 1, 16, 2, generator=generator), torch.rand(5, 1, 16, 1, generator=generator)], -1)
    flipped = lifter.predict(seen, test_flip=True)
    assert torch.allclose(mirror(lifter, lifter.predict(mirror(lifter, seen), test_flip=True)), flipped, atol=1e-5)
    doubtful = torch.cat([seen[..., :2], 0.5 * seen[..., 2:]], -1)
    assert not torch.allclose(lifter.predict(doubtful), flipped, atol=1e-3)


def test_a_lifter_of_confidences_comes_back_and_lifts_clips(tmp_path, generator):
    torch.manual_seed(0)
    lifter = ScreenLifter(build_posenet("videopose", frames=9, channels=8, in_features=3), "virtual_camera").eval()
    lifter.fps = 50.0
    torch.save(lifter.to_checkpoint(), tmp_path / "last.pt")
    again = load_lifter(tmp_path / "last.pt")
    assert again.reads_confidence and again.fps == 50
    clip = torch.cat(
        [0.3 * torch.randn(12, 16, 2, generator=generator), torch.rand(12, 16, 1, generator=generator)], -1
    )
    places = (torch.arange(12)[:, None] + torch.arange(9) - 4).clamp(0, 11)
    torch.testing.assert_close(again.predict_clip(clip), lifter.predict(clip[places]), atol=1e-5, rtol=0)


def test_checkpoints_from_before_confidences_are_read(tmp_path, generator):
    lifter = small_lifter("root")
    content = lifter.to_checkpoint()
    del content["posenet"]["sizes"]["in_features"], content["fps"]
    torch.save(content, tmp_path / "last.pt")
    joints_2d = torch.randn(5, 1, 16, 2, generator=generator)
    again = load_lifter(tmp_path / "last.pt")
    assert torch.equal(again.predict(joints_2d), lifter.predict(joints_2d)) and again.fps is None


@pytest.mark.parametrize("given, words", [(2, "with no confidence, the lifter reads one"), (3, "with a confidence")])
def test_input_with_or_without_confidence_by_mistake_is_refused(given, words):
    with pytest.raises(ValueError, match=rf"{words}.*expected \(\.\.\., 16, {5 - given}\)"):
        small_lifter(in_features=5 - given).predict(torch.zeros(2, 1, 16, given))


def test_narrow_numbers_stay_inside_the_network(generator):
    """What the virtual camera does before and after it is geometry, which bfloat16 would put centimetres off."""
    lifter, joints_2d = small_lifter("virtual_camera"), torch.randn(6, 1, 16, 2, generator=generator)
    torch.nn.init.zeros_(lifter.posenet.get_submodule("w2").weight)  # the network always answers with its bias
    bias = lifter.posenet.get_submodule("w2").bias
    bias.data = bias.data.bfloat16().float()  # which narrow numbers can say
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        seen, narrow = lifter.prepare(joints_2d)[0], lifter(joints_2d)
    assert torch.equal(seen, lifter.prepare(joints_2d)[0])
    torch.testing.assert_close(narrow, lifter(joints_2d).detach())
