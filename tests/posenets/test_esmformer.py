"""ESMformer: a twin written view by view in ordinary layers, what it reads, what it answers, what learns.

Its published weights and outputs: test_published.py.
"""

import copy

import pytest
import torch
import torch.nn.functional as F

from posenets import build_posenet, esmformer, lifter_names

NO_RATES = {"dropout": 0.0, "embedding_dropout": 0.0, "drop_path_rate": 0.0}
# Published, and of no effect on the answer; the MLP over the frames has one if self_supervised.
UNUSED = ("mife.norm.", "mcff.norm2.", "mcff.mlp.", "mcff.MCFF_blocks.0.norm2.", "mcff.MCFF_blocks.0.mlp.", "mlp.")
# Added to every key, they leave a softmax over the keys as it is.
WITHOUT_EFFECT = ("attn.k.bias", "linear_k.bias", "norm3_12.bias", "norm3_22.bias", "norm3_32.bias")


def small(num_joints: int = 17, frames: int = 9, **sizes):
    torch.manual_seed(0)
    sizes = {"channel": 16, "d_hid": 20, "smfe": [1, 2, 1], "milf": [2, 1, 1], "mvf_kernel": 3, **sizes}
    posenet = build_posenet("esmformer", num_joints, frames, **sizes)
    for parameter in posenet.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return posenet


def plain_heads(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, heads: int) -> torch.Tensor:
    """A loop over the heads. (B, N, C) -> (B, N, C)."""
    attended = []
    for q, k, v in zip(query.chunk(heads, -1), key.chunk(heads, -1), value.chunk(heads, -1), strict=True):
        attended.append((q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v)
    return torch.cat(attended, -1)


def plain_view(encoder, joints_2d: torch.Tensor) -> list[torch.Tensor]:
    """One view (B, T, J, 2) -> its three levels (B, T, C)."""
    tokens, levels = joints_2d.flatten(2).mT, []
    for level in (1, 2, 3):
        stage = encoder.get_submodule(f"Transformer_encoder_{level}")
        inner = encoder.get_submodule(f"norm_{level}")(tokens) + stage.pos_embed
        for block in stage.blocks:
            normed = block.norm1(inner)
            query = block.attn.q(normed.mT).mT
            attended = plain_heads(query, block.attn.k(normed), block.attn.v(normed), block.attn.num_heads)
            inner = inner + block.attn.proj(query - attended)
            inner = inner + block.mlp(block.norm2(inner))
        tokens = tokens + stage.norm(inner)
        features = encoder.get_submodule(f"embedding_{level}")(tokens)
        levels.append((F.relu(features) if joints_2d.shape[1] <= 27 else features).mT)
    return levels


def plain(posenet, joints_2d: torch.Tensor) -> torch.Tensor:
    """(B, V, T, J, 2) -> (B, T, J, 3)."""
    views = [plain_view(posenet.get_submodule(f"ssfe{v + 1}"), seen) for v, seen in enumerate(joints_2d.unbind(1))]
    levels = []
    for number, features in enumerate(zip(*views, strict=True), start=1):
        fusion, norm = (posenet.get_submodule(f"{part}{number}") for part in ("mvf", "norm"))
        fused = fusion.norm(F.relu(fusion.conv1(torch.stack(features, 1))[:, 0]))
        level = norm(fused + sum(features)) + posenet.mife.get_parameter(f"pos_embed_{number}")
        stage = posenet.mife.MIFE_blocks[f"trans{number}"]
        refined = level = level + stage.pos_embed
        for block in stage.blocks:
            query, key, value = block.attn.qkv(block.norm1(refined)).chunk(3, -1)
            refined = refined + block.attn.proj(plain_heads(query, key, value, 8))
            refined = refined + block.mlp(block.norm2(refined))
        levels.append(level + stage.norm(refined))
    first, second, third = levels
    across = posenet.mcff.MCFF_blocks[0]
    first = first + plain_cross(across, 1, second, third, first)
    second = second + plain_cross(across, 2, first, third, second)
    third = third + plain_cross(across, 3, first, second, third)
    features = posenet.mcff.norm(torch.cat([first, second, third], -1))
    return posenet.regression(features.mT).mT.unflatten(-1, (-1, 3))


def plain_cross(block, level: int, *read: torch.Tensor) -> torch.Tensor:
    attention = block.get_submodule(f"attn_{level}")
    query, key, value = (block.get_submodule(f"norm3_{level}{i + 1}")(features) for i, features in enumerate(read))
    query, key, value = attention.linear_q(query), attention.linear_k(key), attention.linear_v(value)
    return attention.proj(plain_heads(query, key, value, 8))


def test_it_is_built_by_name_but_not_among_the_lifters_of_one_view():
    assert lifter_names(True) == ["esmformer"] and "esmformer" not in lifter_names(False)
    posenet = build_posenet("esmformer", 17, 27, views=4)
    assert (posenet.views, posenet.frames, posenet.target_frame) == (4, 27, 13)
    assert sum(p.numel() for p in posenet.parameters()) == 22_957_604
    assert build_posenet("videopose", channels=4).views == 1


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "views, frames, num_joints, heads", [(4, 27, 17, 9), (2, 9, 16, 3), (3, 4, 16, 2), (2, 36, 17, 9), (2, 1, 16, 1)]
)
def test_output_equals_the_plain_twins(views, frames, num_joints, heads, training, float_dtype):
    posenet = small(num_joints, frames, views=views, smfe_heads=heads, **NO_RATES).train(training).to(float_dtype)
    twin = copy.deepcopy(posenet)
    joints_2d = torch.randn(3, views, frames, num_joints, 2, dtype=float_dtype)
    joints = posenet.forward_window(joints_2d)
    assert joints.shape == (3, frames, num_joints, 3) and joints.dtype == float_dtype
    tolerance = 1e-4 if float_dtype == torch.float32 else 1e-9
    assert torch.allclose(joints, plain(twin, joints_2d), rtol=tolerance, atol=tolerance)
    for (key, seen), expected in zip(posenet.named_buffers(), twin.buffers(), strict=True):  # of the batch norms
        assert torch.allclose(seen, expected, rtol=tolerance, atol=tolerance), key


def test_the_answer_is_the_windows_centre_frame(float_dtype):
    posenet = small().eval().to(float_dtype)
    joints_2d = torch.randn(3, 4, 9, 17, 2, dtype=float_dtype)
    assert torch.equal(posenet(joints_2d), posenet.forward_window(joints_2d)[:, 4])


def test_self_supervised_it_answers_one_frame_made_of_all():
    posenet, supervised = small(self_supervised=True).eval(), small().eval()
    assert posenet.state_dict().keys() == supervised.state_dict().keys()
    joints_2d = torch.randn(3, 4, 9, 17, 2)
    frames, mlp = supervised.forward_window(joints_2d), posenet.mlp
    expected = torch.einsum("btjc, ht -> bjch", frames, mlp.fc1.weight) + mlp.fc1.bias
    expected = F.gelu(expected) @ mlp.fc2.weight[0] + mlp.fc2.bias
    assert torch.allclose(posenet(joints_2d), expected, atol=1e-5)
    with pytest.raises(ValueError, match="predicts one frame of its window if self_supervised"):
        posenet.forward_window(joints_2d)


@pytest.mark.parametrize("self_supervised", [False, True])
def test_every_view_and_frame_counts(self_supervised):
    posenet = small(views=3, self_supervised=self_supervised).eval()
    joints_2d = torch.randn(2, 3, 9, 17, 2, requires_grad=True)
    posenet(joints_2d).square().sum().backward()
    assert (joints_2d.grad.abs().sum((3, 4)) > 0).all()


def test_samples_are_lifted_apart_from_each_other():
    posenet = small().eval()
    joints_2d = torch.randn(5, 4, 9, 17, 2)
    order = torch.tensor([3, 0, 4, 1, 2])
    joints = posenet(joints_2d)
    assert torch.allclose(posenet(joints_2d[order]), joints[order], atol=1e-5)
    assert torch.allclose(posenet(joints_2d[2:3]), joints[2:3], atol=1e-5)


@pytest.mark.parametrize("self_supervised", [False, True])
def test_gradients_reach_every_weight_but_the_published_unused_ones(self_supervised):
    posenet = small(self_supervised=self_supervised, **NO_RATES).eval().double()
    posenet(torch.randn(4, 4, 9, 17, 2, dtype=torch.float64)).square().sum().backward()
    unused = UNUSED[:-1] if self_supervised else UNUSED
    without = {key for key, parameter in posenet.named_parameters() if parameter.grad is None}
    assert without == {key for key, _ in posenet.named_parameters() if key.startswith(unused)}
    for key, parameter in posenet.named_parameters():
        if key not in without and not key.endswith(WITHOUT_EFFECT):
            gradient = parameter.grad.flatten()
            if key.endswith("qkv.bias"):
                gradient = gradient[torch.arange(len(gradient)) // 16 != 1]  # its second third is of the keys
            assert gradient.isfinite().all() and gradient.abs().max() > 1e-6, key


def test_learning_is_random_and_evaluation_is_not():
    posenet = small().train()
    joints_2d = torch.randn(2, 4, 9, 17, 2)
    assert not torch.allclose(posenet(joints_2d), posenet(joints_2d), atol=1e-3)
    posenet.eval()
    assert torch.equal(posenet(joints_2d), posenet(joints_2d))


def test_views_and_samples_skip_branches_one_by_one_ever_more_often():
    posenet = small(smfe=[5, 1, 1], drop_path_rate=0.2, dropout=0.0)
    blocks = posenet.ssfe1.Transformer_encoder_1.blocks
    assert [block.drop_path for block in blocks] == pytest.approx([0.0, 0.05, 0.1, 0.15, 0.2])
    branch = torch.ones(4, 2_000, 3, 9)
    skipped = blocks[-1].train().residual_drop(branch)[:, :, 0, 0] == 0
    assert skipped.float().mean(1).tolist() == pytest.approx([0.2] * 4, abs=0.045)  # 5 sd
    assert not torch.equal(skipped[0], skipped[1])


def test_parts_passed_one_after_another_give_the_same(monkeypatch):
    posenet = small().eval()
    joints_2d = torch.randn(7, 4, 9, 17, 2)
    whole = posenet(joints_2d).detach()
    monkeypatch.setattr(esmformer, "FRAMES_AT_ONCE", 2 * 4 * 9)
    with torch.no_grad():
        assert torch.allclose(posenet(joints_2d), whole, atol=1e-5)


def test_sizes_build_the_same_network_again():
    posenet = small(16, 6, views=2, smfe_heads=2, in_features=3, self_supervised=True).eval()
    again = build_posenet("esmformer", 16, 6, **posenet.sizes).eval()
    again.load_state_dict(posenet.state_dict())
    joints_2d = torch.randn(2, 2, 6, 16, 3)
    assert torch.equal(again(joints_2d), posenet(joints_2d))


@pytest.mark.parametrize(
    "keywords, message",
    [
        ({"frames": 10}, "frames is 10, expected a multiple of smfe_heads, 9: .* or smfe_heads from 1, 2, 5, 10."),
        ({"views": 1}, "views is 1, expected at least 2: for one camera choose, say, poseformer"),
        ({"views": 0}, "views is 0, expected a whole number above 0"),
        ({"channel": 20}, "channel is 20, expected a multiple of num_heads, 8"),
        ({"mvf_kernel": 4}, "mvf_kernel is 4, expected an odd number"),
        ({"smfe": (5, 5)}, r"smfe is \[5, 5\], expected 3 numbers of blocks"),
        ({"milf": (2, 0, 2)}, r"milf\[1\] is 0, expected a whole number above 0"),
        ({"embedding_dropout": 1}, "embedding_dropout is 1, expected a rate"),
        ({"in_features": 5}, r"in_features is 5, expected one of 2 \(x and y\), 3"),
        ({"view": 3}, "esmformer has no size view: .*Perhaps you meant: views"),
    ],
)
def test_bad_sizes_are_refused_in_one_sentence(keywords, message):
    with pytest.raises(ValueError, match=message):
        build_posenet("esmformer", **{"num_joints": 17, "frames": 27, **keywords})


@pytest.mark.parametrize("shape", [(2, 9, 17, 2), (2, 3, 9, 17, 2), (2, 9, 4, 17, 2), (2, 4, 9, 16, 2)])
def test_input_of_other_views_frames_or_joints_is_refused(shape):
    message = r"expected \(B, 4, 9, 17, 2\): esmformer reads 9 frame\(s\) of 17 joints from 4 views."
    with pytest.raises(ValueError, match=message):
        small().check_input(torch.zeros(shape))
