"""Started as two processes from test_distributed.py: each lets other samples fade, then both agree; and both learn from
their halves of the same batches, and evaluate OUT/lifter.safetensors together.

Usage: two_weights.py OUT
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch

import run_fk_gan
from data import PoseBatch, distributed
from data.distributed import Processes
from evaluation import cross_domain
from posenets import ScreenLifter, build_posenet
from tests.tiny_cmu import ROOT
from training.config import LearningSettings
from training.lifting import LifterTrainer
from training.view_losses import ErrorAwareWeights


def learn(rank: int, count: int) -> dict[str, torch.Tensor]:
    """Losses and weights of a lifter after five updates on a process's part of five batches. No batch norm: its
    statistics are of a part.
    """
    torch.manual_seed(0)
    lifter = ScreenLifter(build_posenet("seq2seq", frames=3, width=16, dropout2=0.0))
    trainer, losses = LifterTrainer(lifter, LearningSettings()), []
    for _ in range(5):
        joints = torch.randn(32, 3, 16, 3) * 0.3 + torch.tensor([0.0, 0.0, 5.0])
        part = slice(rank * 32 // count, (rank + 1) * 32 // count)
        batch = PoseBatch.of(joints[part], joints[part, ..., :2] / joints[part, ..., 2:], None)
        losses.append(run_fk_gan.update_lifter(trainer, batch))
    return {"losses": torch.stack(losses), **lifter.state_dict()}


def evaluated(folder: Path) -> list[dict[str, Any]]:
    """The lines of a test set of six batches, without times."""
    settings = cross_domain.CrossDomain(
        folder / "lifter.safetensors", ("cmux2_a",), folder / "scores.json", ("all_joints", "limbs"), "both",
        batch_size=64, device="cpu", data_root=str(ROOT),
    )  # fmt: skip
    return [line | {"seconds": 0} for line in cross_domain.run(settings)]


def leaving(processes: Processes, fails: tuple[int, ...]) -> str:
    """How this process leaves a context in another one, inside which those ranks fail."""
    try:
        with distributed.failing_together(), processes.failing_together():
            if processes.rank in fails:
                raise ValueError("This file is damaged.")
    except (ValueError, SystemExit) as left:
        return type(left).__name__
    return "stays"


if __name__ == "__main__":
    processes = distributed.start("cpu")
    own = ErrorAwareWeights(4)
    for _ in range(2):  # what has been agreed on counts once
        own.weights[processes.rank] *= 0.5
        own.weights[3] *= 0.5
        own.synchronise()
    torch.save(own.weights, Path(sys.argv[1]) / f"weights{processes.rank}.pt")
    torch.save(learn(processes.rank, processes.count), Path(sys.argv[1]) / f"learnt{processes.rank}.pt")
    leave = [leaving(processes, fails) for fails in ((1,), (0, 1))]
    (Path(sys.argv[1]) / f"leave{processes.rank}.json").write_text(json.dumps(leave))
    lines = evaluated(Path(sys.argv[1]))  # leaves the group
    (Path(sys.argv[1]) / f"lines{processes.rank}.json").write_text(json.dumps(lines))
