"""benchmarks/h36m_3dhp.py: comparable runs that are understood, a refusal before them, tables of finished ones."""

import json
from pathlib import Path

import pytest

from benchmarks import h36m_3dhp, table_runs
from benchmarks.h36m_3dhp import SIZES, evaluation_flags, finished, leaderboard, main, table_cells, tables
from benchmarks.table_runs import Table, call, flags_of, folder_of, runs, train
from data import DataSettings
from data.command_line import read_flags
from evaluation.cross_domain import CrossDomain, check
from evaluation.protocols import protocols_for
from kinematics import Skeleton, exit_with_one_sentence
from kinematics.errors import PoseFKError
from training.config import read_settings
from training.schedule import build_schedule

H36M_POSES = 1_559_752
TABLES = {f"{name} {sort}": getattr(size, sort) for name, size in SIZES.items() for sort in ("frames", "clips")}


@pytest.mark.parametrize("name", TABLES)
def test_runs_of_a_table_are_understood_and_differ_in_the_recipe_alone(name: str, tmp_path: Path):
    table = TABLES[name]
    lifters: dict[str, set] = {}
    for run in runs(table, [2]):
        settings = read_settings(flags_of(run, table, dataset="h36m", checkpoint=tmp_path, data_root=tmp_path))
        assert settings.data.dataset == "h36m" and settings.seed == 2 and not settings.data.hold_out_validation
        schedule = build_schedule(settings, H36M_POSES // settings.data.downsample)
        updates = sum(
            phase.updates_lifter for at in range(schedule.epochs) for phase in schedule.phases(at)
        ) * schedule.steps  # fmt: skip
        lifter = settings.lifter
        size = (lifter.posenet_name, lifter.window, lifter.posenet_width, lifter.posenet_blocks)
        lifters.setdefault(run[1], set()).add((size, updates, settings.learning.lr, settings.learning.batch_size))
        with_mirror_images = round(2 * updates, -2 if "night" in name else -3)
        assert f" {with_mirror_images:,}" in (h36m_3dhp.__doc__ or "")
    assert all(len(sizes) == 1 for sizes in lifters.values()) and len(lifters) == (1 if "clips" in name else 2)


@pytest.mark.parametrize("name", TABLES)
def test_a_lifter_is_evaluated_by_the_protocols_of_the_columns(name: str, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(h36m_3dhp.test_set_3dhp, "has_video", lambda data: True)
    flags = evaluation_flags(tmp_path / "last.safetensors", TABLES[name], DataSettings(), tmp_path / "scores.json")
    settings = read_flags(CrossDomain, "evaluation.cross_domain", None, flags)
    check(settings)
    assert settings.flip == "both" and not settings.tables and settings.json == tmp_path / "scores.json"
    evaluated = {(test_set, protocol) for test_set in settings.test_sets
                 for protocol in protocols_for(test_set, Skeleton("h36m_16"))}  # fmt: skip
    assert {cell[:2] for cell in table_cells(TABLES[name]).values()} <= evaluated


@pytest.mark.parametrize("present", ["", "data_3d_h36m.npz", "test_set/test_3dhp.npz"])
def test_missing_files_are_refused_in_one_sentence_before_anything_is_written(present: str, tmp_path: Path, capsys):
    data = tmp_path / "data"
    (data / "test_set").mkdir(parents=True)
    if present:
        (data / present).touch()
    flags = ["--data_root", str(data), "--data_extra_root", str(data), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as stopped:
        exit_with_one_sentence(lambda: main(flags))
    error = capsys.readouterr().err
    assert stopped.value.code == 2 and error.count("\n") == 1 and not (tmp_path / "out").exists()
    assert ("python -m data.prepare_data_h36m" in error) == (present != "data_3d_h36m.npz")
    assert ("python prepare_data_3dhp.py" in error) == (present != "test_set/test_3dhp.npz")


def write_scores(out: Path, run: tuple[str, str, int], mpjpe: float, poses: int = 2929) -> None:
    common = {"epoch": 50, "phase": "test", "p_mpjpe": mpjpe - 20, "n_mpjpe": 0.0, "mpjve": None, "tables": {}}
    lines = [
        common | {"test_set": test_set, "protocol": protocol, "flip": flip, "mpjpe": mpjpe + 5 * (not flip),
                  "pck": 88.0, "auc": 55.5, "poses": 9 if test_set == "h36m" else poses}
        for test_set, protocol in (("h36m", "all_joints"), ("3dhp", "all_joints"), ("3dhp", "official_3dhp_16"))
        for flip in (True, False)
    ]  # fmt: skip
    folder_of(out, run).mkdir(parents=True)
    (folder_of(out, run) / "scores.json").write_text(json.dumps(lines))


def test_finished_runs_are_a_table_rows_of_the_leaderboard_and_json(tmp_path: Path):
    table = SIZES["night"].frames
    for seed, error in enumerate((70.0, 72.0)):
        write_scores(tmp_path, ("posefk", "videopose", seed), error)
    write_scores(tmp_path, ("none", "videopose", 0), 90.0)
    results = finished(tmp_path, table, [0, 1, 2])
    text = tables(table, results)
    rows = {row.split("|")[1].strip(): [cell.strip() for cell in row.split("|")[2:-1]] for row in text.splitlines()
            if row.startswith("| ")}  # fmt: skip
    assert rows["posefk"][:5] == ["2", "76.0 ± 1.4", "51.0 ± 1.4", "71.0 ± 1.4", "88.0 ± 0.0"]
    assert rows["none"][:2] == ["1", "95.0"] and "dh-aug" not in rows and "do not compare" not in text
    header, _, _, row = leaderboard(table, results).splitlines()
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    command = "`python -m benchmarks.h36m_3dhp`"
    assert cells == ["PoseFK, `posefk`", "videopose", "71.0 ± 1.4", "88.0 ± 0.0", "55.5 ± 0.0", "51.0 ± 1.4",
                     "last, 2 seeds", command]  # fmt: skip
    page = (Path(__file__).parents[1] / "docs" / "leaderboard.md").read_text()
    assert "| " + " | ".join(h36m_3dhp.LEADERBOARD_HEADER) + " |" in page
    assert [cell.strip() for cell in header.strip("|").split("|")] == h36m_3dhp.LEADERBOARD_HEADER
    entry = json.loads(json.dumps(h36m_3dhp.as_json(table, results), allow_nan=False))[1]
    assert entry["table"]["3dhp: MPJPE"] == {"mean": 71.0, "sd": pytest.approx(2**0.5)} and len(entry["seeds"]) == 2


def test_another_number_of_scored_frames_is_told(tmp_path: Path):
    table = SIZES["gpu"].frames
    write_scores(tmp_path, ("none", "videopose", 0), 90.0, poses=2875)
    assert "3DHP has 2,875 scored frames here, in published figures 2,929" in tables(
        table, finished(tmp_path, table, [0])
    )


def test_a_stopped_run_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    commands = []
    monkeypatch.setattr(table_runs, "call", lambda folder, command, threads: commands.append(command))
    run = tmp_path / "mlp" / "gt" / "1_none"
    run.mkdir(parents=True)
    (run / "results.jsonl").touch()
    assert train(tmp_path, ["--recipe", "none"]) == run
    (run / "last.safetensors").touch()
    train(tmp_path, ["--recipe", "none"])
    assert commands == [["run_fk_gan.py", "--recipe", "none"], ["run_fk_gan.py", "--resume", str(run)]]


def test_a_failure_repeats_the_last_line_of_the_log(tmp_path: Path):
    with pytest.raises(PoseFKError, match=r"exit code 3: No disk left\. \(all of it: .*log\.txt\)$"):
        call(tmp_path, ["-c", "print('begun'); print('No disk left.'); raise SystemExit(3)"])


def test_of_a_flag_given_twice_the_last_counts():
    table = Table("--lr 1e-3 --filter_widths 3 3", {"a": "--lr 2e-3"}, {"b": "--epochs 1"})
    assert flags_of(("b", "a", 4), table, out="x y") == [
        "--lr", "2e-3", "--filter_widths", "3", "3", "--epochs", "1",
        "--figures", "False", "--seed", "4", "--out", "x y",
    ]  # fmt: skip
