"""A lifter on a test set: predictions once, then the scores of any protocol from them."""

import re
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from augment.detector_noise.detections import detected_dataset, is_projected, noise_for
from data.dataset import PoseDataset
from data.multiview.dataset import MultiViewDataset, Poses
from data.plausible import FARTHEST_M
from data.recordings import Recording
from data.residence import reside
from evaluation.metrics import joint_errors, scale_aligned, similarity_aligned
from evaluation.protocols import JointErrors, Row, group_rows, protocol_named, rows_by_label, score_row
from kinematics.skeleton import Skeleton
from posenets import Lifter

# labels of the data set that have a table
TABLES = ("subject", "sequence", "activity", "scene", "action")
TEST_NOISES = ("none", "default")  # or a file
FRAMES_AT_ONCE = 16384  # in the windows of one batch: bounds the memory of long windows
MEAN_OVER_ACTIONS, MEAN_OVER_FRAMES = "mean over actions", "mean over frames"


class UnscorableError(ValueError):
    """Predictions that are no poses at all."""


@dataclass
class Predictions:
    """Root-relative joints (N, J, 3) in metres, float32, of every sample of a test set, in its order.

    follows: (N,) bool, whether a sample is the frame after the sample before it.
    """

    prediction: Tensor
    target: Tensor
    skeleton: Skeleton
    labels: dict[str, list[str]]
    label_ids: dict[str, Tensor]
    flip: bool
    seconds: float
    follows: Tensor
    errors: JointErrors = field(init=False)

    def __post_init__(self) -> None:
        bad = int((~torch.isfinite(self.prediction)).flatten(1).any(1).sum())
        if bad:
            raise UnscorableError(
                f"The lifter predicts NaN or infinity for {bad} of {len(self.prediction)} poses: its training "
                "diverged; use an earlier checkpoint or a lower learning rate."
            )
        plain, target = self.prediction, self.target
        for what, joints, kind in (("predictions", plain, UnscorableError), ("true poses", target, ValueError)):
            farthest = float(joints.abs().amax()) if joints.numel() else 0.0
            if not farthest <= FARTHEST_M:
                raise kind(
                    f"The {what} reach {farthest:.3g} m from the root, expected metres of bodies and at most "
                    f"{FARTHEST_M:g} m even of a lifter that errs: nothing can be scored."
                )
        velocity = torch.full(plain.shape[:2], torch.nan, device=plain.device)
        if len(plain) > 1:
            moved = joint_errors(plain.diff(dim=0), target.diff(dim=0))
            velocity[1:] = torch.where(self.follows[1:, None], moved, velocity[1:])
        aligned = joint_errors(similarity_aligned(plain, target), target)
        scaled = joint_errors(scale_aligned(plain, target), target)
        self.errors = JointErrors(joint_errors(plain, target), aligned, scaled, velocity)


@dataclass
class Scores:
    """What a protocol says of a lifter, all frames of the same weight: the numbers of a Row.

    tables: rows per subject, sequence, activity, scene, action and group of joints, as far as the test set tells.
    """

    protocol: str
    flip: bool
    mpjpe: float
    p_mpjpe: float
    n_mpjpe: float
    mpjve: float | None
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


def dataset_for(lifter: Lifter, recordings: Sequence[Recording], device: torch.device | str = "cpu") -> Poses:
    """Takes in the windows, the layout and the number of views that a lifter reads, with batches on `device`."""
    skeleton, frames, target = lifter.skeleton.name, lifter.frames, lifter.target_frame
    if lifter.views == 1:
        return reside(PoseDataset.from_recordings(recordings, skeleton, frames, target=target), device)
    return reside(MultiViewDataset.from_recordings(recordings, skeleton, frames, lifter.views, target=target), device)


def noisy(dataset: Poses, noise: str, name: str) -> Poses:
    """A test set as a detector of that noise (a word or a file) sees it: once, and by its name the same for everybody.

    Refuses detections: they have errors of their own.
    """
    if noise == "none":
        return dataset
    if not is_projected(dataset):
        raise ValueError(f"--test_noise {noise}: the 2D of {name} is a detector's already, leave the flag out.")
    model = noise_for(noise, dataset)
    return dataset if model is None else detected_dataset(dataset, model, zlib.crc32(name.encode()))


def evaluate(
    lifter: Lifter, dataset: Poses, flip: bool = True, protocol: str = "family", batch_size: int = 4096
) -> Scores:
    """Scores of a lifter on a test set. flip: average with the mirror image's prediction."""
    return score(predict(lifter, dataset, flip, batch_size), protocol)


@torch.inference_mode()
def predict(
    lifter: Lifter, dataset: Poses, flip: bool = True, batch_size: int = 4096,
    progress: Callable[[int], object] | None = None,
) -> Predictions:  # fmt: skip
    """Predictions for every sample, with their errors. progress: called with the number of poses done each time."""
    check_fits(lifter, dataset)
    start = time.perf_counter()
    batch_size = min(batch_size, max(64, FRAMES_AT_ONCE // (lifter.frames * lifter.views)))
    skeleton, predictions, targets = lifter.skeleton, [], []
    for indices in torch.arange(len(dataset), device=dataset.device).split(batch_size):
        batch = dataset.batch(indices)
        predictions.append(lifter.predict_batch(batch, flip).float())
        targets.append(lifter.target(batch)[:, lifter.target_frame].float())
        if progress:
            progress(len(indices))
    made = Predictions(
        torch.cat(predictions), torch.cat(targets), skeleton, dataset.labels,
        {name: ids.to(targets[0].device) for name, ids in dataset.label_ids.items()}, flip, 0.0,
        dataset.follows().to(targets[0].device),
    )  # fmt: skip
    made.seconds = time.perf_counter() - start  # float() of the check above has waited for the device
    return made


def check_fits(lifter: Lifter, dataset: Poses) -> None:
    """Refuse a data set of another layout or window, or one whose poses cannot be seen as the lifter reads them."""
    joints, window = dataset.joints_3d.shape[-2], (dataset.frames, dataset.target)
    wanted, needed = lifter.skeleton, (lifter.frames, lifter.target_frame)
    if joints != wanted.num_joints or window != needed:
        raise ValueError(
            f"The data set has {joints} joints and the sample at place {window[1]} of windows of {window[0]} frame(s), "
            f"the lifter reads {wanted.num_joints} joints and place {needed[1]} of {needed[0]}: build it with "
            "evaluation.evaluate.dataset_for(lifter, takes)."
        )
    seen_by = dataset.views if isinstance(dataset, MultiViewDataset) else 1
    if seen_by != lifter.views:
        raise ValueError(f"Each pose of the data set is seen by {seen_by} camera(s), the lifter reads {lifter.views}.")
    first = torch.arange(min(len(dataset), 1), device=dataset.device)
    dataset.batch(first).seen_as(lifter.input_skeleton)


def score(predictions: Predictions, protocol: str = "family") -> Scores:
    """Scores and tables of one protocol."""
    rules, skeleton = protocol_named(protocol), predictions.skeleton
    rules.check(skeleton)
    joints = rules.joints(skeleton)
    errors = predictions.errors
    total = score_row("all", errors, joints)
    tables = {
        name: rows_by_label(*_label(predictions, name), errors, joints)
        for name in TABLES
        if any(predictions.labels.get(name, []))
    }
    if "action" in tables:
        tables["action"] += [mean_row(MEAN_OVER_ACTIONS, tables["action"]), _renamed(total, MEAN_OVER_FRAMES)]
    if rules.groups:
        tables["joints"] = group_rows(errors, rules.group_joints(skeleton))
    numbers = {name: value for name, value in asdict(total).items() if name != "name"}
    return Scores(protocol, predictions.flip, **numbers, seconds=predictions.seconds, tables=tables)


def score_arrays(
    prediction: Float[Tensor, "poses joints 3"], target: Float[Tensor, "poses joints 3"],
    skeleton: str = "mpi_inf_3dhp_17", protocol: str = "official_3dhp", consecutive: bool = False,
) -> Scores:  # fmt: skip
    """Scores of predictions made elsewhere. prediction, target: metres, in the layout `skeleton`, any root.

    consecutive: the poses are the frames of one sequence, so that they have a velocity.
    """
    layout = Skeleton(skeleton)
    layout.check(prediction)
    root = slice(layout.root, layout.root + 1)
    follows = torch.full((len(prediction),), consecutive, device=prediction.device)
    made = Predictions(prediction - prediction[:, root], target - target[:, root], layout, {}, {}, False, 0.0, follows)
    return score(made, protocol)


def mean_row(name: str, rows: list[Row]) -> Row:
    """The plain mean of rows: Human3.6M's 15 actions weigh the same however long they are."""
    means = {}
    for key in ("mpjpe", "p_mpjpe", "n_mpjpe", "mpjve", "pck", "auc"):
        values = [getattr(row, key) for row in rows]
        means[key] = None if None in values else sum(values) / len(values)
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
