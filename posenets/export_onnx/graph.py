"""Export a lifter's graph to ONNX, compare it with PyTorch, and keep it only if both agree."""

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from data.files.writing import atomic_write
from data.plausible import FARTHEST_M
from kinematics.errors import PoseFKError
from posenets.inputs.modes import ASSUMED_FOCAL, FOCAL_FLAG
from posenets.lifter import Lifter, ScreenLifter

PARITY_M = 1e-4
OPSET = 18
BATCH_SIZES = (1, 2, 7, 64)
SCREEN = "x / width * 2 - 1, y / width * 2 - height / width, of pixels from the top left corner"
KNOWN_FOCAL = (
    f", 0; where the camera is known {ASSUMED_FOCAL:g} times x / z and y / z of the undistorted ray instead, and "
    f"{FOCAL_FLAG:g}"
)
INSTALL = "pip install onnx onnxruntime onnxscript"


class _Graph(nn.Module):
    """Graph: joints_2d (B, T, J, C) screen, of several cameras (B, V, T, J, C) -> joints_3d (B, J, 3) m."""

    def __init__(self, lifter: ScreenLifter, flip: bool) -> None:
        super().__init__()
        self.lifter, self.flip = lifter.eval(), flip

    def forward(self, joints_2d: Tensor) -> Tensor:
        return self.lifter.predict(joints_2d, self.flip)


def export(lifter: Lifter, path: Path, opset: int = OPSET, flip: bool = False) -> float:
    """Write the file, and return the largest difference to PyTorch, metres. Files 0.1 mm off are not kept."""
    if path.is_dir():
        raise IsADirectoryError(f"--out {path} is a folder, expected the name of a file, such as model.onnx.")
    onnx, runtime = _packages()
    if not isinstance(lifter, ScreenLifter):
        raise PoseFKError(
            f"{lifter.posenet.name} of mode rays also reads its cameras' poses, for which the graph has no input: "
            "only input mode screen exports."
        )
    graph = _Graph(lifter.cpu(), flip).eval()
    _check_answers(graph)
    with atomic_write(path) as part:
        _write(graph, part, opset)
        model = onnx.load(part)
        written = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
        if written != opset:  # the exporter falls back silently
            raise PoseFKError(f"--opset {opset}: the exporter writes {written} instead: choose another, like {OPSET}.")
        facts = describe(lifter, flip).items()
        onnx.helper.set_model_props(model, {k: v if isinstance(v, str) else json.dumps(v) for k, v in facts})
        onnx.checker.check_model(model)
        onnx.save(model, part)
        difference = largest_difference(graph, runtime.InferenceSession(part.read_bytes()))
        if not difference <= PARITY_M:
            raise PoseFKError(
                f"{path} was not kept: onnxruntime differs from PyTorch by {difference * 1000:.3g} mm, expected at "
                f"most {PARITY_M * 1000:g}. Try another --opset."
            )
    return difference


def describe(lifter: Lifter, flip: bool) -> dict[str, Any]:
    """Describe input and output for the file's metadata."""
    shape = ["batch", *_window(lifter), lifter.posenet.in_features]
    world = "axes of the world it was trained in (z up)"
    axes = "camera axes (x right, y down, z forward)" if lifter.views == 1 else world
    return {
        "producer": "PoseFK",
        "posenet": lifter.posenet.name,
        "input": f"joints_2d {shape}: screen coordinates"
        + ", confidence" * lifter.reads_confidence
        + KNOWN_FOCAL * lifter.reads_focal,
        "screen": SCREEN,
        "output": f"joints_3d ['batch', {lifter.skeleton.num_joints}, 3]: metres, {axes}, root at 0",
        "skeleton": lifter.skeleton.name,
        "joint_names": list(lifter.skeleton.joints),
        "input_joint_names": list(lifter.input_skeleton.joints),
        "views": lifter.views,
        "frames": lifter.frames,
        "target_frame": lifter.target_frame,
        "fps": lifter.fps,
        "input_mode": lifter.input_mode,
        "flip": flip,
    }


def _check_answers(graph: _Graph) -> None:
    """Refuse a lifter whose predictions are not finite or farther away than any trained lifter's."""
    with torch.inference_mode():
        answers = graph(_example(graph.lifter, BATCH_SIZES[-1], torch.Generator().manual_seed(0)))
    farthest = float(answers.abs().amax())
    if not farthest <= FARTHEST_M:  # also NaN
        raise PoseFKError(
            f"The lifter is not exported: on random bodies it predicts joints {farthest:.3g} m from the root, expected "
            f"at most {FARTHEST_M:g} m. Use another checkpoint."
        )


def largest_difference(graph: nn.Module, session: Any) -> float:
    """Compare PyTorch and onnxruntime on random bodies in batches of different sizes, metres."""
    assert isinstance(graph, _Graph)
    generator, worst = torch.Generator().manual_seed(0), 0.0
    for size in BATCH_SIZES:
        joints_2d = _example(graph.lifter, size, generator)
        (ours,) = session.run(None, {"joints_2d": joints_2d.numpy()})
        with torch.inference_mode():
            difference = (graph(joints_2d) - torch.from_numpy(ours)).abs()
        assert ours.shape == (size, graph.lifter.skeleton.num_joints, 3)
        worst = max(worst, float(difference.nan_to_num(torch.inf).max()))
    return worst


def _window(lifter: Lifter) -> tuple[int, ...]:
    """Return the shape of one prediction's input: (views,) frames and joints."""
    views = (lifter.views,) if lifter.views > 1 else ()
    return (*views, lifter.frames, lifter.input_skeleton.num_joints)


def _example(lifter: Lifter, size: int, generator: torch.Generator) -> Tensor:
    """Draw random bodies on the screen, with confidences and focal flags if the lifter reads them."""
    shape = (size, *_window(lifter))
    place = torch.rand(size, *[1] * (len(shape) - 1), 2, generator=generator) - 0.5
    joints = place + 0.2 * torch.randn(*shape, 2, generator=generator)
    if lifter.reads_confidence:
        joints = torch.cat([joints, torch.rand(*shape, 1, generator=generator)], dim=-1)
    if lifter.reads_focal:
        known = (torch.rand(size, generator=generator) < 0.5).view(-1, *[1] * (joints.ndim - 1))
        joints = torch.cat([joints, FOCAL_FLAG * known.expand_as(joints[..., :1]).to(joints.dtype)], dim=-1)
    return joints


def _write(graph: _Graph, path: Path, opset: int) -> None:
    example = _example(graph.lifter, 2, torch.Generator().manual_seed(1))
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore", DeprecationWarning)  # the exporter's own use of PyTorch
            warnings.simplefilter("ignore", FutureWarning)
            batch = ({0: torch.export.Dim("batch", min=1)},)
            program = torch.export.export(graph, (example,), dynamic_shapes=batch, strict=False)
            torch.onnx.export(
                program, f=path, opset_version=opset, dynamo=True, external_data=False, verbose=False,
                input_names=["joints_2d"], output_names=["joints_3d"], dynamic_shapes=batch,
            )  # fmt: skip
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _packages() -> tuple[Any, Any]:
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401, PyTorch's exporter needs it
    except ImportError as error:
        raise PoseFKError(f"ONNX export needs a package that is not installed ({error.name}): {INSTALL}") from error
    return onnx, onnxruntime
