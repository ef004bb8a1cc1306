"""Train, measure and pack the lifters that ship with PoseFK (posenets/shipped), and write docs/models.md.

    python -m benchmarks.shipped                                  all of them: two hours on two cores
    python -m benchmarks.shipped --models coco_17 --out FOLDER    one; what is finished under --out is not repeated
    python -m benchmarks.shipped --page                           docs/models.md from the files alone

One thread on the same kind of processor and version of PyTorch gives the same weights. Data: CMU-X's training people,
which are in the repository; its test people are kept out, so that the cards' figures are those of the files themselves.
"""

import platform
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.table_runs import train
from data import DataSettings, load_dataset
from data.command_line import OneSentenceParser
from data.files.writing import atomic_write
from evaluation import cross_domain
from evaluation.evaluate import dataset_for
from kinematics.errors import exit_with_one_sentence
from posenets import ScreenLifter, load_lifter
from posenets.checkpoints.files import LAST, read_checkpoint, write_checkpoint
from posenets.shipped import BODY, FOLDER, NAMES, SINGLE, SUFFIX, VIDEO, Card, Score, card_text, read_shipped
from training.uncertainty import fit_uncertainty

COMMON = "--dataset cmu --threads 1 --seed 0 --figures False"
DATA = (
    "25 frames a second of CMU motion capture (mocap.cs.cmu.edu, free for all uses), CMU-X's eight training people, "
    "two more for validation, Human3.6M's joint definitions, synthetic cameras; recipe posefk"
)
LIMITS = [
    "medical or safety decisions",
    "children, wheelchairs, prostheses and animals, whose bodies it has never seen",
    "several people who hide each other, and keypoints of a detector that has not been looked at",
    "where a person stands, which no lifter knows without a camera",
]
TEST_SETS = ("cmux2_a", "cmux2_b", "cmux2_b_coco", "cmux_b")
PAGE = Path("docs/models.md")


class Model(NamedTuple):
    """reads: in a sentence of its card; flags: of run_fk_gan.py beside COMMON."""

    reads: str
    flags: str


MODELS = {
    SINGLE: Model(
        "COCO's 17 keypoints of one image, as detectors give them -> 16 joints",
        "--posenet_name simple_baseline --input_layout coco_17 --detector_noise default",
    ),
    VIDEO: Model(
        "COCO's 17 keypoints of 27 frames of a video -> 16 joints of the middle one",
        "--posenet_name videopose --frames 27 --posenet_width 288 --input_layout coco_17 --detector_noise default",
    ),
    BODY: Model(
        "16 joints of Human3.6M in one image -> the same in space, for benchmarks and files with these joints",
        "--posenet_name simple_baseline",
    ),
}  # fmt: skip
INTRODUCTION = """# Models that ship

`posefk predict --keypoints video.json --out lifted` uses one of these and says which; `posefk models` lists them, and
`--checkpoint NAME` takes one by name, in every command. They were trained on free data alone, are files without pickle
(`.safetensors`) and together {size:.1f} MB. MIT licence. `python -m benchmarks.shipped` trained and measured them and
wrote this page; one run each, seed 0. Test sets ([data_cmu](data_cmu.md)): people who were not seen in training, before
cameras like the training's (`cmux2_a`) and others (`cmux2_b`), and before the latter with joints where COCO's
(`cmux2_b_coco`) and CMU's own (`cmux_b`) definitions have them. COCO's keypoints do not show which points of the body a
data set calls Hip, Spine and Thorax, so lifters of these answer in Human3.6M's definitions, which is most of their
error in CMU's. A detector's error is `--test_noise default`, an order of magnitude and not measured. How sure each
lifter is of a joint is in the files as well ([uncertainty](uncertainty.md)).

"""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = OneSentenceParser("benchmarks.shipped", __doc__)
    parser.add_argument(
        "--models", nargs="+", choices=NAMES, default=list(NAMES), help="which; all of them if left out"
    )
    parser.add_argument("--out", type=Path, default=Path("checkpoint/shipped"), help="folder of the runs")
    parser.add_argument("--page", action="store_true", help="write docs/models.md alone")
    settings: Namespace = parser.parse(arguments)
    for name in [] if settings.page else settings.models:
        words = f"{COMMON} {MODELS[name].flags}"
        folder = settings.out / name
        run = train(folder, [*words.split(), "--checkpoint", str(folder)], threads=1)
        pack(name, run / LAST, f"python run_fk_gan.py {words}")
    write_page()


def pack(name: str, checkpoint: Path, command: str) -> None:
    """Write a run's lifter with half of its bytes and a card, whose figures are of the file that is written."""
    content = read_checkpoint(checkpoint)
    content = {key: content[key] for key in LIFTER_KEYS if key in content}
    content["uncertainty"] = uncertainty_of(checkpoint)
    content = halved(content | {"card": Card(
        name=name, reads=MODELS[name].reads, data=DATA, command=command, machine="", scores=[],
        not_for=[*LIMITS, *["detections: it learnt from exact 2D"] * (name == BODY)],
    )})  # fmt: skip
    path = FOLDER / f"{name}{SUFFIX}"
    write_checkpoint(path, content)
    content["card"] |= {"scores": measure(path), "machine": machine()}
    write_checkpoint(path, content)


LIFTER_KEYS = (
    "format", "model_pos", "posenet", "input_mode", "skeleton", "input_layout", "readout", "reads_focal", "epoch",
    "fps",
)  # fmt: skip


def uncertainty_of(checkpoint: Path) -> dict[str, Tensor]:
    """Fit how sure the lifter is of each joint, on the validation people."""
    lifter = load_lifter(checkpoint)
    assert isinstance(lifter, ScreenLifter)
    fit_uncertainty(lifter, dataset_for(lifter, load_dataset("cmu", DataSettings()).validation))
    assert lifter.uncertainty is not None
    return lifter.uncertainty.state_dict()


def halved(value: Any, name: str = "") -> Any:
    """Round weights to float16; the statistics of batch norms and of the uncertainty's input stay float32."""
    if isinstance(value, dict):
        return {key: halved(part, key) for key, part in value.items()}
    statistics = name.endswith(("running_mean", "running_var", "mean", "std"))
    return value.half() if isinstance(value, Tensor) and value.is_floating_point() and not statistics else value


def measure(path: Path) -> list[Score]:
    """Compute the errors on TEST_SETS with exact 2D and with a detector's error."""
    scores: list[Score] = []
    for noise in ("none", "default"):
        settings = cross_domain.CrossDomain(path, TEST_SETS, test_noise=noise, tables=False, protocols=("all_joints",))
        scores += [
            Score(
                test_set=line["test_set"], noise=noise, mpjpe=line["mpjpe"], p_mpjpe=line["p_mpjpe"],
                mpjve=line.get("mpjve"),
            )
            for line in cross_domain.run(settings)
        ]  # fmt: skip
    return scores


def machine() -> str:
    return f"{platform.system()} {platform.machine()}, PyTorch {torch.__version__}, one thread"


def write_page() -> None:
    """Write docs/models.md: an introduction and every card."""
    models = [read_shipped(name) for name in NAMES]
    size = sum(model.path.stat().st_size for model in models) / 1e6
    with atomic_write(PAGE) as part:
        part.write_text(INTRODUCTION.format(size=size) + "\n".join(card_text(model) for model in models))


if __name__ == "__main__":
    exit_with_one_sentence(main)
