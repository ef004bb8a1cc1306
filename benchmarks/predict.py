"""Predict on made detections: what COCO's keypoints cost, how fast films are drawn, and the figure of docs/predict.md.

    python -m benchmarks.predict --figure docs/figures/predict_film.png
    python -m benchmarks.predict --checkpoint checkpoint/.../last.safetensors

CMU-X's test people are seen as a COCO detector would see it (2 pixels of noise in an image 1,000 wide) and lifted; the
figure is of examples/walk.json.
"""

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from data import DataSettings, Recording, load_test_set
from data.command_line import read_flags
from data.keypoints.mapping import to_layout
from data.keypoints.pieces import Piece
from evaluation.predict.__main__ import Predict, run
from evaluation.predict.film import write_film
from evaluation.predict.lifted import LiftedClip, lift_pieces
from kinematics import Skeleton, exit_with_one_sentence, screen_to_pixels
from kinematics.head import from_body
from posenets import Lifter, load_lifter
from posenets.shipped import SINGLE

EXAMPLE = Path("examples/walk.json")
SIZE, NOISE_PIXELS = (1000, 1000), 2.0
COCO, BODY = Skeleton("coco_17"), Skeleton("h36m_16")


@dataclass
class Benchmark:
    """Evaluate a lifter on COCO keypoints and on its own joints."""

    checkpoint: Path | None = None
    """A run's last.safetensors, or the name of a lifter that ships; None: coco_17, and for the figure what predict
    chooses."""
    figure: Path | None = None
    """File for four frames of a film."""


def keypoints(recording: Recording, layout: Skeleton, generator: torch.Generator) -> np.ndarray:
    """(F, K, 2) pixels: the first view's body in a layout, with a detector's noise."""
    view = recording.views[0]
    assert view.camera is not None
    screen = view.camera.project(from_body(torch.from_numpy(view.joints_3d), layout))
    pixels = screen_to_pixels(screen.double(), *SIZE)
    return (pixels + NOISE_PIXELS * torch.randn(pixels.shape, generator=generator)).numpy()


def lifted(lifter: Lifter, recording: Recording, layout: Skeleton) -> LiftedClip:
    """Lift the first view of a recording, by way of a layout."""
    pixels = keypoints(recording, layout, torch.Generator().manual_seed(0))
    joints, scores, _ = to_layout(pixels, np.ones(pixels.shape[:2]), layout, lifter.input_skeleton)
    return lift_pieces(lifter, [Piece(np.arange(len(recording)), joints, scores)], SIZE, recording.fps)


def error_mm(lifter: Lifter, recordings: list[Recording], layout: Skeleton) -> float:
    """Compute MPJPE over all frames."""
    errors = []
    for recording in recordings:
        target = recording.views[0].joints_3d
        off = lifted(lifter, recording, layout).joints_3d - (target - target[:, :1])
        errors.append(1000 * np.linalg.norm(off, axis=-1).mean(axis=1))
    return float(np.concatenate(errors).mean())


def draw(checkpoint: Path | None, path: Path) -> None:
    """Draw four frames of the film that the command makes of the example."""
    with tempfile.TemporaryDirectory() as folder:
        run(Predict(EXAMPLE, Path(folder), checkpoint))
        with Image.open(Path(folder) / "film.gif") as film:
            sheet = Image.new("RGB", (2 * film.width, 2 * film.height))
            for place in range(4):
                film.seek(place * (film.n_frames - 1) // 3)
                sheet.paste(film.convert("RGB"), (place % 2 * film.width, place // 2 * film.height))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(32).save(path, optimize=True)


def main() -> None:
    """The command."""
    settings = read_flags(Benchmark, "benchmarks.predict", __doc__, sys.argv[1:])
    lifter = load_lifter(settings.checkpoint or SINGLE)
    for test_set in ("cmux2_a", "cmux2_b"):
        recordings = load_test_set(test_set, DataSettings())
        layouts = [layout for layout in (BODY, COCO) if layout.name in (lifter.input_skeleton.name, COCO.name)]
        errors = [f"{error_mm(lifter, recordings, layout):.1f} mm from {layout.name}" for layout in layouts]
        print(f"{test_set}: MPJPE {', '.join(errors)}")
    recording = next(recording for recording in load_test_set("cmux2_a", DataSettings()) if "dance" in recording.action)
    made = lifted(lifter, recording, COCO)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        write_film(made, Path(folder) / "film.gif")
        print(f"film: {len(made) / (time.perf_counter() - start):.0f} frames/s")
    if settings.figure:
        draw(settings.checkpoint, settings.figure)


if __name__ == "__main__":
    exit_with_one_sentence(main)
