"""Started by torchrun from test_distributed.py: run_fk_gan.py with the weights of every process kept, and the names of
the threads that outlive the run.

Usage: two_processes.py OUT FLAGS...
"""

import os
import sys
from pathlib import Path

import torch

import run_fk_gan
from training.state import TrainingState

save = TrainingState.save


def save_all(run: TrainingState, folder: Path | None) -> None:
    save(run, folder)
    assert run.augmenter is not None
    gan = run.augmenter.sources["gan"]
    torch.save(
        {
            "lifter": run.trainer.evaluated.state_dict(),
            "generator": gan.pose_generator.state_dict(),
            "critic": gan.critics["critic_3d"].state_dict(),
            "noise": torch.randn(3, generator=run.mixer.generator),
            "real": run.mixer.real_for_lifter.draw(8).joints_2d,
            "batch": run.mixer.count,
        },
        Path(sys.argv[1]) / f"process{run.processes.rank}.pt",
    )


TrainingState.save = save_all
run_fk_gan.main(sys.argv[2:])
threads = sorted(file.read_text().strip() for file in Path("/proc/self/task").glob("*/comm"))  # Linux alone has them
(Path(sys.argv[1]) / f"threads{os.environ['RANK']}.txt").write_text("\n".join(threads))
