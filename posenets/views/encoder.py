"""ESMformer's per-view encoder, with the weights of all views stacked, so that each layer is one batched product."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from posenets.base import dropped
from posenets.fast_cpu import norm_relu_dropout
from posenets.transformer import Block, attend, rising_rates

# Frames; for longer windows the original drops the features' norm, ReLU and dropout.
LONGEST_NORMALISED = 27
LEVELS = (1, 2, 3)

Features = Float[Tensor, "views batch tokens width"]
FeaturesOut = Float[Tensor, "views batch tokens width_out"]


class TokenAttention(nn.Module):
    """Weights of the attention between tokens; queries also see both neighbouring tokens."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q = nn.Conv1d(width, width, kernel_size=3, padding=1)
        self.k, self.v, self.proj = (nn.Linear(width, width) for _ in range(3))


class Encoder(nn.Module):
    """Weights of a stack of blocks, with a learnt positional embedding before and a norm after."""

    def __init__(self, tokens: int, blocks: Sequence[Block]) -> None:
        super().__init__()
        width = blocks[0].norm1.normalized_shape[0]
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, width))
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(width, eps=1e-6)


class ViewEncoder(nn.Module):
    """Weights of one view: three stages over tokens (coordinates) as wide as the window, each with output features."""

    def __init__(
        self, tokens: int, frames: int, channel: int, depths: Sequence[int], num_heads: int, dropout: float | int,
        drop_path_rate: float | int,
    ) -> None:  # fmt: skip
        super().__init__()
        for level, depth in zip(LEVELS, depths, strict=True):
            blocks = [
                Block(frames, TokenAttention(frames, num_heads), 2 * frames, dropout, rate)
                for rate in rising_rates(drop_path_rate, depth)
            ]
            to_features = nn.Conv1d(tokens, channel, kernel_size=1)
            normalised = frames <= LONGEST_NORMALISED
            self.add_module(f"norm_{level}", nn.LayerNorm(frames))
            self.add_module(f"Transformer_encoder_{level}", Encoder(tokens, blocks))
            self.add_module(
                f"embedding_{level}", nn.Sequential(to_features, nn.BatchNorm1d(channel)) if normalised else to_features
            )


def encode_views(
    tokens: Float[Tensor, "views batch tokens frames"], encoders: Sequence[nn.Module], embedding_dropout: float | int
) -> list[Float[Tensor, "batch views frames channel"]]:
    """Encode every frame of every view, at each of the three levels."""
    features = []
    for level in LEVELS:
        stages, norms, embeddings = (
            _each(encoders, f"{part}_{level}") for part in ("Transformer_encoder", "norm", "embedding")
        )
        tokens = tokens + _encode(_layer_norm(tokens, norms), stages)
        features.append(_embed(tokens.transpose(2, 3), embeddings, embedding_dropout))
    return features


def _encode(tokens: Features, stages: list[Any]) -> Features:
    first = stages[0].blocks[0]
    places = _weights(stages, "pos_embed")  # (V, 1, tokens, T)
    tokens = dropped(tokens + places, first.dropout, first.training)
    for blocks in zip(*(stage.blocks for stage in stages), strict=True):
        tokens = _through_block(tokens, blocks)
    return _layer_norm(tokens, _each(stages, "norm"))


def _through_block(tokens: Features, blocks: Sequence[Any]) -> Features:
    first = blocks[0]
    attended = _attention(_layer_norm(tokens, _each(blocks, "norm1")), _each(blocks, "attn"))
    tokens = tokens + first.residual_drop(attended)
    hidden = F.gelu(_linear(_layer_norm(tokens, _each(blocks, "norm2")), _each(blocks, "mlp.fc1")))
    hidden = dropped(hidden, first.dropout, first.training)
    return tokens + first.residual_drop(_linear(hidden, _each(blocks, "mlp.fc2")))


def _attention(tokens: Features, attentions: list[Any]) -> Features:
    """Subtract the attended values from the queries and project: proj(q - attn v)."""
    padded = F.pad(tokens, (0, 0, 1, 1))
    neighbours = torch.cat([padded[:, :, :-2], tokens, padded[:, :, 2:]], dim=-1)  # (V, B, tokens, 3 T)
    query = _linear(neighbours, _each(attentions, "q"))
    key, value = (_linear(tokens, _each(attentions, part)) for part in ("k", "v"))
    attended = attend(query.flatten(0, 1), key.flatten(0, 1), value.flatten(0, 1), attentions[0].num_heads)
    return _linear(query - attended.view_as(query), _each(attentions, "proj"))


def _embed(
    coordinates: Float[Tensor, "views batch frames tokens"], embeddings: list[Any], rate: float | int
) -> Float[Tensor, "batch views frames channel"]:
    """Embed coordinates of each frame as features; the views are innermost in memory, where fusing them is fastest."""
    if isinstance(embeddings[0], nn.Conv1d):
        features = [*_linear(coordinates, embeddings)]
    else:
        before_norm = zip(_linear(coordinates, _each(embeddings, "0")), _each(embeddings, "1"), strict=True)
        features = [norm_relu_dropout(view.flatten(0, 1), norm, rate).view_as(view) for view, norm in before_norm]
    return torch.stack(features, dim=-1).permute(0, 3, 1, 2)


def _each(modules: Sequence[nn.Module], name: str) -> list[Any]:
    """List the submodule of a name of each view."""
    return [module.get_submodule(name) for module in modules]


def _weights(layers: list[Any], name: str) -> Tensor:
    return torch.stack([layer.get_parameter(name) for layer in layers])


def _linear(features: Features, layers: list[Any]) -> FeaturesOut:
    """Apply each view's linear layer, or convolution whose taps are concatenated in the features."""
    weight, bias = _weights(layers, "weight"), _weights(layers, "bias")[:, None]  # (V, D, C) or (V, D, C, taps)
    if weight.ndim == 4:
        weight = weight.transpose(2, 3).flatten(2)
    return torch.baddbmm(bias, features.flatten(1, 2), weight.mT).unflatten(1, features.shape[1:3])


def _layer_norm(features: Features, norms: list[nn.LayerNorm]) -> Features:
    standard = F.layer_norm(features, features.shape[-1:], eps=norms[0].eps)
    weight, bias = (_weights(norms, part)[:, None, None] for part in ("weight", "bias"))
    return torch.addcmul(bias, standard, weight)
