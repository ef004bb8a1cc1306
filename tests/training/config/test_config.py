import json
from pathlib import Path

import pytest

from training.config import Settings, from_plain, read_settings, setting_types, to_plain


def test_settings_survive_json():
    settings = read_settings(["--recipe", "dh-aug", "--actions", "walk", "sit", "--focal", "1.5", "2.5"])
    assert from_plain(json.loads(json.dumps(to_plain(settings)))) == settings


def test_what_is_typed_wins_over_recipe_and_data_set():
    preset = read_settings(["--dataset", "cmu", "--recipe", "dh-aug"])
    assert preset.learning.loss == "mse" and preset.augment.schedule == "alternate"
    typed = read_settings(["--dataset", "cmu", "--recipe", "dh-aug", "--loss", "mpjpe", "--epochs", "3"])
    assert typed.learning.loss == "mpjpe" and typed.learning.epochs == 3
    assert typed.learning.lr_schedule == preset.learning.lr_schedule == "linear"
    assert typed.augment == preset.augment


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        ("", {"posenet_name": "videopose", "epochs": "30"}),
        ("--dataset h36m --recipe none --as_published True", {"epochs": "25"}),
    ],
)
def test_help_shows_the_defaults_of_what_is_named_beside_it(flags: str, shown: dict[str, str], capsys):
    with pytest.raises(SystemExit) as left:
        read_settings([*flags.split(), "--help"])
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert not left.value.code
    for name, value in shown.items():
        after = text.partition(f"--{name} ")[2]
        assert after.partition("(default: ")[2].startswith(f"{value})"), name


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--dataset humaneva --recipe none", "--num_joints 16: humaneva teaches 15 joints, the others it lacks"),
        ("--dataset humaneva --num_joints 15 --recipe posefk", "synthetic bodies have 16 joints"),
        ("--dataset cmu --num_joints 15 --recipe none", "--num_joints 15: cmu teaches 16 or 17 joints"),
        ("--dataset cmu --keypoints detected", "cmu has no detector's 2D"),
    ],
)
def test_joints_and_detections_that_a_data_set_lacks_are_one_sentence(flags: str, message: str):
    with pytest.raises(ValueError, match=message):
        read_settings(flags.split())


def test_detections_go_with_the_data_sets_that_have_them():
    for flags in ("--dataset aistx --keypoints detected", "--dataset cmu --test_sets humaneva --keypoints cpn"):
        assert read_settings(flags.split()).data.keypoints in flags


def test_human36m_is_the_data_set_where_it_is_prepared(tmp_path: Path):
    assert read_settings(["--data_root", str(tmp_path)]).data.dataset == "cmu"
    (tmp_path / "data_3d_h36m.npz").touch()
    assert read_settings(["--data_root", str(tmp_path)]).data.dataset == "h36m"


def test_a_comparison_gives_each_recipe_its_own_presets():
    arguments = ["--compare", "none", "posefk", "--epochs", "2"]
    none, posefk = (read_settings(arguments, recipe) for recipe in ("none", "posefk"))
    assert none.augment.schedule == "none" and posefk.augment.schedule == "mixed"
    assert none.learning.epochs == posefk.learning.epochs == 2


def test_resuming_refuses_changed_settings_but_may_move_to_another_device():
    stored = read_settings(["--batch_size", "64"])
    read_settings(["--resume", "x", "--device", "cpu", "--threads", "1", "--batch_size", "64"], stored=stored)
    with pytest.raises(ValueError, match="--batch_size 32 differs from the run's own 64"):
        read_settings(["--resume", "x", "--batch_size", "32"], stored=stored)


def test_stored_settings_of_another_version_are_refused():
    with pytest.raises(ValueError, match="learning_speed, which this version does not know"):
        from_plain({"learning_speed": 3})


def test_settings_are_equal_whatever_the_order_of_flags():
    assert read_settings(["--lr", "0.1", "--seed", "3"]) == read_settings(["--seed", "3", "--lr", "0.1"])
    assert read_settings([]).seed == Settings().seed == 0


@pytest.mark.parametrize("dataset", ["cmu", "h36m", "ski"])
@pytest.mark.parametrize("lifter", ["simple_baseline", "videopose"])
def test_what_was_measured_is_the_default_on_every_data_set_and_what_was_published_has_a_name(
    dataset: str, lifter: str
):
    def settings(recipe: str, *words: str) -> Settings:
        return read_settings(["--dataset", dataset, "--posenet_name", lifter, "--recipe", recipe, *words])

    for recipe, dropout in (("none", 0.1), ("posefk", 0.0)):
        measured, published = settings(recipe), settings(recipe, "--as_published", "True")
        learning = measured.learning
        assert (learning.lr, learning.batch_size, learning.updates, learning.epochs) == (4e-3, 256, None, 30)
        assert measured.lifter.dropout == dropout and published.lifter.dropout is None
        learning = published.learning
        assert (learning.lr, learning.batch_size, learning.updates) == (1e-3, 1024, 0)
    alone = settings("dh-aug").learning
    assert (alone.gan_interval, alone.updates) == (1, 0), "as published"


def test_a_length_that_is_typed_is_the_length():
    assert (
        read_settings(["--epochs", "3"]).learning.updates
        == read_settings(["--steps_per_epoch", "9"]).learning.updates
        == 0
    )
    both = read_settings(["--epochs", "3", "--updates", "60"]).learning
    assert (both.epochs, both.updates) == (3, 60)
    assert read_settings(["--posenet_name", "martinez"]).learning.updates == 0, "an alias is how its authors trained it"


def test_every_value_can_be_explained_in_the_order_of_what_wins(capsys):
    with pytest.raises(SystemExit):
        read_settings("--explain --dataset cmu --posenet_name seq2seq --lr 0.1".split())
    origins = {}
    for line in capsys.readouterr().out.splitlines():
        name, value, origin = (cell.strip() for cell in line.strip("|").split("|"))
        origins[name] = (value, origin)
    assert origins["epochs"] == ("30", "recipe posefk") and origins["frames"] == ("5", "lifter seq2seq")
    assert origins["middle_frame"] == ("True", "recipe posefk") and origins["lr"] == ("0.1", "typed")
    assert origins["weight_decay"] == ("0.0", "default") and set(origins) >= set(setting_types())


def test_what_is_as_published_is_none_and_older_runs_are_read_as_they_meant_it():
    lifter = read_settings(["--dataset", "h36m", "--as_published", "True"]).lifter
    assert (lifter.posenet_width, lifter.posenet_blocks, lifter.dropout, lifter.input_layout) == (None,) * 4
    old = {"lifter": {"posenet_width": 0, "dropout": -1.0, "input_layout": ""}, "learning": {"gan_every": 7}}
    read = from_plain(old)
    assert read.lifter == Settings().lifter and read.learning.gan_interval == 7
    assert read.learning.updates == 0, "there was no rule when it was started"
