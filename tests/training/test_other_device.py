"""A run saved on one kind of device, or by some number of processes, and continued on another."""

from pathlib import Path

import torch

import run_fk_gan
from data.devices import OTHER_DEVICE
from posenets.checkpoints.files import LAST, read_checkpoint, write_checkpoint
from tests.tiny_cmu import FLAGS

TINY = (
    f"{FLAGS} --actions walk --subjects_train 02 07 --test_sets cmux2_a "
    "--posenet_name simple_baseline --epochs 1 --steps_per_epoch 2 "
    "--batch_size 16 --posenet_width 8 --gan 0.1 "
    "--generator_width 8 --critic_width_3d 8 --critic_width_2d 8 --threads 1 "
    "--figures False --device cpu"
)


def test_a_run_of_two_processes_goes_on_in_one_and_says_that_other_numbers_are_drawn(tmp_path: Path, capsys):
    run_fk_gan.main([*TINY.split(), "--checkpoint", str(tmp_path)])
    (folder,) = tmp_path.glob("*/*/*")
    content = read_checkpoint(folder / LAST)
    (process,) = content["run"]["processes"]
    buffers = {name: value for name, value in content["run"]["trainer"]["lifter"].items() if "running_" in name}
    states = [{name: value + shift for name, value in buffers.items()} for shift in (0.0, 1.0)]
    content["run"]["processes"] = [
        {**process, "trainer": {"buffers": state, "average_buffers": state, "loss": None}} for state in states
    ]
    content["run"] |= {"epoch": 1, "step": 0}
    write_checkpoint(folder / LAST, content)
    capsys.readouterr()
    run_fk_gan.main(["--resume", str(folder)])
    assert "changed from 2 to 1: from here on the run's random numbers are others" in capsys.readouterr().out


def test_a_run_saved_on_a_gpu_goes_on_and_says_that_other_numbers_are_drawn(tmp_path: Path, capsys):
    run_fk_gan.main([*TINY.split(), "--checkpoint", str(tmp_path)])
    (folder,) = tmp_path.glob("*/*/*")
    content = read_checkpoint(folder / LAST)
    (own,) = content["run"]["processes"]
    for name in ("generator", "noise", "augmenter_random"):  # as a GPU's are: a seed and an offset
        own[name] = torch.zeros(16, dtype=torch.uint8)
    own["torch"]["cuda"] = torch.zeros(16, dtype=torch.uint8)
    content["run"] |= {"epoch": 0, "step": 1, "batches": 1}  # in the middle
    write_checkpoint(folder / LAST, content)
    capsys.readouterr()
    run_fk_gan.main(["--resume", str(folder)])
    told = capsys.readouterr().out
    assert told.count(OTHER_DEVICE) == 1 and "nothing is left to learn" not in told
