"""Export a lifter to ONNX, for runtimes without PyTorch.

    python -m posenets.export_onnx --checkpoint checkpoint/.../last.safetensors --out model.onnx

Screen coordinates in, metres out: the lifter's input mode is part of the graph. Any batch size. The file is kept only
if onnxruntime's results agree with PyTorch's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data.command_line import read_flags
from kinematics.errors import exit_with_one_sentence
from posenets.checkpoints.lifters import load_lifter
from posenets.export_onnx.graph import BATCH_SIZES, OPSET, export


@dataclass
class ExportOnnx:
    """Write a lifter as ONNX and compare it with PyTorch."""

    checkpoint: Path
    """A run's last or best_*.safetensors, or an original project's checkpoint (then with --posenet_name)."""
    out: Path
    """The file to write."""
    opset: int = OPSET
    """Version of ONNX's operators."""
    flip: bool = False
    """Average with the mirror image inside the graph, as evaluation does: twice the work."""
    posenet_name: str | None = None
    """Lifter of an original project's checkpoint."""
    input_mode: str = "screen"
    """Input mode of an original project's lifter (PoseFK's checkpoints contain it)."""
    plugins: tuple[str, ...] = ()
    """Modules to import first (dotted names or .py files), for what they register."""


def main(arguments: Sequence[str] | None = None) -> None:
    settings = read_flags(ExportOnnx, "posenets.export_onnx", __doc__, arguments)
    lifter = load_lifter(settings.checkpoint, settings.posenet_name, settings.input_mode)
    difference = export(lifter, settings.out, settings.opset, settings.flip)
    print(f"{settings.out}: {settings.out.stat().st_size / 1e6:.1f} MB, differs from PyTorch by at most "
          f"{difference * 1000:.2g} mm in batches of {', '.join(map(str, BATCH_SIZES))}")  # fmt: skip


if __name__ == "__main__":
    exit_with_one_sentence(main)
