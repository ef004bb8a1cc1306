"""Evaluate any checkpoint on any test set.

    python -m evaluation.cross_domain --checkpoint checkpoint/.../last.safetensors --test_sets cmux2_a cmux2_b
    python -m evaluation.cross_domain --checkpoint ckpt_best_dhp_p1.pth.tar --posenet_name videopose \\
        --test_sets h36m 3dhp --json out.json
    torchrun --nproc_per_node 8 -m evaluation.cross_domain --checkpoint last.safetensors --test_sets h36m

Prints the scores with their tables; --json writes the result lines (the same as in results.jsonl) as a list.
"""

import itertools
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from augment.detector_noise.detections import check_setting
from data import DataSettings, all_test_sets, distributed, load_test_set
from data.command_line import read_flags
from data.distributed import Processes
from data.files.writing import atomic_write, check_can_write
from evaluation.evaluate import TEST_NOISES, columns_of, dataset_for, noisy, predict_dataset, score
from evaluation.notes import notes_on_test_set
from evaluation.protocols import check_scores_no_made_up_joint, protocol_named, protocols_for
from evaluation.tables import format_scores
from kinematics.errors import exit_with_one_sentence
from posenets import Lifter, load_lifter

PROGRESS_FROM = 50_000  # poses; smaller sets take about a second


@dataclass
class CrossDomain:
    """Evaluate a lifter's checkpoint on test sets it was or was not made for."""

    checkpoint: Path
    """A run's last or best_*.safetensors, or an original project's checkpoint (then with --posenet_name)."""
    test_sets: tuple[str, ...] = ("cmux2_a", "cmux2_b")
    """cmux2_a, cmux2_b, h36m, 3dhp (windows of video), 3dhp_sparse (windows of scored frames),
    3dhp_s8, ski, humaneva, 3dpw, 3dpw_detected, 3dpw_poseaug, aistx (a real detector), aistx_gt."""
    json: Path | None = None
    """File for the result lines."""
    protocols: tuple[str, ...] = ()
    """Joints that count: all_joints (every one), official_3dhp and official_3dhp_16 (3DHP's 14 for PCK and AUC), limbs
    (12 of arms and legs), limbs_head (and the head), smpl_14 (12, pelvis and neck); none: those usual on each test
    set."""
    flip: Literal["on", "off", "both"] = "on"
    """Average each prediction with that of the mirror image."""
    tables: bool = True
    """Print tables per sequence, activity, scene, action and joint group; they are in the file in any case."""
    posenet_name: str | None = None
    """Lifter of an original project's checkpoint."""
    input_mode: str = "screen"
    """What an original project's lifter reads (PoseFK's checkpoints say it themselves)."""
    batch_size: int = 4096
    """Poses per batch."""
    device: str = "auto"
    """auto, cpu or cuda."""
    data_root: str = "data"
    """Folder of the prepared npz files."""
    data_extra_root: str = "data_extra"
    """Folder of the 3DHP test set."""
    keypoints: str = "gt"
    """2D of Human3.6M or HumanEva: gt, or a detector's file."""
    subjects_test: tuple[str, ...] = ()
    """Test subjects of the data sets that name theirs; empty: their own split."""
    actions: tuple[str, ...] = ()
    """Actions to keep; empty: all."""
    max_gap: float = DataSettings.max_gap
    """Detected 2D: longest gap of a joint that is closed by interpolation, seconds; frames of longer ones are cut."""
    test_noise: str = "none"
    """Error of a detector put on projected 2D, the same for every lifter: none, default (not measured) or a JSON file
    of DetectorNoise.save."""
    plugins: tuple[str, ...] = ()
    """Modules to import first (dotted names or .py files), for what they register."""


def run(settings: CrossDomain) -> list[dict[str, Any]]:
    """Return the result lines, one per test set, protocol and flip, each with its tables. torchrun's processes share
    the work, and the first one prints and writes."""
    check(settings)
    processes, lines = distributed.start(settings.device), []
    try:
        with distributed.failing_together():
            lifter = load_lifter(settings.checkpoint, settings.posenet_name, settings.input_mode).to(processes.device)
            for name in settings.protocols:
                protocol_named(name).check(lifter.skeleton)
                for test_set in settings.test_sets:
                    check_scores_no_made_up_joint(name, test_set, lifter.skeleton)
            for test_set in settings.test_sets:
                lines += evaluate_test_set(lifter, test_set, settings, processes)
            if settings.json is not None and processes.first:
                with atomic_write(settings.json) as part:
                    part.write_text(json.dumps(lines, indent=1, allow_nan=False) + "\n")
                print(f"{len(lines)} result line{'s' * (len(lines) > 1)} in {settings.json}")
    finally:
        distributed.stop()
    return lines


def check(settings: CrossDomain) -> None:
    if settings.batch_size < 1:
        raise ValueError(f"--batch_size is {settings.batch_size}, expected 1 or more.")
    if not settings.test_sets:
        raise ValueError(f"--test_sets is empty, expected some of {', '.join(all_test_sets())}.")
    check_setting(settings.test_noise, "test_noise", TEST_NOISES)
    if not 0 <= settings.max_gap < math.inf:  # also NaN
        raise ValueError(f"--max_gap {settings.max_gap}: expected at least 0.")
    check_can_write(settings.json, "--json")


def evaluate_test_set(
    lifter: Lifter, test_set: str, settings: CrossDomain, processes: Processes
) -> list[dict[str, Any]]:
    say: Callable[..., None] = print if processes.first else lambda *words: None
    notes: list[str] = []
    recordings = load_test_set(test_set, data_settings(settings, lifter), lifter.frames, notes)
    recorded = dataset_for(lifter, recordings, processes.device)
    dataset = noisy(recorded, settings.test_noise, test_set, lifter.input_skeleton)
    for note in [*notes, *notes_on_test_set(test_set, dataset, lifter)]:
        say(note)
    lines = []
    flips: tuple[bool, ...] = {"on": (True,), "off": (False,), "both": (True, False)}[settings.flip]
    columns = columns_of(lifter, dataset, test_set)
    for flip, name in itertools.product(flips, columns):
        known_focal = columns[name]
        silent, share = not processes.first or len(dataset) < PROGRESS_FROM, -(-len(dataset) // processes.count)
        with tqdm(total=share, unit="pose", desc=name, disable=silent) as bar:
            result = predict_dataset(lifter, dataset, flip, settings.batch_size, bar.update, known_focal, processes)
        for protocol in settings.protocols or protocols_for(test_set, lifter.skeleton):
            scores = score(result, protocol)
            say(format_scores(name, scores, longest=24 if settings.tables else 0) + "\n")
            tables = {label: [row.as_dict() for row in rows] for label, rows in scores.tables.items()}
            lines.append({**scores.result_line(name, lifter.epoch), "tables": tables})
    return lines


def data_settings(settings: CrossDomain, lifter: Lifter) -> DataSettings:
    return DataSettings(
        data_root=settings.data_root, data_extra_root=settings.data_extra_root, keypoints=settings.keypoints,
        subjects_test=settings.subjects_test, actions=settings.actions, max_gap=settings.max_gap,
        num_joints=lifter.skeleton.num_joints, views=lifter.views,
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    settings = read_flags(CrossDomain, "evaluation.cross_domain", __doc__, arguments)
    run(settings)


if __name__ == "__main__":
    exit_with_one_sentence(main)
