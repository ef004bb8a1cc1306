import json
from pathlib import Path

import torch
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from evaluation.tables import columns
from training.reporting.log import ORACLE, Result, RunLog, chosen_by_validation, comparison_table, end_table


def line(test_set: str, epoch: int, mpjpe: float) -> Result:
    scores = {"mpjpe": mpjpe, "p_mpjpe": mpjpe / 2, "pck": 50.0, "auc": 25.0}
    return {"epoch": epoch, "phase": "mixed", "test_set": test_set, "protocol": "all_joints", **scores,
            "poses": 10, "seconds": 0.1}  # fmt: skip


RESULTS = [line("validation", 1, 70.0), line("cmux2_a", 1, 50.0), line("validation", 2, 60.0), line("cmux2_a", 2, 55.0),
           line("validation", 3, 65.0), line("cmux2_a", 3, 52.0)]  # fmt: skip


def test_the_end_table_tells_last_chosen_and_oracle_apart():
    (row,) = [row for row in end_table(RESULTS).splitlines() if row.startswith("| cmux2_a")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["cmux2_a", "all_joints", "52.0", "26.0", "50.0", "25.0", "55.0 (epoch 2)", "50.0 (epoch 1)"]
    assert ORACLE in end_table(RESULTS) and chosen_by_validation(RESULTS) == (2, "mixed")


def test_without_validation_nothing_is_chosen():
    assert chosen_by_validation([line("cmux2_a", 1, 50.0)]) is None
    assert "| -" in end_table([line("cmux2_a", 1, 50.0)])


def test_the_comparison_shows_the_change_of_the_last_epoch():
    table = comparison_table({"none": RESULTS, "posefk": [line("cmux2_a", 1, 30.0), line("cmux2_a", 2, 39.0)]})
    row = [cell.strip() for cell in table.splitlines()[-1].strip("|").split("|")]
    assert row == ["cmux2_a", "all_joints", "posefk", "39.0", "-25.0 %", "30.0"] and "validation" not in table


def test_columns_are_aligned():
    assert columns([["a", "bbb"], ["cc", "d"]]) == "| a  | bbb |\n|----|-----|\n| cc | d   |"


def test_a_log_writes_lines_and_events_and_a_resumed_one_drops_what_will_come_again(tmp_path: Path):
    log = RunLog(tmp_path)
    for step, entry in enumerate(RESULTS):
        log.result(entry, step)
    log.histogram("angles", torch.randn(50), 1)
    figure = Figure(figsize=(1, 1))
    log.picture("square", figure, 1, keep=True)
    log.close()
    assert [json.loads(text) for text in (tmp_path / "results.jsonl").read_text().splitlines()] == RESULTS
    assert (tmp_path / "figures" / "square.png").stat().st_size > 0
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [event.value for event in events.Scalars("cmux2_a_all_joints/mpjpe")] == [50.0, 55.0, 52.0]
    assert events.Tags()["images"] == ["square"] and events.Tags()["histograms"] == ["angles"]
    again = RunLog(tmp_path, RESULTS[:2], step=2)
    again.result(RESULTS[2], 2)
    again.close()
    assert [json.loads(text) for text in (tmp_path / "results.jsonl").read_text().splitlines()] == RESULTS[:3]
