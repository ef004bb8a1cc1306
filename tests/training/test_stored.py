"""A run's state that is damaged, diverged or does not fit together: refused at every door, in one sentence."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import run_fk_gan
from augment.export import __main__ as export
from data import DataSplits, load_dataset
from evaluation import cross_domain
from evaluation.predict import __main__ as predict
from kinematics.errors import BAD_INPUT
from posenets import load_lifter
from posenets.checkpoints.files import PREVIOUS, read_checkpoint, write_checkpoint
from posenets.export_onnx import __main__ as export_onnx
from tests.tiny_cmu import FLAGS, ROOT, SETTINGS
from training.checkpoint import read_last, save_last
from training.config import from_plain
from viewer.generator import ClipSource
from viewer.settings import Viewer, check


@pytest.fixture(scope="module")
def last(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last.safetensors of a run with a GAN, averaged weights and a detector's noise."""
    folder = tmp_path_factory.mktemp("runs")
    words = (
        f"{FLAGS} --epochs 1 --steps_per_epoch 2 --batch_size 16 --downsample 2 --threads 1 --ema 0.9 "
        "--posenet_name simple_baseline --posenet_width 8 --posenet_blocks 1 --gan 0.1 "
        "--generator_width 8 --latent_dim 8 "
        "--critic_width_3d 8 --critic_width_2d 8 --figures False --max_reference 100 --test_sets cmux2_a "
        f"--detector_noise default --checkpoint {folder}"
    )
    run_fk_gan.main(words.split())
    return next(folder.rglob("last.safetensors"))


@pytest.fixture(scope="module")
def splits() -> DataSplits:
    return load_dataset("cmu", replace(SETTINGS, downsample=2))


DOORS: dict[str, Callable[[Path, Path], Any]] = {
    "resume": lambda path, out: run_fk_gan.main(["--resume", str(path)]),
    "evaluate": lambda path, out: run_fk_gan.main(["--evaluate", str(path), *FLAGS.split()]),
    "cross_domain": lambda path, out: cross_domain.main(
        ["--checkpoint", str(path), "--data_root", str(ROOT), "--test_sets", "cmux2_a"]
    ),
    "predict": lambda path, out: predict.main(["--checkpoint", str(path), "--keypoints", "x.json", "--out", str(out)]),
    "export": lambda path, out: export.main(["--checkpoint", str(path), "--num_poses", "5", "--out", str(out)]),
    "onnx": lambda path, out: export_onnx.main(["--checkpoint", str(path), "--out", str(out)]),
    "viewer": lambda path, out: check(Viewer(checkpoint=path, port=0)),
}


def refused(door: str, path: Path, out: Path, words: str) -> None:
    before = path.read_bytes(), sorted(path.parent.iterdir())
    with pytest.raises(BAD_INPUT, match=words):
        DOORS[door](path, out)
    assert (path.read_bytes(), sorted(path.parent.iterdir())) == before and not out.exists()


def damaged(path: Path) -> bytes:
    """The file with one bit flipped among its weights."""
    raw = bytearray(path.read_bytes())
    raw[-len(raw) // 8] ^= 4
    return bytes(raw)


@pytest.mark.parametrize("door", DOORS)
def test_every_door_refuses_damage_and_nan(door: str, last: Path, tmp_path: Path):
    path = tmp_path / "last.safetensors"
    path.write_bytes(damaged(last))
    refused(door, path, tmp_path / "out", "is damaged")
    content = read_checkpoint(last)
    content["model_pos"]["w1.weight"][0, 0] = torch.nan
    write_checkpoint(path, content)
    refused(door, path, tmp_path / "out", "NaN or infinite numbers in w1.weight")


@pytest.mark.parametrize("flag", ["--resume", "--evaluate"])
def test_the_command_says_one_sentence_with_exit_code_2(flag: str, last: Path, tmp_path: Path, refusal_of: Any):
    (tmp_path / "last.safetensors").write_bytes(damaged(last))
    (tmp_path / "last.previous.safetensors").write_bytes(last.read_bytes())
    said = refusal_of(run_fk_gan.main, [flag, str(tmp_path / "last.safetensors")])
    assert "is damaged (its bytes are not those" in said and "last.previous.safetensors" in said


GAN = ("run", "augmenter", "sources", "gan")


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("run", "epoch"), -1, "its epoch is -1"),
        (("run", "epoch"), 10**6, "the run stood at batch"),
        (("run", "step"), "3", "step is 3, expected a whole number"),
        (("run", "results"), [{}], "results"),
        (("run", "best"), {"cmux2_a": None}, "best.cmux2_a is None"),
        (("run", "processes"), [5], "processes"),
        (("run", "processes"), [], "0 processes"),
        (("run", "processes", 0, "generator"), torch.zeros(5056), "random numbers"),
        (("run", "processes", 0, "torch", "cpu"), torch.zeros(3, dtype=torch.uint8), "random numbers"),
        (("run", "processes", 0, "real_for_lifter", "place"), 10**9, "stood at pose"),
        (("run", "trainer"), None, "trainer is None"),
        (("run", "trainer", "average"), None, "average weights"),
        (("run", "trainer", "lifter", "posenet.w1.weight"), torch.zeros(2, 2), "other sizes"),
        (("run", "trainer", "optimizer", "state", 0, "exp_avg"), torch.zeros(2), "exp_avg"),
        (("run", "trainer", "optimizer", "state", 0, "exp_avg_sq"), torch.full((8, 32), torch.inf), "NaN or infinite"),
        (("run", "augmenter"), None, "saved augmenter has learnt sources: none"),
        ((*GAN, "generator", "block1.fc1.bias"), torch.full((8,), torch.nan), "NaN or infinite"),
        ((*GAN, "critic_2d"), {}, "critic_2d"),
        ((*GAN, "updates"), None, "updates"),
        (("run", "noise"), {"skeleton": "h36m_16"}, "lack"),
        (("run", "noise", "sd"), "x", "sd is x"),
        (("settings",), None, "settings"),
        (("settings", "learning"), 5, "LearningSettings is 5"),
        (("settings", "learning", "batch_size"), 10**12, "--batch_size"),
        (("settings", "learning", "epochs"), 10**12, "--epochs"),
        (("settings", "learning", "lr"), "fast", "lr is fast"),
        (("settings", "data", "seed"), 2**70, "seed"),
        (("settings", "data", "num_joints"), 10**9, "num_joints|joints"),
        (("settings", "lifter", "posenet_width"), 10**5, "more weights than it holds"),
        (("settings", "lifter", "posenet_blocks"), 10**9, "--posenet_blocks"),
        (("settings", "lifter", "posenet_name"), "x", "--posenet_name x"),
        (("settings", "augment", "gan", "generator_width"), 10**9, "deconv_out.weight"),
        (("settings", "augment", "gan", "latent_dim"), 10**9, "preprocess.0.weight"),
        (("settings", "augment", "gan", "critic_width_3d"), 10**9, "critic_3d"),
        (("settings", "augment", "gan", "generator_every"), 0, "generator_every"),
        (("settings", "augment", "tries"), 10**12, "tries"),
        (("settings", "augment", "gan", "max_tilt"), torch.nan, "max_tilt"),
    ],
)
def test_a_run_that_does_not_fit_together_is_not_resumed(
    place: tuple[Any, ...], value: Any, words: str, last: Path, splits: DataSplits, tmp_path: Path, monkeypatch: Any
):
    monkeypatch.setattr(run_fk_gan, "load_dataset", lambda *_: splits)
    content = read_checkpoint(last)
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    write_checkpoint(tmp_path / "last.safetensors", content)
    refused("resume", tmp_path / "last.safetensors", tmp_path / "out", words)


def test_a_generator_s_state_is_held_against_its_settings_for_the_viewer_too(last: Path):
    content = read_checkpoint(last)
    assert ClipSource.of_checkpoint(content, last).frames == 1
    content["run"]["augmenter"]["sources"]["gan"]["generator"]["block1.fc1.bias"][0] = torch.nan
    with pytest.raises(ValueError, match="NaN or infinite numbers in block1.fc1.bias"):
        ClipSource.of_checkpoint(content, last)


def same(one: Any, other: Any) -> bool:
    """Whether nested states are equal; lists may stand for tuples."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def test_a_state_of_an_earlier_version_is_read_alike(last: Path, tmp_path: Path):
    torch.save(read_checkpoint(last), tmp_path / "last.pt")
    old, new = read_last(tmp_path), read_last(last.parent)
    assert same(old.state, new.state) and (old.path.name, new.path.name) == ("last.pt", last.name)
    assert read_last(tmp_path / "last.safetensors").path == old.path  # a name's other suffix is understood


def test_a_folder_s_newest_undamaged_state_is_used_and_said(last: Path, tmp_path: Path, capsys: Any):
    for name in ("last.safetensors", PREVIOUS):
        (tmp_path / name).write_bytes(damaged(last))
    with pytest.raises(ValueError, match=r"last.safetensors cannot be read .* is damaged .* go on from"):
        read_last(tmp_path)
    (tmp_path / "last.previous2.safetensors").write_bytes(last.read_bytes())
    saved = read_last(tmp_path)
    assert saved.path.name == "last.previous2.safetensors" and same(saved.state, read_last(last).state)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "last.safetensors" in said and "damaged" in said and f"from {saved.path}" in said


def test_as_many_states_are_kept_as_asked_for(last: Path, tmp_path: Path):
    lifter, settings = load_lifter(last), from_plain(read_last(last).state["settings"])
    for epoch in range(5):
        save_last(tmp_path, lifter, epoch, settings, {}, keep=3)
    kept = {path.name: read_checkpoint(path)["epoch"] for path in tmp_path.iterdir()}
    assert kept == {"last.safetensors": 4, PREVIOUS: 3, "last.previous2.safetensors": 2}
    save_last(tmp_path, lifter, 5, settings, {}, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [PREVIOUS, "last.safetensors"]
