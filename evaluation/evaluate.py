"""A lifter on a test set: predictions once, then the scores of any protocol from them."""

import re
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from augment.detector_noise.detections import build_detector_noise, detected_dataset, is_projected
from data.dataset import PoseDataset
from data.distributed import ALONE, Processes
from data.multiview.dataset import MultiViewDataset, Poses
from data.plausible import FARTHEST_M
from data.recordings import Recording
from data.residence import reside
from evaluation.metrics import METRICS, JointErrors
from evaluation.protocols import protocol_named
from kinematics.skeleton import Skeleton
from posenets import Lifter

# labels of the data set that have a table
TABLES = ("subject", "sequence", "activity", "scene", "action")
TEST_NOISES = ("none", "default")  # or a file
KNOWN_FOCAL = "_known_focal"  # at the end of a test set's name: the lifter is told the cameras' intrinsics
FRAMES_AT_ONCE = 16384  # in the windows of one batch: bounds the memory of long windows
MEAN_OVER_ACTIONS, MEAN_OVER_FRAMES = "mean over actions", "mean over frames"


class UnscorableError(ValueError):
    """Predictions that are not poses: NaN, or far beyond any body."""


class StoppedError(Exception):
    """An evaluation that was not finished."""


@dataclass
class EvaluationResult:
    """Root-relative joints (N, J, 3) in metres, float32, of every sample of a test set, in its order.

    follows: (N,) bool, whether a sample is the frame after the sample before it. processes: hold these poses, all of
    them, and share the work of scoring.
    """

    prediction: Tensor
    target: Tensor
    skeleton: Skeleton
    labels: dict[str, list[str]]
    label_ids: dict[str, Tensor]
    flip: bool
    seconds: float
    follows: Tensor
    processes: Processes = ALONE
    errors: JointErrors = field(init=False)

    def __post_init__(self) -> None:
        bad = int((~torch.isfinite(self.prediction)).flatten(1).any(1).sum())
        if bad:
            raise UnscorableError(
                f"The lifter predicts NaN or infinity for {bad} of {len(self.prediction)} poses: its training "
                "diverged; use an earlier checkpoint or a lower learning rate."
            )
        for what, joints, error in (
            ("predictions", self.prediction, UnscorableError), ("true poses", self.target, ValueError)
        ):  # fmt: skip
            farthest = float(joints.abs().amax()) if joints.numel() else 0.0
            if not farthest <= FARTHEST_M:
                raise error(
                    f"The {what} reach {farthest:.3g} m from the root, expected metres of bodies and at most "
                    f"{FARTHEST_M:g} m even of a lifter that errs: nothing can be scored."
                )
        self.errors = JointErrors.from_poses(self.prediction, self.target, self.follows, self.processes)


@dataclass(frozen=True)
class ScoreRow:
    """Scores of a part of a test set: the value of each of METRICS by its name, and of how many poses."""

    name: str
    poses: int
    values: dict[str, float | None]

    @classmethod
    def from_errors(cls, name: str, errors: JointErrors) -> "ScoreRow":
        return cls(name, len(errors.plain), {key: metric.function(errors) for key, metric in METRICS.items()})

    @classmethod
    def mean_of(cls, name: str, rows: list["ScoreRow"]) -> "ScoreRow":
        """Average rows plainly: Human3.6M's 15 actions weigh the same however long they are."""
        columns = {key: [row[key] for row in rows] for key in rows[0].values}
        means = {key: None if None in column else sum(column) / len(column) for key, column in columns.items()}
        return cls(name, sum(row.poses for row in rows), means)

    def __getitem__(self, metric: str) -> Any:
        return self.values[metric]

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "poses": self.poses, **self.values}


@dataclass
class Scores:
    """Scores of a lifter by one protocol. tables: rows per label of the test set (TABLES) and group of joints."""

    protocol: str
    flip: bool
    total: ScoreRow
    seconds: float
    tables: dict[str, list[ScoreRow]]

    def __getitem__(self, metric: str) -> Any:
        return self.total[metric]

    def result_line(self, test_set: str, epoch: int | None = None, phase: str = "test") -> dict[str, Any]:
        """One line of results.jsonl, without the tables."""
        values = {key: None if value is None else round(value, 4) for key, value in self.total.values.items()}
        line = {"epoch": epoch, "phase": phase, "test_set": test_set, "protocol": self.protocol, "flip": self.flip}
        return {**line, **values, "poses": self.total.poses, "seconds": round(self.seconds, 4)}


def dataset_for(lifter: Lifter, recordings: Sequence[Recording], device: torch.device | str = "cpu") -> Poses:
    """Recordings in the windows, the layout and the number of views that a lifter reads, with batches on `device`."""
    skeleton, frames, target = lifter.skeleton.name, lifter.frames, lifter.target_frame
    if lifter.views == 1:
        return reside(PoseDataset.from_recordings(recordings, skeleton, frames, target=target), device)
    return reside(MultiViewDataset.from_recordings(recordings, skeleton, frames, lifter.views, target=target), device)


def noisy(dataset: Poses, noise: str, name: str, screen: Skeleton | None = None) -> Poses:
    """Return a test set as a detector of that noise (a word or a file) sees it, always alike; refuses detections.

    screen: layout of the joints that are detected; None: the data set's.
    """
    if noise == "none":
        return dataset
    if not is_projected(dataset):
        raise ValueError(f"--test_noise {noise}: the 2D of {name} is a detector's already, leave the flag out.")
    model = build_detector_noise(noise, dataset, screen)
    return dataset if model is None else detected_dataset(dataset, model, zlib.crc32(name.encode()))


def columns_of(lifter: Lifter, dataset: Poses, name: str) -> dict[str, bool]:
    """List what a test set is scored as: without intrinsics, and with them where both it and the lifter have a use."""
    both = lifter.reads_focal and dataset.cameras is not None
    return {name: False} | ({f"{name}{KNOWN_FOCAL}": True} if both else {})


def evaluate(
    lifter: Lifter, dataset: Poses, flip: bool = True, protocol: str = "all_joints", batch_size: int = 4096
) -> Scores:
    """Scores of a lifter on a test set. flip: average with the mirror image's prediction."""
    return score(predict_dataset(lifter, dataset, flip, batch_size), protocol)


@torch.inference_mode()
def predict_dataset(
    lifter: Lifter, dataset: Poses, flip: bool = True, batch_size: int = 4096,
    progress: Callable[[int], object] | None = None, known_focal: bool = False, processes: Processes = ALONE,
    stopping: Callable[[], bool] = lambda: False,
) -> EvaluationResult:  # fmt: skip
    """Predictions for every sample, with their errors. progress: called with the number of poses done each time.

    known_focal: the lifter is told the cameras' intrinsics. processes: with the same lifter and data set, each of which
    predicts a part of its batches, and gets all. stopping: asked before each batch; once one says yes, all raise
    StoppedError.
    """
    check_fits(lifter, dataset)
    start = time.perf_counter()
    batch_size = min(batch_size, max(64, FRAMES_AT_ONCE // (lifter.frames * lifter.views)))
    skeleton, device = lifter.skeleton, dataset.batch_device
    prediction, target = torch.zeros(2, len(dataset), skeleton.num_joints, 3, device=device)
    batches, stopped = torch.arange(len(dataset), device=dataset.device).split(batch_size), False
    with processes.failing_together():
        for indices in batches[processes.part(len(batches))]:
            if stopped := stopping():
                break
            batch = dataset.batch(indices).with_focal_known() if known_focal else dataset.batch(indices)
            places = indices.to(device)
            prediction[places] = lifter.predict_batch(batch, flip).float()
            target[places] = lifter.target(batch)[:, lifter.target_frame].float()
            if progress:
                progress(len(indices))
    if processes.any(stopped):
        raise StoppedError
    for shared in (prediction, target):
        processes.sum_up(shared)
    result = EvaluationResult(
        prediction, target, skeleton, dataset.labels,
        {name: ids.to(device) for name, ids in dataset.label_ids.items()}, flip, 0.0,
        dataset.follows().to(device), processes,
    )  # fmt: skip
    result.seconds = time.perf_counter() - start  # float() of the check above has waited for the device
    return result


def check_fits(lifter: Lifter, dataset: Poses) -> None:
    """Refuse a data set of another layout or window, or one whose poses cannot be seen as the lifter reads them."""
    joints, window = dataset.joints_3d.shape[-2], (dataset.frames, dataset.target)
    wanted, needed = lifter.skeleton, (lifter.frames, lifter.target_frame)
    if joints != wanted.num_joints or window != needed:
        raise ValueError(
            f"The data set has {joints} joints and the sample at place {window[1]} of windows of {window[0]} frame(s), "
            f"the lifter reads {wanted.num_joints} joints and place {needed[1]} of {needed[0]}: build it with "
            "evaluation.evaluate.dataset_for(lifter, recordings)."
        )
    seen_by = dataset.views if isinstance(dataset, MultiViewDataset) else 1
    if seen_by != lifter.views:
        raise ValueError(f"Each pose of the data set is seen by {seen_by} camera(s), the lifter reads {lifter.views}.")
    first = torch.arange(min(len(dataset), 1), device=dataset.device)
    dataset.batch(first).seen_as(lifter.input_skeleton)


def score(result: EvaluationResult, protocol: str = "all_joints") -> Scores:
    rules, skeleton = protocol_named(protocol), result.skeleton
    rules.check(skeleton)
    errors = result.errors
    if rules.scored:
        prediction, target = (rules.select(joints, skeleton) for joints in (result.prediction, result.target))
        errors = JointErrors.from_poses(prediction, target, result.follows, result.processes)
    errors = replace(errors, counted=rules.joints(skeleton))
    total = ScoreRow.from_errors("all", errors)
    tables: dict[str, list[ScoreRow]] = {}
    for name in TABLES:
        if any(result.labels.get(name, [])):
            ids, words = _label(result, name)
            parts = torch.unique(ids).tolist()
            tables[name] = [ScoreRow.from_errors(words[i], errors.select(poses=ids == i)) for i in parts]
    if "action" in tables:
        mean = ScoreRow.mean_of(MEAN_OVER_ACTIONS, tables["action"])
        tables["action"] += [mean, replace(total, name=MEAN_OVER_FRAMES)]
    if rules.groups:
        groups = rules.group_joints(skeleton)
        tables["joints"] = [ScoreRow.from_errors(name, errors.select(joints=group)) for name, group in groups.items()]
    return Scores(protocol, result.flip, total, result.seconds, tables)


def score_arrays(
    prediction: Float[Tensor, "poses joints 3"], target: Float[Tensor, "poses joints 3"],
    skeleton: str = "mpi_inf_3dhp_17", protocol: str = "official_3dhp", consecutive: bool = False,
) -> Scores:  # fmt: skip
    """Score predictions made elsewhere, metres, any root. consecutive: frames of one sequence, with a velocity."""
    layout = Skeleton(skeleton)
    layout.check(prediction)
    root = slice(layout.root, layout.root + 1)
    follows = torch.full((len(prediction),), consecutive, device=prediction.device)
    result = EvaluationResult(
        prediction - prediction[:, root], target - target[:, root], layout, {}, {}, False, 0.0, follows
    )
    return score(result, protocol)


def _label(result: EvaluationResult, name: str) -> tuple[Tensor, list[str]]:
    """(ids, words) of a label; the two recordings of an action ("Walking", "Walking 1") are one action."""
    words, ids = result.labels[name], result.label_ids[name]
    if name != "action":
        return ids, words
    merged = [re.sub(r" \d+$", "", word) for word in words]
    distinct = sorted(set(merged))
    new_ids = torch.tensor([distinct.index(word) for word in merged], device=ids.device)
    return new_ids[ids], distinct
