"""Critics, generator and lifters on a GPU: the CPU's numbers, and its gradients."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from augment.gan.critics import Critic2D, Critic3D
from augment.gan.generator import PoseGenerator
from augment.gan.motion_critics import MotionCritic2D, MotionCritic3D
from augment.gan.wgan import critic_loss
from kinematics.precision import no_autocast
from posenets import build_posenet
from posenets.fast_cpu import keep_mask

pytestmark = pytest.mark.gpu
Agree = Callable[..., None]
BATCH = 33
CRITICS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "critic_3d": (lambda: Critic3D(32, 16), (16, 3)), "critic_2d": (lambda: Critic2D(32), (16, 2)),
    "motion_critic_3d": (lambda: MotionCritic3D(5, 32, 16), (5, 16, 3)),
    "motion_critic_2d": (lambda: MotionCritic2D(5, 32, 16), (5, 16, 2)),
}  # fmt: skip
# name, frames, sizes: small, and without chance
LIFTERS: dict[str, tuple[str, int, dict[str, Any]]] = {
    "videopose": ("videopose", 1, dict(channels=32, dropout=0.0)),
    "videopose of 27 frames": ("videopose", 27, dict(channels=32, dropout=0.0)),
    "simple_baseline": ("simple_baseline", 1, dict(linear_size=32, dropout=0.0)),
    "normalized": ("simple_baseline", 1, dict(linear_size=32, dropout=0.0, normalized=True)),
    "sem_gcn": ("sem_gcn", 1, dict(hid_dim=16, num_layers=2, non_local=True)),
    "st_gcn": ("st_gcn", 1, dict(hid_dim=8, dropout=0.0)),
    "st_gcn of 3 frames": ("st_gcn", 3, dict(hid_dim=8, dropout=0.0)),
    "poseformer": ("poseformer", 9, dict(embed_dim_ratio=16, depth=2, drop_path_rate=0.0)),
    "seq2seq": ("seq2seq", 5, dict(width=32, dropout2=0.0)),
    "seq2seq, normalised": ("seq2seq", 5, dict(width=32, dropout2=0.0, layer_norm=True)),
    "esmformer": ("esmformer", 9, dict(
        views=3, channel=16, d_hid=32, smfe=(1, 1, 1), milf=(1, 1, 1), smfe_heads=3, dropout=0.0,
        embedding_dropout=0.0, drop_path_rate=0.0)),
}  # fmt: skip


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def of_parameters(net: nn.Module) -> Tensor:
    """All gradients end to end."""
    return torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])


@pytest.mark.parametrize("name", CRITICS)
def test_a_critic_with_its_gradient_penalty_agrees(agree: Agree, name: str):
    make, shape = CRITICS[name]
    torch.manual_seed(0)
    critic = make()

    def compute(*at) -> dict[str, Tensor]:
        net = copy.deepcopy(critic).to(*at)
        real, fake = ((0.3 * drawn(BATCH, *shape, seed=seed)).to(*at) for seed in (0, 1))
        loss, distance = critic_loss(net, real, fake, drawn(BATCH, 1, seed=2).sigmoid().to(*at))
        loss.backward()
        return {"loss": loss, "distance": distance, "gradients": of_parameters(net), "scores": net(real)}

    agree(compute, single=1e-4)


@pytest.mark.parametrize("frames", [1, 9])
def test_the_generator_agrees(agree: Agree, frames: int):
    torch.manual_seed(0)
    generator = PoseGenerator(16, 32, frames, "anatomical", True, "upright", key_every=4)

    def compute(*at) -> dict[str, Tensor]:
        net = copy.deepcopy(generator).to(*at)
        pose = net(drawn(BATCH, 16, seed=3).to(*at))
        assert pose.bone_factors is not None
        sum(part.square().sum() for part in pose if part is not None).backward()
        return {"angles": pose.joint_angles, "factors": pose.bone_factors, "gradients": of_parameters(net)}

    agree(compute, single=1e-4)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", LIFTERS)
def test_a_lifter_and_its_gradients_agree(agree: Agree, name: str, training: bool):
    kind, frames, sizes = LIFTERS[name]
    torch.manual_seed(0)
    posenet = build_posenet(kind, 16, frames, **sizes).train(training)
    views = (posenet.views,) if posenet.views > 1 else ()

    def compute(*at) -> dict[str, Tensor]:
        net = copy.deepcopy(posenet).to(*at)
        joints = net((0.3 * drawn(BATCH, *views, frames, 16, 2, seed=4)).to(*at))
        (joints * drawn(*joints.shape, seed=5).to(*at)).sum().backward()
        statistics = [b.flatten() for n, b in net.named_buffers() if n.endswith("running_var")]
        found = {"joints": joints, "gradients": of_parameters(net)}
        return found | ({"running variances": torch.cat(statistics)} if statistics else {})

    agree(compute, single=2e-4)


def test_a_mask_of_dropout_drops_its_share(device: torch.device):
    mask = keep_mask(torch.empty(1000, 1000, device=device), 0.25)
    assert mask.device.type == device.type and mask.dtype == torch.uint8
    assert abs(float(mask.float().mean()) - 0.75) < 0.003


def test_geometry_keeps_its_digits_in_bfloat16(device: torch.device):
    points = drawn(100, 3, seed=6).float().to(device)
    turn = torch.linalg.qr(drawn(3, 3, seed=7))[0].float().to(device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        assert (points @ turn).dtype == torch.bfloat16
        with no_autocast(points):
            assert torch.equal(points @ turn, points @ turn) and (points @ turn).dtype == torch.float32
