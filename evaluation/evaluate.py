"""A lifter on a test set: predictions once, then the scores of any protocol from them."""

import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from data.dataset import PoseDataset
from evaluation.metrics import joint_errors, similarity_aligned
from evaluation.protocols import Row, group_rows, protocol_named, rows_by_label, score_row
from kinematics.skeleton import Skeleton
from posenets import Lifter

# label of the data set -> name of its table
TABLES = {"sequence": "sequence", "activity": "activity", "scene": "scene", "action": "action"}
MEAN_OVER_ACTIONS, MEAN_OVER_FRAMES = "mean over actions", "mean over frames"


@dataclass
class Predictions:
    """Root-relative joints (N, J, 3) in metres, float32, of every sample of a test set, in its order."""

    prediction: Tensor
    target: Tensor
    skeleton: Skeleton
    labels: dict[str, list[str]]
    label_ids: dict[str, Tensor]
    flip: bool
    seconds: float
    errors: Tensor = field(init=False)
    aligned_errors: Tensor = field(init=False)

    def __post_init__(self) -> None:
        bad = int((~torch.isfinite(self.prediction)).flatten(1).any(1).sum())
        if bad:
            raise ValueError(
                f"The lifter predicts NaN or infinity for {bad} of {len(self.prediction)} poses: its training "
                "diverged; use an earlier checkpoint or a lower learning rate."
            )
        self.errors = joint_errors(self.prediction, self.target)
        self.aligned_errors = joint_errors(similarity_aligned(self.prediction, self.target), self.target)


@dataclass
class Scores:
    """What a protocol says of a lifter. mpjpe, p_mpjpe: millimetres; pck, auc: percent; all frames weigh the same.

    tables: rows per sequence, activity, scene, action and group of joints, as far as the test set tells them apart.
    """

    protocol: str
    flip: bool
    mpjpe: float
    p_mpjpe: float
    pck: float
    auc: float
    poses: int
    seconds: float
    tables: dict[str, list[Row]]

    def result_line(self, test_set: str, epoch: int | None = None, stage: str = "test") -> dict[str, Any]:
        """One line of results.jsonl, without the tables."""
        scores = {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()}
        del scores["tables"]
        return {"epoch": epoch, "stage": stage, "test_set": test_set, **scores}


def evaluate(
    lifter: Lifter, dataset: PoseDataset, flip: bool = True, protocol: str = "family", batch_size: int = 4096
) -> Scores:
    """Scores of a lifter on a test set. flip: average with the mirror image's prediction."""
    return score(predict(lifter, dataset, flip, batch_size), protocol)


@torch.inference_mode()
def predict(
    lifter: Lifter, dataset: PoseDataset, flip: bool = True, batch_size: int = 4096,
    progress: Callable[[int], object] | None = None,
) -> Predictions:  # fmt: skip
    """Predictions for every sample, with their errors. progress: called with the number of poses done each time."""
    check_fits(lifter, dataset)
    start = time.perf_counter()
    skeleton, predictions, targets = lifter.skeleton, [], []
    for indices in torch.arange(len(dataset), device=dataset.device).split(batch_size):
        batch = dataset.batch(indices)
        target = batch.joints_3d[:, lifter.posenet.target_frame]
        predictions.append(lifter.predict(batch.joints_2d, flip).float())
        targets.append((target - target[:, skeleton.root : skeleton.root + 1]).float())
        if progress:
            progress(len(indices))
    made = Predictions(
        torch.cat(predictions), torch.cat(targets), skeleton, dataset.labels, dataset.label_ids, flip, 0.0
    )
    made.seconds = time.perf_counter() - start  # float() of the check above has waited for the device
    return made


def check_fits(lifter: Lifter, dataset: PoseDataset) -> None:
    """Refuse a data set of another layout or window length."""
    joints, frames = dataset.joints_3d.shape[-2], dataset.frames
    wanted = lifter.skeleton
    if joints != wanted.num_joints or frames != lifter.frames:
        raise ValueError(
            f"The data set has windows of {frames} frame(s) of {joints} joints, the lifter reads {lifter.frames} of "
            f"{wanted.num_joints}: build it with PoseDataset.from_takes(takes, '{wanted.name}', {lifter.frames})."
        )


def score(predictions: Predictions, protocol: str = "family") -> Scores:
    """Scores and tables of one protocol."""
    rules, skeleton = protocol_named(protocol), predictions.skeleton
    rules.check(skeleton)
    joints = rules.joints(skeleton)
    errors, aligned = predictions.errors, predictions.aligned_errors
    total = score_row("all", errors, aligned.mean(1), joints)
    tables = {
        TABLES[name]: rows_by_label(*_label(predictions, name), errors, aligned.mean(1), joints)
        for name in TABLES
        if any(predictions.labels.get(name, []))
    }
    if "action" in tables:
        tables["action"] += [mean_row(MEAN_OVER_ACTIONS, tables["action"]), _renamed(total, MEAN_OVER_FRAMES)]
    if rules.groups:
        tables["joints"] = group_rows(errors, aligned, rules.group_joints(skeleton))
    return Scores(
        protocol, predictions.flip, total.mpjpe, total.p_mpjpe, total.pck, total.auc, total.poses,
        predictions.seconds, tables,
    )  # fmt: skip


def score_arrays(
    prediction: Float[Tensor, "poses joints 3"], target: Float[Tensor, "poses joints 3"],
    skeleton: str = "mpi_inf_3dhp_17", protocol: str = "official_3dhp",
) -> Scores:  # fmt: skip
    """Scores of predictions made elsewhere. prediction, target: metres, in the layout `skeleton`, any root."""
    layout = Skeleton(skeleton)
    layout.check(prediction)
    root = slice(layout.root, layout.root + 1)
    made = Predictions(
        prediction - prediction[:, root], target - target[:, root], layout, {}, {}, flip=False, seconds=0.0
    )
    return score(made, protocol)


def mean_row(name: str, rows: list[Row]) -> Row:
    """The plain mean of rows: Human3.6M's 15 actions weigh the same however long they are."""
    means = {key: sum(getattr(row, key) for row in rows) / len(rows) for key in ("mpjpe", "p_mpjpe", "pck", "auc")}
    return Row(name, sum(row.poses for row in rows), **means)


def _renamed(row: Row, name: str) -> Row:
    return Row(**{**asdict(row), "name": name})


def _label(predictions: Predictions, name: str) -> tuple[Tensor, list[str]]:
    """(ids, words) of a label; the two takes of an action ("Walking", "Walking 1") are one action."""
    words, ids = predictions.labels[name], predictions.label_ids[name]
    if name != "action":
        return ids, words
    merged = [re.sub(r" \d+$", "", word) for word in words]
    distinct = sorted(set(merged))
    new_ids = torch.tensor([distinct.index(word) for word in merged], device=ids.device)
    return new_ids[ids], distinct
