"""PoseFormer: published sizes, a twin written in plain sums, stochastic depth, what it keeps in memory."""

import pytest
import torch
import torch.nn.functional as F

from posenets import build_posenet, fast_cpu, poseformer


def small(frames: int = 9, **sizes):
    torch.manual_seed(0)
    posenet = build_posenet("poseformer", 16, frames, **{"embed_dim_ratio": 8, "num_heads": 2, "depth": 3, **sizes})
    for parameter in posenet.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return posenet


def test_published_sizes_have_the_published_number_of_parameters():
    counts = [sum(p.numel() for p in build_posenet("poseformer", 17, f).parameters()) for f in (27, 81)]
    assert counts == [9_573_455, 9_602_885]


def plain_block(block, tokens: torch.Tensor) -> torch.Tensor:
    """One block with a loop over the heads. tokens: (N, C)."""
    width, heads = tokens.shape[1], block.attn.num_heads
    query, key, value = block.attn.qkv(block.norm1(tokens)).split(width, dim=1)
    attended = []
    for head in range(heads):
        part = slice(head * width // heads, (head + 1) * width // heads)
        affinity = query[:, part] @ key[:, part].T / (width / heads) ** 0.5
        attended.append(affinity.softmax(1) @ value[:, part])
    tokens = tokens + block.attn.proj(torch.cat(attended, 1))
    return tokens + block.mlp.fc2(F.gelu(block.mlp.fc1(block.norm2(tokens))))


def plain(posenet, joints_2d: torch.Tensor) -> torch.Tensor:
    """One window (T, J, 2) -> (J, 3), frame by frame."""
    frames = []
    for joints in joints_2d:
        tokens = posenet.Spatial_patch_to_embedding(joints) + posenet.Spatial_pos_embed[0]
        for block in posenet.Spatial_blocks:
            tokens = plain_block(block, tokens)
        frames.append(posenet.Spatial_norm(tokens).flatten())
    tokens = torch.stack(frames) + posenet.Temporal_pos_embed[0]
    for block in posenet.blocks:
        tokens = plain_block(block, tokens)
    pooled = posenet.weighted_mean(posenet.Temporal_norm(tokens)[None])[0, 0]
    return posenet.head(pooled).view(-1, 3)


@pytest.mark.parametrize("qkv_bias", [False, True])
def test_output_equals_the_plain_twins(qkv_bias, float_dtype):
    posenet = small(qkv_bias=qkv_bias).eval().to(float_dtype)
    joints_2d = torch.randn(3, 9, 16, 2, dtype=float_dtype)
    expected = torch.stack([plain(posenet, window) for window in joints_2d])
    assert torch.allclose(posenet(joints_2d), expected, atol=1e-5)


def test_stochastic_depth_grows_over_the_blocks_of_each_stack():
    posenet = small(depth=5, drop_path_rate=0.2)
    for stack in (posenet.Spatial_blocks, posenet.blocks):
        assert [block.drop_path for block in stack] == pytest.approx([0.0, 0.05, 0.1, 0.15, 0.2])
    assert [block.drop_path for block in small(depth=1, drop_path_rate=0.2).blocks] == [0.0]


def test_stochastic_depth_and_dropout_are_off_in_evaluation():
    posenet = small(drop_path_rate=0.5, dropout=0.3).eval()
    steady = small(drop_path_rate=0.0).train()
    joints_2d = torch.randn(2, 9, 16, 2)
    assert torch.equal(posenet(joints_2d), posenet(joints_2d))
    assert torch.allclose(posenet(joints_2d), steady(joints_2d), atol=1e-6)
    posenet.train()
    assert not torch.allclose(posenet(joints_2d), posenet(joints_2d), atol=1e-3)


def test_a_sequence_skips_a_branch_whole_and_the_mean_stays():
    block = small(drop_path_rate=0.25).blocks[-1].train()
    branch = torch.randn(1, 5, 128).expand(20_000, 5, 128)
    out = block.residual_drop(branch)
    skipped = (out == 0).all(-1).all(-1)
    assert torch.allclose(out[~skipped], branch[~skipped] / 0.75)
    assert skipped.float().mean().item() == pytest.approx(0.25, abs=0.015)  # 5 sd
    assert torch.allclose(out.mean(0), branch[0], atol=0.09)


def test_parts_passed_one_after_another_give_the_same(monkeypatch):
    posenet = small().eval()
    joints_2d = torch.randn(7, 9, 16, 2)
    whole = posenet(joints_2d).detach()
    monkeypatch.setattr(poseformer, "FRAMES_AT_ONCE", 20)
    monkeypatch.setattr(fast_cpu, "MOST_SEQUENCES", 5)
    with torch.no_grad():
        assert torch.allclose(posenet(joints_2d), whole, atol=1e-6)
    assert torch.allclose(posenet(joints_2d), whole, atol=1e-6)


def test_a_clip_gives_what_its_windows_give(float_dtype):
    posenet = small().eval().to(float_dtype)
    clips = torch.randn(2, 20, 16, 2, dtype=float_dtype)
    windows = clips.unfold(1, 9, 1).movedim(-1, 2)  # (2, 12, 9, 16, 2)
    expected = posenet(windows.flatten(0, 1)).unflatten(0, (2, 12))
    assert torch.allclose(posenet.forward_sequence(clips), expected, atol=1e-5)
    with torch.no_grad():
        assert torch.allclose(posenet.forward_sequence(clips), expected, atol=1e-5)
    with pytest.raises(ValueError, match="joints_2d has 8 frames of 16 joints, expected at least 9"):
        posenet.forward_sequence(clips[:, :8])


@pytest.mark.parametrize("frames", [9, 40])
def test_learning_sees_the_outputs_of_evaluation(frames):
    posenet = small(frames, drop_path_rate=0.0).eval()
    joints_2d = torch.randn(3, frames, 16, 2)
    with torch.no_grad():
        expected = posenet(joints_2d)
    assert torch.allclose(posenet(joints_2d), expected, atol=1e-5)


def test_no_long_attention_map_is_kept_for_the_backward_pass():
    posenet = small(frames=81, embed_dim_ratio=12).train()
    shapes = []

    def note(tensor: torch.Tensor) -> torch.Tensor:
        shapes.append(tuple(tensor.shape))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        posenet(torch.randn(2, 81, 16, 2))
    assert shapes and not [shape for shape in shapes if shape[-2:] == (81, 81)]
