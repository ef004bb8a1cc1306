import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from data import distributed, load_dataset
from data.distributed import Processes
from evaluation import cross_domain
from posenets import ScreenLifter, build_posenet
from posenets.checkpoints.files import write_checkpoint
from tests.tiny_cmu import FLAGS, ROOT, SETTINGS
from tests.training.two_weights import evaluated, learn
from training.checkpoint import LAST

HERE = Path(__file__).parent
TINY = (
    f"{FLAGS} --posenet_name simple_baseline --actions walk --subjects_train 02 07 "
    "--test_sets cmux2_a --epochs 1 --warmup 1 --steps_per_epoch 2 --batch_size 32 "
    "--posenet_width 16 --gan 0.1 "
    "--generator_width 16 --critic_width_3d 16 --critic_width_2d 16 --figures False --threads 1"
)


def test_alone_nothing_is_averaged():
    parameter = torch.nn.Parameter(torch.ones(3))
    parameter.grad = torch.arange(3.0)
    distributed.average_gradients([parameter])
    assert parameter.grad.tolist() == [0, 1, 2]
    assert distributed.gather("a") == ["a"] and distributed.from_first(3) == 3


def test_a_batch_is_shared_evenly_or_refused():
    assert Processes(0, 4, torch.device("cpu")).share(32) == 8
    with pytest.raises(ValueError, match="multiple of the 4 processes"):
        Processes(0, 4, torch.device("cpu")).share(30)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_cuda_where_there_is_none_is_refused():
    with pytest.raises(ValueError, match="finds no CUDA device"):
        distributed.start("cuda")


def two_processes(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A script of this folder under torchrun."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2",
               str(HERE / script), *words]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parent.parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def agreed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes have learnt (two_weights.py)."""
    folder = tmp_path_factory.mktemp("agreed")
    torch.manual_seed(0)
    lifter = ScreenLifter(build_posenet("simple_baseline", linear_size=8), "root")
    write_checkpoint(folder / "lifter.safetensors", lifter.to_checkpoint(epoch=5))
    (folder / "said.txt").write_text(two_processes("two_weights.py", str(folder)).stdout)
    return folder


def test_two_processes_give_the_losses_and_weights_of_one_with_the_same_batches(agreed: Path):
    """Within 1e-5: their sums are added in another order."""
    alone, (one, two) = learn(0, 1), (torch.load(agreed / f"learnt{rank}.pt") for rank in (0, 1))
    torch.testing.assert_close((one.pop("losses") + two["losses"]) / 2, alone.pop("losses"), rtol=1e-5, atol=0)
    for name, value in alone.items():
        assert torch.equal(one[name], two[name])
        torch.testing.assert_close(one[name], value, rtol=1e-5, atol=1e-5)


def test_two_processes_score_a_test_set_exactly_as_one_and_one_of_them_says_so(agreed: Path, capsys):
    one, two = (json.loads((agreed / f"lines{rank}.json").read_text()) for rank in (0, 1))
    written = [line | {"seconds": 0} for line in json.loads((agreed / "scores.json").read_text())]
    assert len(one) == 4 and one[0]["poses"] > 5 * 64 and one[0]["tables"]["action"] and one[0]["mpjve"]
    assert one == two == written == evaluated(agreed)
    assert without_times(capsys.readouterr().out) == without_times((agreed / "said.txt").read_text())


def test_where_one_process_or_both_fail_both_leave_and_one_has_the_error(agreed: Path):
    one, two = (json.loads((agreed / f"leave{rank}.json").read_text()) for rank in (0, 1))
    assert (one, two) == (["SystemExit", "ValueError"], ["ValueError", "SystemExit"])


def without_times(text: str) -> str:
    return re.sub(r"[0-9.]+ s\b", "", text)


def test_a_test_set_of_fewer_batches_than_processes_is_scored_by_those_that_have_one():
    parts = [Processes(rank, 3, torch.device("cpu")).part(2) for rank in range(3)]
    assert [range(2)[part] for part in parts] == [range(0), range(1), range(1, 2)]


def test_data_are_shared_out_by_frames_and_each_recording_is_somewhere():
    splits = load_dataset("cmu", replace(SETTINGS, downsample=8))
    shares = [splits.shard(rank, 3).train for rank in range(3)]
    names = [(recording.subject, recording.action) for recording in splits.train]
    assert sorted((recording.subject, recording.action) for share in shares for recording in share) == sorted(names)
    frames = [sum(map(len, share)) for share in shares]
    assert max(frames) - min(frames) <= max(map(len, splits.train))
    with pytest.raises(ValueError, match="--shard_data: .* too few"):
        splits.shard(0, len(splits.train) + 1)


def test_two_processes_agree_on_the_weights_of_samples(agreed: Path):
    for rank in (0, 1):
        weights = torch.load(agreed / f"weights{rank}.pt")
        torch.testing.assert_close(weights, torch.tensor([0.25, 0.25, 1.0, 0.0625]))


def test_two_processes_keep_equal_weights_on_different_poses(tmp_path: Path):
    data = "--shard_data True --subjects_train 02 03 07"
    words = [*TINY.split(), *data.split(), "--checkpoint", str(tmp_path / "runs")]
    done = two_processes("two_processes.py", str(tmp_path), *words)
    one, two = (torch.load(tmp_path / f"process{rank}.pt") for rank in (0, 1))
    for net in ("lifter", "generator", "critic"):
        for name, value in one[net].items():
            assert torch.equal(value, two[net][name]), (net, name)
    assert one["batch"] == two["batch"] == 16
    assert not torch.equal(one["noise"], two["noise"]) and not torch.equal(one["real"], two["real"])
    (run,) = (tmp_path / "runs").glob("*/*/*")  # one process writes
    lines = [json.loads(text) for text in (run / "results.jsonl").read_text().splitlines()]
    assert {line["test_set"] for line in lines} == {"validation", "cmux2_a"}
    alone = cross_domain.CrossDomain(run / LAST, ("cmux2_a",), device="cpu", data_root=str(ROOT), actions=("walk",))
    (judged,) = cross_domain.run(alone)
    made = next(line for line in reversed(lines) if line["test_set"] == "cmux2_a")
    assert {name: judged[name] for name in made} == made | {"phase": "test", "seconds": judged["seconds"]}
    assert done.stdout.count("writing ") == 1
    for rank in (0, 1):  # a thread of gloo that outlives Python aborts the process now and then
        assert "gloo" not in (tmp_path / f"threads{rank}.txt").read_text()
