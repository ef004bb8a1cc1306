"""Checkpoints of the original projects: sizes are read off the weights, and every weight must find its place."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from posenets.base import PoseNet
from posenets.checkpoints.files import read_checkpoint
from posenets.checkpoints.fitting import build_within, check_sizes, fill
from posenets.registry import build_posenet, lifter_name

WRAPPERS = ("model_pos", "state_dict", "model", "model_state_dict")
# One weight that only this lifter has, to name a mistaken checkpoint.
SIGNATURES = {
    "videopose": "expand_conv.weight",
    "simple_baseline": "linear_stages.0.w1.weight",
    "sem_gcn": "gconv_input.0.gconv.W",
    "poseformer": "Spatial_patch_to_embedding.weight",
    "st_gcn": "stgcn.data_bn.weight",
    "seq2seq": "decoder.weight_hh",
    "esmformer": "ssfe1.norm_1.weight",
}
MOST_FRAMES = 100_000
PREFIX = "module."  # of nn.DataParallel


def load_published(path: str | Path, name: str, **keywords: Any) -> PoseNet:
    """A lifter with the weights of an original project's checkpoint, in evaluation mode.

    path: VideoPose3D's, SemGCN's, PoseAug's, PoseFormer's, DH-AUG's or ESMformer's file, or a plain state dict. name:
    the lifter. keywords: what weights cannot tell: `causal` (videopose), `adjacency` and `groups` (sem_gcn),
    `num_heads` (poseformer, esmformer), `smfe_heads` and `self_supervised` (esmformer), `num_joints` (st_gcn: 16,
    PoseAug's, or 17), `frames` (seq2seq; st_gcn of more than one), `middle_frame` (seq2seq), and for further training
    the rates of dropout and stochastic depth. Anything missing, left over or of another size is an error.
    """
    return published_lifter(read_checkpoint(path), path, name, **keywords)


def published_lifter(content: Any, path: str | Path, name: str, **keywords: Any) -> PoseNet:
    """load_published of what its file holds."""
    name = lifter_name(name)
    weights = published_weights(content, path)
    if SIGNATURES[name] not in weights:
        looks = [lifter for lifter, key in SIGNATURES.items() if key in weights]
        hint = f"this looks like a {looks[0]} checkpoint" if looks else f"it begins with {next(iter(weights))[:80]}"
        raise ValueError(f"{path} is not a {name} checkpoint ({SIGNATURES[name]} is missing): {hint}.")
    try:
        sizes = {**_SIZES[name](weights), **keywords}
        if sizes.get("frames", 1) is None:
            raise ValueError("its weights do not tell how many frames it reads: give frames=...")
    except (ValueError, ArithmeticError) as error:
        raise ValueError(f"{path} does not fit a {name}: {error}") from error
    return posenet_with(weights, path, name, sizes)


def posenet_with(weights: dict[str, Tensor], path: str | Path, name: str, sizes: dict[str, Any]) -> PoseNet:
    """The network of those sizes with the weights of a file, in evaluation mode. It is not built larger than they are.

    name, sizes: see build_posenet.
    """
    try:
        check_sizes({size: value for size, value in sizes.items() if not isinstance(value, Tensor)})
        posenet = build_within(weights, lambda: build_posenet(name, **sizes))
        if posenet.frames > MOST_FRAMES:
            raise ValueError(f"it reads {posenet.frames} frames at once, expected up to {MOST_FRAMES:,}.")
    except ValueError as error:
        raise ValueError(f"{path} does not fit a {name[:40]}: {error}") from error
    fill(posenet, weights, path)
    return posenet.eval()


def published_weights(content: Any, path: str | Path) -> dict[str, Tensor]:
    """The state dict inside a checkpoint, without wrappers and DataParallel's `module.` prefix."""
    wrapper = next((key for key in WRAPPERS if isinstance(content, dict) and isinstance(content.get(key), dict)), None)
    weights = content[wrapper] if wrapper else content
    if not isinstance(weights, dict) or not weights or not all(_is_weight(*entry) for entry in weights.items()):
        held = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise ValueError(
            f"{path} holds {held[:120] or 'nothing'}, expected a state dict, plain or under {', '.join(WRAPPERS)}."
        )
    prefixed = [key.startswith(PREFIX) for key in weights]
    if any(prefixed) and not all(prefixed):
        raise ValueError(f"{path} has some weights under {PREFIX!r} and some not: it holds more than one network.")
    return {key.removeprefix(PREFIX): weight for key, weight in weights.items()}


def _is_weight(key: Any, weight: Any) -> bool:
    return isinstance(key, str) and isinstance(weight, Tensor)


def _count(weights: dict[str, Tensor], pattern: str) -> int:
    """Length of a numbered list of modules. pattern: matches the number."""
    found = [int(match[1]) for key in weights if (match := re.match(pattern, key))]
    return max(found, default=-1) + 1


def _videopose_sizes(weights: dict[str, Tensor]) -> dict[str, Any]:
    channels, inputs, first = (_length(weights, "expand_conv.weight", dimension) for dimension in range(3))
    blocks = (_count(weights, r"layers_conv\.(\d+)\.") + 1) // 2
    later = [_length(weights, f"layers_conv.{2 * block}.weight", 2) for block in range(blocks)]
    joints_out = _length(weights, "shrink.bias") // 3
    return dict(
        num_joints=inputs // 2, filter_widths=[first, *later], channels=channels, predict_hip=joints_out == inputs // 2
    )


def _baseline_sizes(weights: dict[str, Tensor]) -> dict[str, Any]:
    width, inputs = _length(weights, "w1.weight"), _length(weights, "w1.weight", 1)
    joints_out = _length(weights, "w2.bias") // 3
    return dict(
        num_joints=inputs // 2, linear_size=width, num_stage=_count(weights, r"linear_stages\.(\d+)\."),
        predict_hip=joints_out == inputs // 2, standardised="mean_2d" in weights,
    )  # fmt: skip


def _gcn_sizes(weights: dict[str, Tensor]) -> dict[str, Any]:
    edges = _length(weights, "gconv_input.0.gconv.e", 1)
    non_local = any(key.startswith("gconv_input.1.nonlocal.") for key in weights)
    blocks = _count(weights, r"gconv_layers\.(\d+)\.")
    return dict(
        # A tree of J joints has J - 1 bones, each twice in the matrix, and J ones on the diagonal.
        num_joints=math.ceil((edges + 2) / 3), hid_dim=_length(weights, "gconv_input.0.gconv.W", 2),
        num_layers=blocks // 2 if non_local else blocks, non_local=non_local,
    )  # fmt: skip


def _st_gcn_sizes(weights: dict[str, Tensor]) -> dict[str, Any]:
    blocks = _count(weights, r"stgcn\.st_gcn_networks\.(\d+)\.")
    channels = [_length(weights, f"stgcn.st_gcn_networks.{block}.tcn.0.weight") for block in range(blocks)]
    kinds = _length(weights, "stgcn.st_gcn_networks.0.gcn.conv.bias") // channels[0] if channels else 4
    return dict(
        num_joints=16, frames=1 if kinds == 4 else None, inter_channels=channels,
        fc_out=_length(weights, "stgcn.conv2.0.weight"), fc_unit=_length(weights, "stgcn.conv4.0.weight"),
    )  # fmt: skip


def _poseformer_sizes(weights: dict[str, Tensor]) -> dict[str, Any]:
    width = _length(weights, "Spatial_patch_to_embedding.weight")
    return dict(
        num_joints=_length(weights, "Spatial_pos_embed", 1), frames=_length(weights, "Temporal_pos_embed", 1),
        embed_dim_ratio=width, depth=_count(weights, r"blocks\.(\d+)\."),
        mlp_ratio=_length(weights, "blocks.0.mlp.fc1.weight") / _length(weights, "blocks.0.mlp.fc1.weight", 1),
        qkv_bias=any(key.endswith("attn.qkv.bias") for key in weights),
    )  # fmt: skip


def _seq2seq_sizes(weights: dict[str, Tensor]) -> dict[str, Any]:
    numbers_out = _length(weights, "output.bias")
    return dict(
        num_joints=numbers_out // 3 + 1, frames=None, width=_length(weights, "decoder.weight_hh", 1),
        layer_norm=any(key.endswith("gate_gain") for key in weights),
    )  # fmt: skip


def _esmformer_sizes(weights: dict[str, Tensor]) -> dict[str, Any]:
    num_joints = _length(weights, "regression.1.bias") // 3
    depths = {
        stack: [_count(weights, rf"{stage}{level}\.blocks\.(\d+)\.") for level in (1, 2, 3)]
        for stack, stage in (("smfe", r"ssfe1\.Transformer_encoder_"), ("milf", r"mife\.MIFE_blocks\.trans"))
    }
    return dict(
        num_joints=num_joints, frames=_length(weights, "mife.pos_embed_1", 1),
        views=_count(weights, r"ssfe(\d+)\.") - 1, channel=_length(weights, "mife.pos_embed_1", 2),
        d_hid=_length(weights, "mcff.mlp.fc1.weight"), mvf_kernel=_length(weights, "mvf1.conv1.1.weight", 2),
        in_features=_length(weights, "ssfe1.Transformer_encoder_1.pos_embed", 1) // max(num_joints, 1), **depths,
    )  # fmt: skip


def _length(weights: dict[str, Tensor], key: str, dimension: int = 0) -> int:
    """Length of a weight along a dimension."""
    if key not in weights:
        raise ValueError(f"it lacks {key}.")
    if weights[key].ndim <= dimension or weights[key].numel() == 0:
        raise ValueError(f"it has {key} of shape {tuple(weights[key].shape)}.")
    return weights[key].shape[dimension]


_SIZES: dict[str, Callable[[dict[str, Tensor]], dict[str, Any]]] = {
    "videopose": _videopose_sizes, "simple_baseline": _baseline_sizes, "sem_gcn": _gcn_sizes,
    "st_gcn": _st_gcn_sizes, "poseformer": _poseformer_sizes, "seq2seq": _seq2seq_sizes,
    "esmformer": _esmformer_sizes,
}  # fmt: skip
