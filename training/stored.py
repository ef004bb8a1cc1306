"""What last.safetensors holds of a run, as types, and held against the lifter and the settings beside it."""

from typing import Any, NotRequired, TypedDict

from torch import Tensor

from augment.stored import AugmenterState, check_stored
from kinematics import Skeleton
from posenets import lifter_from_checkpoint
from posenets.checkpoints.content import OptimizerState, check_content
from posenets.checkpoints.fitting import build_within
from training.building import build_lifter
from training.config import from_plain

Weights = dict[str, Tensor]
MOST_COUNTED = 2**53  # epochs, batches


class _Result(TypedDict):
    """Of a line of results.jsonl, what tables and figures read. stage: what phase was called."""

    test_set: str
    protocol: str
    epoch: int
    phase: NotRequired[str]
    stage: NotRequired[str]
    mpjpe: float
    p_mpjpe: float
    pck: float
    auc: float


class _Torch(TypedDict):
    cpu: Tensor
    cuda: Tensor | None


class _Place(TypedDict):
    before: Tensor
    place: int


class _Loss(TypedDict):
    weights: Tensor | None
    agreed: NotRequired[Tensor | None]


class _ProcessTrainer(TypedDict):
    buffers: Weights
    average_buffers: Weights | None
    loss: _Loss | None


class _Process(TypedDict):
    augmenter_random: Tensor | None
    torch: _Torch
    generator: Tensor
    noise: NotRequired[Tensor]
    real_for_lifter: _Place
    real_for_gan: _Place
    trainer: NotRequired[_ProcessTrainer | None]


class _Trainer(TypedDict):
    lifter: Weights
    average: Weights | None
    optimizer: OptimizerState
    updates: int
    loss: NotRequired[_Loss | None]


class _Account(TypedDict):
    sums: tuple[float, float]
    counts: tuple[int, int]
    start: float | None
    gan: dict[str, float]
    skipped: NotRequired[tuple[int, int, int, int]]
    gan_skipped: NotRequired[tuple[int, int]]


class _Comparison(TypedDict):
    left: list[dict[str, Any]]
    results: dict[str, list[_Result]]


class RunState(TypedDict):
    """What TrainingState.save writes; later versions have added to it."""

    epoch: int
    round: int
    step: int
    batches: int
    results: list[_Result]
    best: dict[str, float]
    processes: list[_Process]
    trainer: _Trainer
    augmenter: AugmenterState | None
    noise: NotRequired[dict[str, Any] | None]
    agreed: NotRequired[bool]
    account: NotRequired[_Account]
    acceptance: NotRequired[dict[str, float]]
    events: NotRequired[dict[str, int] | None]
    comparison: NotRequired[_Comparison]


def checked_run(content: dict[str, Any], path: object) -> dict[str, Any]:
    """Return the state of a run from its last.safetensors, or one sentence on what does not fit. path: of the file."""
    lifter = lifter_from_checkpoint(content, str(path))
    weights = content["model_pos"] | (content.get("readout") or {})
    try:
        settings = from_plain(content["settings"])
        layout = Skeleton.from_num_joints(settings.data.num_joints).name
        build_within(weights, lambda: build_lifter(settings, layout))
    except ValueError as error:
        raise ValueError(f"{path} does not fit together: {error}") from error
    run = content["run"]
    check_content(run, RunState, path)
    run["results"] = [{"phase" if key == "stage" else key: line[key] for key in line} for line in run["results"]]
    for name in ("epoch", "round", "step", "batches"):
        if not 0 <= run[name] < MOST_COUNTED:
            raise ValueError(f"{path} is not a whole checkpoint of PoseFK's: its {name} is {run[name]}.")
    if run["augmenter"] is not None:
        check_stored(settings.augment, run["augmenter"], lifter.frames)
    return run
