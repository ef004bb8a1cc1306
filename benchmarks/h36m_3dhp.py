"""Human3.6M to MPI-INF-3DHP: PoseFK's rows of docs/leaderboard.md, for whoever has both data sets' licences.

    python -m benchmarks.h36m_3dhp --size gpu      one GPU, about 6 hours
    python -m benchmarks.h36m_3dhp --size night    two cores of a CPU, a night of 6 to 8 hours
    python -m benchmarks.h36m_3dhp --clips         lifters of 27 frames as well: as long again

Trains recipes none, dh-aug and posefk, each with simple_baseline and videopose (1 frame), three seeds, on S1 S5 S6 S7
S8 with true 2D, and evaluates the last epoch on h36m and 3dhp, with flip and without, by all_joints (PoseAug's
protocol) and the official one. Prints tables and the rows in Markdown; --json holds every figure of every seed. Nothing
is chosen on a test set. What is finished under --out is not repeated, and a stopped run is resumed.

Whatever the recipe, a lifter makes as many updates at the same learning rate (0.004); dh-aug is therefore shorter than
its published 110 epochs. Dropout is 0.1, in posefk 0.

size    flags                                                                     updates of each lifter
gpu     --downsample 4 --batch_size 256 --epochs 50 (dh-aug 25)                   152,000
night   --downsample 16 --batch_size 256 --epochs 30 (dh-aug 15) --threads 1      22,900
clips   --frames 27 --downsample 1 --batch_size 128, as many updates; dh-aug's GAN learns in one batch of four

The times are estimates from docs/results.md, not measurements. On one idle CPU thread an update of 1,024 poses takes
0.294 s, a GAN iteration 0.722 s; for 256 poses that is 0.074 and 0.181 s, so a run of the night takes 28 min with none,
49 with dh-aug and 32 with posefk, and 18 of them, two at a time, 5.5 hours. The 543,000 test poses with and without
flip take half an hour more. Clips: 1.11 s for two updates of 512 windows, so 0.14 s for one of 128 and 53 min for none;
their GAN has not been timed. Nothing has been timed on a GPU: 6 hours assume 6 ms for an update and 20 ms for a GAN
iteration. After an epoch the first run's log.txt says how long it really takes.
"""

import itertools
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.table_runs import (
    SINGLE_FRAME,
    Run,
    Table,
    call,
    flags_of,
    folder_of,
    in_parallel,
    mean_and_sd,
    runs,
    train,
)
from data import DATA_SOURCES, DataSettings
from data.command_line import OneSentenceParser
from data.files.writing import atomic_write
from data.mpi_inf_3dhp import test_set as test_set_3dhp
from data.mpi_inf_3dhp.official.test import VALID_FRAMES
from evaluation.metrics import METRICS
from evaluation.tables import columns
from kinematics.errors import exit_with_one_sentence
from posenets.checkpoints.files import LAST

Scores = dict[int, list[dict[str, Any]]]  # seed -> result lines of evaluation.cross_domain
Cell = tuple[str, str, bool, str]  # test set, protocol, flip, metric
SCORES = "scores.json"
VIDEO, SPARSE = test_set_3dhp.VIDEO, test_set_3dhp.SPARSE
OFFICIAL = "official_3dhp_16"  # of lifters of 16 joints
LEADERBOARD_METRICS = ("mpjpe", "pck", "auc", "p_mpjpe")
LEADERBOARD_HEADER = ["method", "lifter", "MPJPE", "PCK", "AUC", "P-MPJPE", "epoch", "source"]
COMMAND = "python -m benchmarks.h36m_3dhp"


@dataclass(frozen=True)
class Size:
    """frames, clips: tables of lifters of one frame and of 27. workers: runs at a time; threads of each, 0: any."""

    frames: Table
    clips: Table
    workers: int
    threads: int


def _size(frames: str, clips: str, epochs: int, workers: int, threads: int) -> Size:
    common = "--lr 0.004 --hold_out_validation False --num_joints 16 --eval_every 10"
    none = f"--recipe none --dropout 0.1 --epochs {epochs}"
    # an epoch of dh-aug has two rounds of batches, one of synthetic and one of real poses
    dh_aug = f"--recipe dh-aug --dropout 0.1 --epochs {epochs // 2}"
    posefk = f"--recipe posefk --dropout 0 --gan_interval 10 --epochs {epochs}"
    variants = {"none": none, "dh-aug": dh_aug, "posefk": posefk}
    clip_lifters = {"videopose-27": "--posenet_name videopose --frames 27 --posenet_blocks 3"}
    return Size(
        Table(f"{common} --batch_size 256 --test_sets {VIDEO} {frames}", SINGLE_FRAME, variants),
        Table(
            f"{common} --batch_size 128 --test_sets {SPARSE} {clips}", clip_lifters,
            variants | {"dh-aug": f"{dh_aug} --gan_interval 4"},
        ),
        workers, threads,
    )  # fmt: skip


# Human3.6M's 1,559,752 training poses; the steps of clips are those of the same number of poses.
SIZES = {
    "gpu": _size("--downsample 4", "--steps_per_epoch 1524", 50, workers=1, threads=0),
    "night": _size("--downsample 16 --threads 1", "--steps_per_epoch 381 --threads 1", 30, workers=2, threads=1),
}


def check_files(data: DataSettings) -> None:
    """Refuse before anything is trained if a data set is not there, with the commands that make them."""
    source = DATA_SOURCES["h36m"]
    needed = {Path(path): source.how_to_make for path in source.required_files(data)}
    needed[Path(data.data_extra_root) / test_set_3dhp.TEST_FILE] = test_set_3dhp.HOW_TO_MAKE
    missing = [f"{path} ({how[0].lower()}{how[1:]})" for path, how in needed.items() if not path.is_file()]
    if missing:
        raise FileNotFoundError(f"{COMMAND} needs both data sets; missing: {'; '.join(missing)}.")


def test_sets(table: Table) -> tuple[str, str]:
    return "h36m", SPARSE if SPARSE in table.budget else VIDEO


def evaluation_flags(checkpoint: Path, table: Table, data: DataSettings, scores: Path) -> list[str]:
    """What evaluation.cross_domain is told about a lifter of this table."""
    video = [VIDEO] if SPARSE in table.budget and test_set_3dhp.has_video(data) else []
    return [
        "--checkpoint", str(checkpoint), "--test_sets", *test_sets(table), *video, "--flip", "both",
        "--tables", "False", "--json", str(scores), "--data_root", data.data_root,
        "--data_extra_root", data.data_extra_root,
    ]  # fmt: skip


def measure(out: Path, run: Run, table: Table, data: DataSettings, threads: int) -> None:
    """Train and evaluate one run, if that has not been done."""
    folder = folder_of(out, run)
    if (folder / SCORES).is_file():
        return
    roots = dict(data_root=data.data_root, data_extra_root=data.data_extra_root)
    trained = train(folder, flags_of(run, table, dataset="h36m", checkpoint=folder, **roots), threads)
    flags = evaluation_flags(trained / LAST, table, data, folder / SCORES)
    call(folder, ["-m", "evaluation.cross_domain", *flags], threads)
    print(f"{' '.join(map(str, run))}: finished", flush=True)


def finished(out: Path, table: Table, seeds: Sequence[int]) -> dict[tuple[str, str], Scores]:
    """(lifter, recipe) -> seed -> result lines, of the runs that are finished."""
    results = {}
    for lifter, variant in itertools.product(table.lifters, table.variants):
        paths = {seed: folder_of(out, (variant, lifter, seed)) / SCORES for seed in seeds}
        if scores := {seed: json.loads(path.read_text()) for seed, path in paths.items() if path.is_file()}:
            results[lifter, variant] = scores
    return results


def values_of(scores: Scores, cell: Cell) -> list[float]:
    """A value of each seed; none if the test set was not evaluated like that."""
    *wanted, metric = cell
    return [line[metric] for lines in scores.values() for line in lines
            if [line["test_set"], line["protocol"], line["flip"]] == wanted and line[metric] is not None]  # fmt: skip


def figure(scores: Scores, cell: Cell) -> str:
    values = values_of(scores, cell)
    return mean_and_sd(values) if values else "-"


def table_cells(table: Table) -> dict[str, Cell]:
    """The columns. Published figures have Human3.6M without flip, 3DHP with it."""
    _, on_3dhp = test_sets(table)
    cells = [("h36m", "all_joints", False, metric) for metric in ("mpjpe", "p_mpjpe")]
    cells += [(on_3dhp, "all_joints", True, metric) for metric in LEADERBOARD_METRICS]
    cells += [(on_3dhp, OFFICIAL, True, metric) for metric in ("pck", "auc")]
    return {f"{name}{', official' * (protocol == OFFICIAL)}: {METRICS[metric].header}": (name, protocol, flip, metric)
            for name, protocol, flip, metric in cells}  # fmt: skip


def tables(table: Table, results: dict[tuple[str, str], Scores]) -> str:
    """Format a table for each lifter, and a note on a 3DHP that is not the published one."""
    cells, text = table_cells(table), []
    for lifter in table.lifters:
        rows = [["recipe", "seeds", *cells]]
        rows += [[recipe, str(len(scores)), *(figure(scores, cell) for cell in cells.values())]
                 for (name, recipe), scores in results.items() if name == lifter]  # fmt: skip
        text.append(f"\n{lifter}, mm and %, last epoch, mean ± sd\n{columns(rows)}")
    lines = [line for scores in results.values() for of_seed in scores.values() for line in of_seed]
    published = sum(VALID_FRAMES.values())
    for poses in sorted({line["poses"] for line in lines if line["test_set"] != "h36m"} - {published}):
        text.append(f"3DHP has {poses:,} scored frames here, in published figures {published:,}: do not compare them.")
    return "\n".join(text)


def leaderboard(table: Table, results: dict[tuple[str, str], Scores]) -> str:
    """Format rows of docs/leaderboard.md."""
    rows = [LEADERBOARD_HEADER]
    for (lifter, recipe), scores in results.items():
        cells = [(test_sets(table)[1], "all_joints", True, metric) for metric in LEADERBOARD_METRICS]
        seeds = f"last, {len(scores)} seed{'s' * (len(scores) > 1)}"
        rows.append([f"PoseFK, `{recipe}`", lifter, *(figure(scores, cell) for cell in cells), seeds, f"`{COMMAND}`"])
    return columns(rows)


def as_json(table: Table, results: dict[tuple[str, str], Scores]) -> list[dict[str, Any]]:
    """Each row of the tables with its means and standard deviations, and all result lines of each seed."""
    entries = []
    for (lifter, recipe), scores in results.items():
        by_column = {name: values_of(scores, cell) for name, cell in table_cells(table).items()}
        means = {
            name: {"mean": statistics.mean(values), "sd": statistics.stdev(values) if len(values) > 1 else None}
            for name, values in by_column.items() if values
        }  # fmt: skip
        entries.append({"lifter": lifter, "recipe": recipe, "table": means, "seeds": scores})
    return entries


def main(arguments: Sequence[str] | None = None) -> None:
    parser = OneSentenceParser(COMMAND, __doc__)
    parser.add_argument("--size", choices=SIZES, default="gpu", help="gpu or night (default: gpu)")
    parser.add_argument("--clips", action="store_true", help="lifters of 27 frames as well")
    parser.add_argument("--data_root", default="data", help="folder of data_3d_h36m.npz (default: data)")
    parser.add_argument("--data_extra_root", default="data_extra", help="folder of test_set/test_3dhp.npz")
    parser.add_argument("--out", type=Path, default=Path("checkpoint/h36m_3dhp"), help="folder of the runs")
    parser.add_argument("--json", type=Path, help="file of all figures (default: OUT/SIZE.json)")
    parser.add_argument("--workers", type=int, help="runs side by side (default: gpu 1, night 2)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds (default: 0 1 2)")
    asked = parser.parse(arguments)
    data = DataSettings(dataset="h36m", data_root=asked.data_root, data_extra_root=asked.data_extra_root)
    check_files(data)
    size, entries = SIZES[asked.size], []
    for name, table in {"frames": size.frames, **({"clips": size.clips} if asked.clips else {})}.items():
        out = asked.out / asked.size / name
        in_parallel(
            lambda run, out=out, table=table: measure(out, run, table, data, size.threads), runs(table, asked.seeds),
            asked.workers or size.workers,
        )  # fmt: skip
        results = finished(out, table, asked.seeds)
        print(f"{tables(table, results)}\n\nFor docs/leaderboard.md:\n{leaderboard(table, results)}")
        entries += as_json(table, results)
    path = asked.json or asked.out / f"{asked.size}.json"
    with atomic_write(path) as part:
        part.write_text(json.dumps(entries, indent=1, allow_nan=False) + "\n")
    print(f"\nAll figures: {path}")


if __name__ == "__main__":
    exit_with_one_sentence(main)
