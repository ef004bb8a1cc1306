"""Checkpoints of the original projects: sizes are read off the weights, and every weight must find its place."""

import math
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from posenets.base import PoseNet
from posenets.registry import build_posenet, lifter_name

WRAPPERS = ("model_pos", "state_dict", "model", "model_state_dict")
# One weight that only this lifter has, to name a mistaken checkpoint.
SIGNATURES = {
    "videopose": "expand_conv.weight",
    "simple_baseline": "linear_stages.0.w1.weight",
    "sem_gcn": "gconv_input.0.gconv.W",
    "poseformer": "Spatial_patch_to_embedding.weight",
    "st_gcn": "data_bn.weight",
}
# VideoPose3D and PoseFormer also save their loader's numpy RandomState. Nothing of it is needed, so each of these names
# becomes a stand-in that keeps nothing, and no code of numpy runs either.
_NUMPY_NAMES = [
    *(f"numpy.random._pickle.__{kind}_ctor" for kind in ("randomstate", "bit_generator", "generator")),
    *(f"numpy.random.{name}" for name in ("__RandomState_ctor", "_mt19937.MT19937", "_pcg64.PCG64")),
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
    "numpy.ndarray", "numpy.dtype",
]  # fmt: skip
PREFIX = "module."  # of nn.DataParallel


class _NotKept:
    """Stands in for the numpy objects of a checkpoint."""

    def __init__(self, *parts: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def load_published(path: str | Path, name: str, **keywords: Any) -> PoseNet:
    """A lifter with the weights of an original project's checkpoint, in evaluation mode.

    path: VideoPose3D's, SemGCN's, PoseAug's or DH-AUG's file, or a plain state dict. name: the lifter.
    keywords: what weights cannot tell: `causal` (videopose), `adjacency` and `groups` (sem_gcn), `dropout` (for
    further training). Anything missing, left over or of another size is an error.
    """
    name = lifter_name(name)
    weights = published_weights(read_checkpoint(path), path)
    if SIGNATURES[name] not in weights:
        looks = [lifter for lifter, key in SIGNATURES.items() if key in weights]
        hint = f"this looks like a {looks[0]} checkpoint" if looks else f"it begins with {next(iter(weights))}"
        raise ValueError(f"{path} is not a {name} checkpoint ({SIGNATURES[name]} is missing): {hint}.")
    sizes = {"videopose": _videopose_sizes, "simple_baseline": _baseline_sizes, "sem_gcn": _gcn_sizes}[name](weights)
    try:
        posenet = build_posenet(name, **{**sizes, **keywords})
    except ValueError as error:
        raise ValueError(f"{path} does not fit a {name}: {error}") from error
    fill(posenet, weights, path)
    return posenet.eval()


def read_checkpoint(path: str | Path) -> Any:
    """What a .pt, .pth, .bin or .tar file holds, without running any code in it."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} is missing: expected a checkpoint file of a lifter.")
    try:
        with torch.serialization.safe_globals([(_NotKept, name) for name in _NUMPY_NAMES]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises a different type for each way of being no checkpoint
        code = re.search(r"GLOBAL (\S+)", str(error))
        reason = f"it asks to run {code[1]}" if code else str(error).split("\n")[0][:120] or type(error).__name__
        raise ValueError(f"{path} cannot be read as a checkpoint: expected weights alone, but {reason}.") from error


def published_weights(content: Any, path: str | Path) -> dict[str, Tensor]:
    """The state dict inside a checkpoint, without wrappers and DataParallel's `module.` prefix."""
    wrapper = next((key for key in WRAPPERS if isinstance(content, dict) and isinstance(content.get(key), dict)), None)
    weights = content[wrapper] if wrapper else content
    if not isinstance(weights, dict) or not weights or not all(isinstance(w, Tensor) for w in weights.values()):
        held = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise ValueError(
            f"{path} holds {held[:120] or 'nothing'}, expected a state dict, plain or under {', '.join(WRAPPERS)}."
        )
    prefixed = [key.startswith(PREFIX) for key in weights]
    if any(prefixed) and not all(prefixed):
        raise ValueError(f"{path} has some weights under {PREFIX!r} and some not: it holds more than one network.")
    return {key.removeprefix(PREFIX): weight for key, weight in weights.items()}


def fill(posenet: PoseNet, weights: dict[str, Tensor], path: str | Path) -> None:
    """Load weights strictly: what is missing, left over or of another shape is named in one sentence."""
    own = posenet.state_dict()
    optional = {key for key in own if key.endswith("num_batches_tracked")}  # not in files older than PyTorch 0.4.1
    missing = [key for key in own if key not in weights and key not in optional]
    unexpected = [key for key in weights if key not in own]
    shapes = [
        f"{key} {tuple(weights[key].shape)} instead of {tuple(own[key].shape)}"
        for key in own
        if key in weights and weights[key].shape != own[key].shape
    ]
    for problem, keys in (("lacks", missing), ("also has", unexpected), ("has other sizes:", shapes)):
        if keys:
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            raise ValueError(f"{path} does not fit this {posenet.name}: it {problem} {', '.join(keys[:3])}{more}.")
    posenet.load_state_dict(weights, strict=not optional - set(weights))


def _count(weights: dict[str, Tensor], pattern: str) -> int:
    """Length of a numbered list of modules. pattern: matches the number."""
    found = [int(match[1]) for key in weights if (match := re.match(pattern, key))]
    return max(found, default=-1) + 1


def _videopose_sizes(weights: dict[str, Tensor]) -> dict[str, Any]:
    channels, inputs, first = weights["expand_conv.weight"].shape
    blocks = _count(weights, r"layers_conv\.(\d+)\.") // 2
    later = [weights[key].shape[-1] for key in (f"layers_conv.{2 * i}.weight" for i in range(blocks)) if key in weights]
    joints_out = weights["shrink.bias"].shape[0] // 3 if "shrink.bias" in weights else inputs // 2
    return dict(
        num_joints=inputs // 2, filter_widths=[first, *later], channels=channels, predict_hip=joints_out == inputs // 2
    )


def _baseline_sizes(weights: dict[str, Tensor]) -> dict[str, Any]:
    width, inputs = weights["w1.weight"].shape if "w1.weight" in weights else (1, 2)
    joints_out = weights["w2.bias"].shape[0] // 3 if "w2.bias" in weights else inputs // 2
    return dict(
        num_joints=inputs // 2, linear_size=width, num_stage=_count(weights, r"linear_stages\.(\d+)\."),
        predict_hip=joints_out == inputs // 2,
    )  # fmt: skip


def _gcn_sizes(weights: dict[str, Tensor]) -> dict[str, Any]:
    edges = weights["gconv_input.0.gconv.e"].shape[-1] if "gconv_input.0.gconv.e" in weights else 46
    non_local = any(key.startswith("gconv_input.1.nonlocal.") for key in weights)
    blocks = _count(weights, r"gconv_layers\.(\d+)\.")
    return dict(
        # A tree of J joints has J - 1 bones, each twice in the matrix, and J ones on the diagonal.
        num_joints=math.ceil((edges + 2) / 3), hid_dim=weights["gconv_input.0.gconv.W"].shape[-1],
        num_layers=blocks // 2 if non_local else blocks, non_local=non_local,
    )  # fmt: skip
