from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from augment.gan.critics import Critic2D, Critic3D, kcs_features
from augment.gan.wgan import gradient_penalty

SHARED_ORACLE = Path(__file__).parents[3] / "shared" / "oracles" / "gan.pt"


def naive_residual(state: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    hidden = torch.relu(x @ state[f"{name}.fc1.weight"].T + state[f"{name}.fc1.bias"])
    return torch.relu(x + hidden @ state[f"{name}.fc2.weight"].T + state[f"{name}.fc2.bias"])


def naive_critic_3d(state: dict[str, Tensor], joints: Tensor) -> Tensor:
    """The published 3D critic, written out with autograd's own operations."""

    def linear(name: str, x: Tensor) -> Tensor:
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    positions = torch.relu(linear("previous.0", joints.flatten(1)))
    chain = torch.relu(linear("special_KCS_previous.0", kcs_features(joints)))
    for i in (1, 2, 3):
        positions = naive_residual(state, f"block{i}", positions)
        chain = naive_residual(state, f"special_KCS_block{i}", chain)
    merged = torch.relu(linear("merge_previous.0", torch.cat([chain, positions], dim=1)))
    return linear("output", naive_residual(state, "merge_block1", merged))


def test_kcs_features_are_dh_augs(oracle):
    torch.testing.assert_close(kcs_features(oracle["d3d/real"]), oracle["d3d/kcs_real"], atol=1e-6, rtol=0)


def test_critic_2d_scores_as_dh_augs(oracle, oracle_state_dict):
    critic = Critic2D(width=32)
    critic.load_state_dict(oracle_state_dict("d2d"))
    for pose in ("real", "fake"):
        torch.testing.assert_close(critic(oracle[f"d2d/{pose}"]), oracle[f"d2d/score_{pose}"], atol=1e-5, rtol=0)


def test_gradient_penalty_2d_is_dh_augs(oracle, oracle_state_dict):
    critic = Critic2D(width=32)
    critic.load_state_dict(oracle_state_dict("d2d"))
    penalty = gradient_penalty(critic, *(oracle[f"d2d/{name}"] for name in ("real", "fake", "alpha")))
    torch.testing.assert_close(penalty, oracle["d2d/gp"], atol=1e-5, rtol=0)


@pytest.mark.skipif(not SHARED_ORACLE.exists(), reason="DH-AUG's 3D critic lies beside the repository")
def test_critic_3d_scores_and_penalises_as_dh_augs():
    oracle = torch.load(SHARED_ORACLE, weights_only=True)["d3d"]
    critic = Critic3D(width=32)
    critic.load_state_dict(oracle["state_dict"])
    for pose in ("real", "fake"):
        torch.testing.assert_close(critic(oracle[pose]), oracle[f"score_{pose}"], atol=1e-5, rtol=0)
    penalty = gradient_penalty(critic, oracle["real"], oracle["fake"], oracle["alpha"])
    torch.testing.assert_close(penalty, oracle["gp"], atol=1e-5, rtol=0)


def test_critic_3d_equals_its_naive_twin_in_score_and_penalty_gradient(generator):
    """The fast ReLU leaves out zeros of the second derivative, and nothing else."""
    critic = Critic3D(width=24, merge_width=16).double()
    real, fake = torch.randn(2, 40, 16, 3, generator=generator, dtype=torch.float64)
    alpha = torch.rand(40, 1, generator=generator, dtype=torch.float64)
    gradient_penalty(critic, real, fake, alpha).backward()
    state = {name: p.detach().clone().requires_grad_() for name, p in critic.named_parameters()}
    torch.testing.assert_close(critic(real), naive_critic_3d(state, real))

    between = (alpha[..., None] * real + (1 - alpha[..., None]) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(naive_critic_3d(state, between).sum(), between, create_graph=True)
    (10 * (slope.flatten(1).norm(dim=1) - 1).square().mean()).backward()
    for name, parameter in critic.named_parameters():
        if name.endswith("weight"):
            torch.testing.assert_close(parameter.grad, state[name].grad, msg=name, atol=1e-9, rtol=1e-6)


@pytest.mark.parametrize("slope", [0.0, 0.01])
def test_dense_layer_has_the_gradients_of_a_relu(slope, generator, float_dtype):
    from augment.gan.layers import Dense

    layer = Dense(5, 4).to(float_dtype)
    x = torch.randn(7, 5, generator=generator, dtype=float_dtype, requires_grad=True)
    weights = torch.randn(7, 4, generator=generator, dtype=float_dtype)
    wanted = leaky_relu(torch.nn.functional.linear(x, layer.weight, layer.bias), slope)
    made = layer(x, slope)
    torch.testing.assert_close(made, wanted)
    inputs = (x, layer.weight, layer.bias)
    for mine, theirs in zip(
        torch.autograd.grad((made * weights).sum(), inputs),
        torch.autograd.grad((wanted * weights).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


def test_residual_block_has_the_gradients_of_its_naive_twin(generator, float_dtype):
    from augment.gan.layers import ResidualBlock

    block = ResidualBlock(6).to(float_dtype)
    x = torch.randn(9, 6, generator=generator, dtype=float_dtype, requires_grad=True)
    weights = torch.randn(9, 6, generator=generator, dtype=float_dtype)
    given = x.detach().clone()
    made = block(x)
    wanted = naive_residual({f"block.{name}": p for name, p in block.named_parameters()}, "block", x)
    torch.testing.assert_close(made, wanted)
    inputs = (x, *block.parameters())
    for mine, theirs in zip(
        torch.autograd.grad((made * weights).sum(), inputs, retain_graph=True),
        torch.autograd.grad((wanted * weights).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)
    torch.testing.assert_close(*(torch.autograd.grad((made * weights).sum(), x, retain_graph=True)[0] for _ in "12"))
    assert torch.equal(x.detach(), given)  # nothing was written over the caller's tensor


def test_zero_length_bones_give_finite_scores_and_gradients(generator, float_dtype):
    critic = Critic3D(width=16).to(float_dtype)
    real = torch.randn(6, 16, 3, generator=generator, dtype=float_dtype)
    fake = real.clone()
    fake[:, 12] = fake[:, 11]  # the left forearm has no length
    collapsed = torch.zeros(6, 16, 3, dtype=float_dtype)
    for poses in (fake, collapsed):
        alpha = torch.zeros(6, 1, dtype=float_dtype)
        loss = critic(poses).sum() + gradient_penalty(critic, real, poses, alpha)
        loss.backward()
        assert torch.isfinite(loss)
        assert all(torch.isfinite(p.grad).all() for p in critic.parameters() if p.grad is not None)


def test_critics_take_any_leading_dimensions(generator):
    poses = torch.randn(2, 3, 16, 3, generator=generator)
    critic = Critic3D(width=8)
    assert critic(poses).shape == (2, 3, 1)
    torch.testing.assert_close(critic(poses)[1, 2], critic(poses[1, 2]))
    assert Critic2D(width=8)(poses[..., :2]).shape == (2, 3, 1)


def test_penalty_of_a_linear_critic_is_known():
    """A critic with slope of length 3 everywhere is fined 10 * (3 - 1)^2."""

    class Linear(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return 3 * x[:, :1, 0]

    penalty = gradient_penalty(Linear(), torch.zeros(4, 16, 3), torch.ones(4, 16, 3), torch.rand(4, 1))
    torch.testing.assert_close(penalty, torch.tensor(40.0))
