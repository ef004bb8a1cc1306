"""The command that exports synthetic poses. What is in the files: test_formats.py."""

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import run_fk_gan
from augment.export.manifest import main
from augment.export.poses import standing_person
from kinematics import joint_limits
from kinematics.errors import PoseFKError
from kinematics.heading import align_heading
from kinematics.limits import FIT_TOLERANCE_RAD
from posenets.checkpoints.files import read_checkpoint, write_checkpoint
from tests.tiny_cmu import FLAGS

REPOSITORY = Path(__file__).parents[3]
Run = Callable[[Path, str], Path]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_seed_gives_the_same_bytes_however_many_processes_write(run: Run, tmp_path: Path, monkeypatch):
    words = "--format poseaug --num_poses 300 --shards 3 --seed 5"
    run(tmp_path / "one", words)
    for rank in (1, 0):
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("WORLD_SIZE", "2")
        run(tmp_path / "two", words)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    monkeypatch.delenv("RANK")
    monkeypatch.delenv("WORLD_SIZE")
    other = content(run(tmp_path / "other", words.replace("--seed 5", "--seed 6")))
    assert other["shard-00000-of-00003/poseaug.npz"] != content(tmp_path / "one")["shard-00000-of-00003/poseaug.npz"]


def test_two_real_processes_write_what_one_writes(tmp_path: Path):
    words = ["--recipe", "range_of_motion", "--format", "poseaug", "--num_poses", "32800", "--shards", "2"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m"]
    for launcher, folder in (([sys.executable, "-m"], "one"), (torchrun, "two")):
        done = subprocess.run([*launcher, "augment.export", *words, "--out", tmp_path / folder], cwd=REPOSITORY,
                              check=True, capture_output=True, text=True,
                              env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
        assert "32,800 poses of h36m_16 in" in done.stdout  # whichever process ended last
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_a_stopped_export_goes_on_without_making_finished_shards_again(run: Run, tmp_path: Path):
    words = "--format poseaug --num_poses 300 --shards 3"
    whole = content(run(tmp_path / "whole", words))
    run(tmp_path / "stopped", words)
    lost = tmp_path / "stopped/shard-00001-of-00003"
    (lost / "shard.json").unlink()  # as if it had been killed while writing
    (lost / "poseaug.npz").write_bytes(b"half")
    (tmp_path / "stopped/manifest.json").unlink()
    finished = tmp_path / "stopped/shard-00000-of-00003/poseaug.npz"
    before = finished.stat().st_mtime_ns
    run(tmp_path / "stopped", words)
    assert content(tmp_path / "stopped") == whole and finished.stat().st_mtime_ns == before


def test_the_process_that_ends_last_tells_whatever_its_rank(run: Run, tmp_path: Path, monkeypatch, capsys):
    words = "--format poseaug --num_poses 200 --shards 2"
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank, told in (("0", False), ("1", True)):
        monkeypatch.setenv("RANK", rank)
        run(tmp_path, words)
        assert ("200 poses of h36m_16" in capsys.readouterr().out) == told
    run(tmp_path, words)
    assert capsys.readouterr().out == ""  # another time rank 0 alone says that there is nothing to do
    monkeypatch.setenv("RANK", "0")
    run(tmp_path, words)
    told = capsys.readouterr()
    assert "nothing was made now" in told.out and "pose/s" not in told.err


def test_only_poses_inside_the_limits_are_kept_and_counted(run: Run, tmp_path: Path, capsys):
    run(tmp_path, "--format poseaug --num_poses 100 --within_limits True --keep angles")
    with np.load(tmp_path / "poseaug.npz") as file:
        angles = torch.from_numpy(file["joint_angles"])
    assert joint_limits("anatomical").excess(angles).max() <= FIT_TOLERANCE_RAD + 1e-4
    told = capsys.readouterr().out
    counts = json.loads((tmp_path / "manifest.json").read_text())["shards"][0]["counts"]
    assert counts["drawn"] > counts["in view"] > counts["kept"] == 100 and f"drawn {counts['drawn']:,}" in told


def test_novel_poses_differ_from_every_recorded_one(run: Run, tmp_path: Path):
    run(tmp_path, "--format hdf5 --num_poses 40 --min_novelty_mm 150")
    with h5py.File(tmp_path / "poses.h5") as file:
        made = align_heading(torch.from_numpy(file["joints_world"][:, 0]))
    known = align_heading(standing_person(1).joints_world()[:, 0])
    assert (made - known).norm(dim=-1).mean(dim=-1).min() >= 0.15


@pytest.mark.parametrize(
    "words, expected",
    [
        ("--recipe norml", "--recipe norml: choose from clipped_normal, range_of_motion, limb_swap"),
        ("--format coco --layout h36m_17", "--layout h36m_17: choose from coco_17 in the format coco"),
        ("--keep angels", "--keep angels: choose from angles, bones, cameras, definitions, seeds"),
        ("--num_poses 0", "--num_poses 0: expected 1 or more"),
        ("--num_poses 100 --shards 3", "100 poses make 2 chunks, expected at most that many"),
        ("--num_poses 999999999999", "GB left, the export needs about"),
        ("--checkpoint none.pt", "none.pt is missing"),
        ("--checkpoint a.pt --recipe range_of_motion", "give one of them"),
        ("--nmu_poses 3", "--nmu_poses is not a flag of augment.export.*Perhaps you meant: --num_poses"),
        ("--min_novelty_mm 90000 --num_poses 5", "Only 0 of 5 poses passed the filter in 100 rounds"),
    ],
)
def test_bad_flags_are_one_sentence_and_write_no_poses(run: Run, words: str, expected: str, tmp_path: Path):
    with pytest.raises((PoseFKError, ValueError, OSError), match=expected):
        run(tmp_path / "out", words)
    assert not (tmp_path / "out").exists() or set(content(tmp_path / "out")) <= {"export.json"}


def test_a_folder_of_another_export_or_of_somebody_else_is_refused(run: Run, tmp_path: Path):
    run(tmp_path / "out", "--format poseaug --num_poses 10")
    before = content(tmp_path / "out")
    with pytest.raises(PoseFKError, match=r"holds another export \(--num_poses was 10, now 20\)"):
        run(tmp_path / "out", "--format poseaug --num_poses 20")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    with pytest.raises(PoseFKError, match="is a folder with other files in it"):
        run(tmp_path / "mine", "--format poseaug --num_poses 10")
    assert content(tmp_path / "out") == before and content(tmp_path / "mine") == {"notes.txt": b"mine"}


def test_an_export_of_another_version_is_not_gone_on_with(run: Run, tmp_path: Path):
    run(tmp_path, "--format poseaug --num_poses 10")
    known = json.loads((tmp_path / "export.json").read_text())
    (tmp_path / "export.json").write_text(json.dumps({name: known[name] for name in known if name != "version"}))
    with pytest.raises(PoseFKError, match="begun by another version of PoseFK.*give a new folder"):
        run(tmp_path, "--format poseaug --num_poses 10")


@pytest.mark.parametrize("form", ["videopose3d", "poseaug", "hdf5", "motionbert"])
def test_checksums_are_those_of_the_files_and_tell_a_damaged_one(run: Run, form: str, tmp_path: Path, capsys):
    run(tmp_path, f"--format {form} --num_poses 70")
    files = json.loads((tmp_path / "manifest.json").read_text())["shards"][0]["files"]
    for name, entry in files.items():
        assert entry["crc32"] == f"{zlib.crc32((tmp_path / name).read_bytes()):08x}"
    main([str(tmp_path)])
    assert f"All {len(files)} files are what was written." in capsys.readouterr().out
    damaged = tmp_path / next(iter(files))
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(PoseFKError, match=f"1 of {len(files)} files are missing or damaged, first .*{damaged.name}"):
        main([str(tmp_path)])


def test_comparing_needs_the_folder_of_a_finished_export(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="manifest.json is missing"):
        main([str(tmp_path)])
    with pytest.raises(PoseFKError, match="takes the folder of one export"):
        main([])


def test_help_says_what_comparing_does(capsys):
    main(["--help"])
    assert "augment.export.manifest FOLDER" in capsys.readouterr().out


def test_a_lifter_is_trained_from_the_exported_videopose3d_files(run: Run, tmp_path: Path):
    run(tmp_path / "poses", "--recipe range_of_motion --format videopose3d --num_poses 640 --layout h36m_16")
    words = (
        "--dataset h36m --recipe none --subjects_train S1 S5 S6 --subjects_test S7 --epochs 4 --batch_size 16 "
        "--posenet_name simple_baseline --posenet_width 64 --posenet_blocks 1 --figures False --threads 1"
    )
    places = ["--data_root", tmp_path / "poses", "--checkpoint", tmp_path / "run", "--data_extra_root", tmp_path]
    run_fk_gan.main([*words.split(), *map(str, places)])
    lines = [json.loads(line) for path in tmp_path.rglob("results.jsonl") for line in path.read_text().splitlines()]
    tested = [line["mpjpe"] for line in lines if line["test_set"] == "h36m"]
    assert len(tested) == 4 and tested[-1] < tested[0]


def test_a_lifter_is_trained_from_the_exported_poseaug_file(run: Run, tmp_path: Path):
    from posenets import build_posenet

    run(tmp_path, "--recipe range_of_motion --format poseaug --num_poses 256")
    with np.load(tmp_path / "poseaug.npz") as file:
        pose2d, pose3d = (torch.from_numpy(file[key]) for key in ("pose2d", "pose3d"))
    torch.manual_seed(0)
    posenet = build_posenet("simple_baseline", linear_size=64, num_stage=1, dropout=0.0)
    optimizer = torch.optim.Adam(posenet.parameters(), lr=1e-3)
    errors = []
    for _ in range(60):
        loss = (posenet(pose2d[:, None]) - pose3d).norm(dim=-1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        errors.append(loss.item())
    assert errors[-1] < 0.5 * errors[0]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Recipe -> the last.safetensors of a tiny run."""
    folder = tmp_path_factory.mktemp("runs")
    words = (
        f"{FLAGS} --posenet_name simple_baseline --epochs 1 --steps_per_epoch 2 --batch_size 16 --test_sets cmux2_a "
        "--posenet_width 16 --posenet_blocks 1 "
        "--threads 1 --gan 0.1 --generator_width 16 --critic_width_3d 16 --critic_width_2d 16 --figures False "
        "--max_reference 200"
    )
    for recipe in ("posefk", "none"):
        run_fk_gan.main([*words.split(), "--recipe", recipe, "--checkpoint", str(folder / recipe)])
    return {recipe: next((folder / recipe).rglob("last.safetensors")) for recipe in ("posefk", "none")}


def test_a_checkpoint_s_own_augmenter_draws_the_poses(run: Run, checkpoints: dict[str, Path], tmp_path: Path):
    last = checkpoints["posefk"]
    run(tmp_path / "out", f"--format poseaug --num_poses 100 --checkpoint {last}")
    first = content(tmp_path / "out")
    assert "last.safetensors" in json.loads((tmp_path / "out/manifest.json").read_text())["checkpoint"]
    assert content(run(tmp_path / "again", f"--format poseaug --num_poses 100 --checkpoint {last}")) == first
    with pytest.raises(PoseFKError, match="is of a run without augmentation"):
        run(tmp_path / "none_out", f"--checkpoint {checkpoints['none']}")


def with_generator(checkpoint: Path, folder: Path, change: Callable[[torch.Tensor], torch.Tensor]) -> Path:
    """A checkpoint of the same name and size whose generator has other weights."""
    content = read_checkpoint(checkpoint)
    weights = content["run"]["augmenter"]["sources"]["gan"]["generator"]
    weights.update({name: change(weight) for name, weight in weights.items() if weight.is_floating_point()})
    folder.mkdir()
    write_checkpoint(folder / checkpoint.name, content)
    return folder / checkpoint.name


def test_an_export_never_goes_on_with_another_checkpoint_of_the_same_name_and_size(
    run: Run, checkpoints: dict[str, Path], tmp_path: Path
):
    first = with_generator(checkpoints["posefk"], tmp_path / "a", lambda weight: weight)
    second = with_generator(first, tmp_path / "b", lambda weight: weight * 1.01)
    assert first.stat().st_size == second.stat().st_size
    words = "--format poseaug --num_poses 130 --shards 2 --checkpoint"
    run(tmp_path / "out", f"{words} {first}")
    (tmp_path / "out/shard-00001-of-00002/shard.json").unlink()  # stopped after the first shard
    before = content(tmp_path / "out")
    wanted = r"another export \(--checkpoint was last.safetensors, sha256 .*, now last.safetensors, sha"
    with pytest.raises(PoseFKError, match=wanted):
        run(tmp_path / "out", f"{words} {second}")
    assert content(tmp_path / "out") == before
    run(tmp_path / "out", f"{words} {first}")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_generator_that_failed_writes_no_poses(run: Run, checkpoints: dict[str, Path], value: float, tmp_path: Path):
    failed = with_generator(checkpoints["posefk"], tmp_path / "a", lambda weight: torch.full_like(weight, value))
    with pytest.raises((PoseFKError, ValueError)):
        run(tmp_path / "out", f"--format poseaug --num_poses 64 --checkpoint {failed}")
    assert set(content(tmp_path / "out")) <= {"export.json"}
