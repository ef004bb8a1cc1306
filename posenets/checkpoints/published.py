"""Load checkpoints of the original projects: sizes are inferred from the weights, and every weight must fit."""

from pathlib import Path
from typing import Any

from torch import Tensor

from posenets.base import PoseNet
from posenets.checkpoints.files import read_checkpoint
from posenets.checkpoints.fitting import build_within, check_sizes, fill
from posenets.registry import LIFTERS, build_posenet, get_spec

WRAPPERS = ("model_pos", "state_dict", "model", "model_state_dict")
MOST_FRAMES = 100_000
PREFIX = "module."  # of nn.DataParallel


def load_published(path: str | Path, name: str, **keywords: Any) -> PoseNet:
    """Load a lifter with the weights of an original project's checkpoint, in evaluation mode.

    path: VideoPose3D's, SemGCN's, PoseAug's, PoseFormer's, DH-AUG's or ESMformer's file, or a plain state dict. name:
    the lifter. keywords: what cannot be inferred: `causal` (videopose), `adjacency` and `groups` (sem_gcn),
    `num_heads` (poseformer, esmformer), `smfe_heads` and `self_supervised` (esmformer), `num_joints` (st_gcn: 16,
    PoseAug's, or 17), `frames` (seq2seq; st_gcn of more than one), `middle_frame` (seq2seq), and for further training
    the rates of dropout and stochastic depth. Missing, unexpected or misshapen weights are an error.
    """
    return published_lifter(read_checkpoint(path), path, name, **keywords)


def published_lifter(content: Any, path: str | Path, name: str, **keywords: Any) -> PoseNet:
    """Load a lifter from the content of an original project's checkpoint."""
    spec = get_spec(name)
    weights = published_weights(content, path)
    if spec.signature not in weights:
        looks = [lifter for lifter, other in LIFTERS.items() if other.signature in weights]
        hint = f"this looks like a {looks[0]} checkpoint" if looks else f"it begins with {next(iter(weights))[:80]}"
        raise ValueError(f"{path} is not a {spec.name} checkpoint ({spec.signature} is missing): {hint}.")
    try:
        sizes = {**spec.sizes_from_weights(weights), **keywords}
        if sizes.get("frames", 1) is None:
            raise ValueError("its weights do not tell how many frames it reads: give frames=...")
    except (ValueError, ArithmeticError) as error:
        raise ValueError(f"{path} does not fit a {spec.name}: {error}") from error
    return posenet_with(weights, path, spec.name, sizes)


def posenet_with(weights: dict[str, Tensor], path: str | Path, name: str, sizes: dict[str, Any]) -> PoseNet:
    """Build a network (build_posenet) no larger than the weights of a file, and load them; evaluation mode."""
    try:
        renamed = get_spec(name).renamed_sizes
        sizes = {renamed.get(size, size): value for size, value in sizes.items()}
        check_sizes({size: value for size, value in sizes.items() if not isinstance(value, Tensor)})
        posenet = build_within(weights, lambda: build_posenet(name, **sizes))
        if posenet.frames > MOST_FRAMES:
            raise ValueError(f"it reads {posenet.frames} frames at once, expected up to {MOST_FRAMES:,}.")
    except ValueError as error:
        raise ValueError(f"{path} does not fit a {name[:40]}: {error}") from error
    fill(posenet, weights, path)
    return posenet.eval()


def published_weights(content: Any, path: str | Path) -> dict[str, Tensor]:
    """Extract the state dict of a checkpoint, without wrappers and DataParallel's `module.` prefix."""
    wrapper = next((key for key in WRAPPERS if isinstance(content, dict) and isinstance(content.get(key), dict)), None)
    weights = content[wrapper] if wrapper else content
    if (
        not isinstance(weights, dict)
        or not weights
        or not all(isinstance(key, str) and isinstance(weight, Tensor) for key, weight in weights.items())
    ):
        held = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise ValueError(
            f"{path} holds {held[:120] or 'nothing'}, expected a state dict, plain or under {', '.join(WRAPPERS)}."
        )
    prefixed = [key.startswith(PREFIX) for key in weights]
    if any(prefixed) and not all(prefixed):
        raise ValueError(f"{path} has some weights under {PREFIX!r} and some not: it holds more than one network.")
    return {key.removeprefix(PREFIX): weight for key, weight in weights.items()}
