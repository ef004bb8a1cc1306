"""Tables of CMU-X: recipes and single ingredients, several seeds, last epoch, mean and standard deviation.

    python -m benchmarks.cmux --data_root data --out checkpoint/cmux --workers 2
    python -m benchmarks.cmux --table clips        temporal lifters, with single frames beside them
    python -m benchmarks.cmux --table clips_noisy  the same of detections
    python -m benchmarks.cmux --table clips_longer four times the updates, recipe posefk
    python -m benchmarks.cmux --table amount       more and more synthetic poses beside the real ones
    python -m benchmarks.cmux --table learned      sources that learn, on people held out of the training people
    python -m benchmarks.cmux --table coco         lifters of COCO keypoints (see benchmarks/coco_input.py)
    python -m benchmarks.cmux --table views        lifters of several views, of detections, without 3D labels too
    python -m benchmarks.cmux --table views_true   the same of true 2D, which triangulates exactly
    python -m benchmarks.cmux --table one_view     and of one view, of the same detections

Each line of a table is plain runs of run_fk_gan.py, which are not repeated where they are finished under --out and
resumed where they were stopped. Whatever is finished is in the table: stop and go on as you like.
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.table_runs import SINGLE_FRAME, Run, Table, flags_of, folder_of, in_parallel, mean_and_sd, runs, train
from data.cmu.clips import TRAIN_SUBJECTS
from data.files.writing import atomic_write
from evaluation.tables import columns
from kinematics.errors import exit_with_one_sentence

LENGTH = "--epochs 30"
NO_POSES = "--gan 0 --real 0 --limb_swap 0 --range_of_motion 0 --definition_share 0"
PLAIN = f"--recipe posefk --input_mode screen --ema 0 {NO_POSES} --bodies keep --cameras dataset --dropout 0.1 {LENGTH}"
VARIANTS: dict[str, str] = {
    "none": f"--recipe none {LENGTH}",
    "dh-aug": "--recipe dh-aug --epochs 15",
    "posefk": f"--recipe posefk {LENGTH}",
    "none, lr 0.001": f"--recipe none --lr 0.001 {LENGTH}",
    "dh-aug, lr 0.001": "--recipe dh-aug --lr 0.001 --epochs 15",
    "none, no dropout": f"--recipe none --dropout 0 {LENGTH}",
    "dh-aug, no dropout": "--recipe dh-aug --dropout 0 --epochs 15",
    "none + input": f"--recipe none --input_mode virtual_camera {LENGTH}",
    "none + EMA": f"--recipe none --ema 0.999 {LENGTH}",
    "none + cameras": f"{PLAIN} --cameras wide --real 1",
    "none + bodies": f"{PLAIN} --bodies population --new_bodies_for_real True --real 1",
    "none + poses": f"{PLAIN} --limb_swap 0.67 --range_of_motion 0.33",
    "posefk without GAN": f"--recipe posefk --gan 0 {LENGTH}",
}
MAIN = ("none", "dh-aug", "posefk")
# (a), (b), and (b) in other definitions: as made up for COCO keypoints, and CMU's own
TEST_SETS = {
    "cmux2_a": "(a)",
    "cmux2_b": "(b)",
    "cmux2_b_coco": "(b), COCO",
    "cmux_b": "(b), CMU",
    "validation": "validation",
}
ERRORS = "last_errors.json"
# Every lifter makes 9,000 updates of 256 poses: 4,500 batches and their mirror images. An epoch of dh-aug has two
# rounds of batches, one of fakes and one of real poses.
_FULL = "--posenet_width 512 --batch_size 256 --steps_per_epoch 150 --eval_every 6"
# On a CPU clips cost ten to a hundred times a frame's time: 1,200 updates of 128 windows, smaller lifters, and dh-aug's
# GAN learns in one batch of four once the lifter does.
_SHORT = "--batch_size 128 --steps_per_epoch 30 --eval_every 20"
_LENGTHS = {"none": "--epochs 20", "dh-aug": "--epochs 10 --gan_interval 4", "posefk": "--epochs 20"}
_SEQ2SEQ = "--posenet_name seq2seq --posenet_width 256 --frames 5 --difference_weight 5"
_SINGLE = "--posenet_name videopose --posenet_width 256 --posenet_blocks 3"
# 2,400 updates of 128 poses.
_SMALL = "--posenet_width 256 --batch_size 128 --steps_per_epoch 60 --eval_every 20 --epochs 20 --recipe posefk"
# Detectors err: 100 batches of 128 clips of 9 frames and their mirror images, the small ESMformer of cmu runs; tests
# with the same error, and without mirror images, for time.
_NOISE = "--detector_noise default --test_noise default"
_FEW = "--batch_size 128 --steps_per_epoch 10 --epochs 10 --eval_every 10 --test_flip False"
_VIEWS = f"{_NOISE} {_FEW}"
_PUBLISHED_ALONE = "--self_supervised 1 --tri_loss 1 --reproj_loss 1 --adaptive_loss 1"
# x times as many synthetic as real poses: their share of each batch
SHARES = {0: 0.0, 0.5: 1 / 3, 1: 1 / 2, 2: 2 / 3, 5: 5 / 6}


def amount_name(times: float | int) -> str:
    """The variant of the table `amount` with so many synthetic poses for each real one."""
    return f"{times:g} x real"


# Whatever is chosen is chosen on training people who are left out.
_HELD_OUT = {
    f"without {' '.join(left_out)}": "--posenet_name simple_baseline --posenet_blocks 2 --subjects_train "
    f"{' '.join(one for one in TRAIN_SUBJECTS if one not in left_out)} --subjects_test {' '.join(left_out)}"
    for left_out in (("02", "06"), ("03", "27"), ("10", "29"))
}
_PLUGINS = "--plugins benchmarks.learned_sources"


def _plugin(name: str, warmup: int = 10) -> str:
    """A source of benchmarks/learned_sources beside the mixture without GAN, a quarter of the synthetic poses."""
    return f"{_PLUGINS}.{name} --gan 0 --sources {name}=0.3 --warmup {warmup}"


_CLIPS = {
    "videopose-1": _SINGLE,
    "videopose-27": f"{_SINGLE} --frames 27",
    "seq2seq-5": f"{_SEQ2SEQ} --middle_frame False",
    "seq2seq-5 middle": f"{_SEQ2SEQ} --middle_frame True",
    "poseformer-27": "--posenet_name poseformer --frames 27 --posenet_width 16 --posenet_blocks 2 --lr 1e-3",
}
TABLES = {
    "frames": Table(
        _FULL, SINGLE_FRAME, {name: VARIANTS[name] for name in MAIN},
        {name: flags for name, flags in VARIANTS.items() if name not in MAIN},
    ),
    "clips": Table(_SHORT, _CLIPS, {name: f"--recipe {name} {_LENGTHS[name]}" for name in MAIN}),
    "clips_longer": Table(
        "--batch_size 128 --steps_per_epoch 120 --eval_every 20 --epochs 20", _CLIPS, {"posefk": "--recipe posefk"},
    ),
    "clips_noisy": Table(
        f"{_SHORT} {_NOISE}", {name: _CLIPS[name] for name in ("videopose-1", "videopose-27")},
        {name: f"--recipe {name} {_LENGTHS[name]}" for name in ("none", "posefk")},
    ),
    "amount": Table(
        f"{_SMALL} --gan 0", SINGLE_FRAME,
        {amount_name(times): f"--synthetic_share {share}" for times, share in SHARES.items()},
    ),
    "views": Table(
        _VIEWS, {f"{count} views": f"--posenet_name esmformer --views {count}" for count in (4, 3, 2)},
        {
            "none": "--recipe none --input_mode rays", "posefk": "--recipe posefk",
            "self-supervised": "--recipe none --input_mode rays --self_supervised 1",
            "self-supervised posefk": "--recipe posefk --self_supervised 1",
        },
        {
            "none, as published": "--recipe none", "dh-aug": "--recipe dh-aug --epochs 5 --gan_interval 4",
            "self-supervised, as published": f"--recipe none {_PUBLISHED_ALONE}",
        },
    ),
    "views_true": Table(
        _FEW, {"4 views": "--posenet_name esmformer"},
        {
            "none": "--recipe none --input_mode rays", "none, as published": "--recipe none",
            "self-supervised, as published": f"--recipe none {_PUBLISHED_ALONE}",
        },
    ),
    "one_view": Table(
        f"{_VIEWS} --frames 9 --confidence True", {"videopose-9": _SINGLE},
        {name: f"--recipe {name}" for name in ("none", "posefk")},
    ),
    "learned": Table(
        f"{_FULL} {LENGTH} --recipe posefk", _HELD_OUT,
        {
            "no learned source": "--gan 0", "GAN, a tenth": "--gan 0.1", "critics of parts": _plugin("parts"),
            "editing generator": _plugin("editing"), "harder poses, sampling": f"{_PLUGINS}.sampling --gan 0",
            "harder poses, generator": _plugin("harder"), "normalising flow": _plugin("flow"),
            "two strengths, meta step": f"{_PLUGINS}.meta --gan 0", "averaged generator": _plugin("averaged", 20),
        },
    ),
    "coco": Table(_SMALL, SINGLE_FRAME, {"16 joints": "", "COCO keypoints": "--input_layout coco_17"}),
}  # fmt: skip


def last_errors(out: Path, run: Run) -> dict[str, float] | None:
    """Test set -> MPJPE in mm at the last epoch; None if the run is not finished."""
    path = folder_of(out, run) / ERRORS
    return json.loads(path.read_text()) if path.is_file() else None


def train_once(out: Path, run: Run, table: Table, data_root: str) -> None:
    """One run, on one thread, if it is not there yet."""
    if last_errors(out, run) is not None:
        return
    folder = folder_of(out, run)
    flags = flags_of(run, table, dataset="cmu", threads=1, checkpoint=folder, data_root=data_root)
    lines = [json.loads(text) for text in (train(folder, flags) / "results.jsonl").read_text().splitlines()]
    errors = {line["test_set"]: line["mpjpe"] for line in lines if line["epoch"] == lines[-1]["epoch"]}
    with atomic_write(folder / ERRORS) as part:
        part.write_text(json.dumps(errors))
    print(f"{' '.join(map(str, run))}: {last_errors(out, run)}", flush=True)


def shown(out: Path, table: Table, lifter: str, seeds: Sequence[int]) -> str:
    """Mean and standard deviation over the finished seeds, millimetres, and the change against the first variant."""
    heads = [head for name, title in TEST_SETS.items() for head in ((title,) if name == "validation" else (title, ""))]
    rows, first = [["variant", "seeds", *heads]], {}
    for variant in table.variants | table.side:
        finished = [errors for seed in seeds if (errors := last_errors(out, (variant, lifter, seed)))]
        if not finished:
            continue
        row = [variant, str(len(finished))]
        for name in TEST_SETS:
            values = [errors[name] for errors in finished]
            change = 100 * (statistics.mean(values) / first.setdefault(name, statistics.mean(values)) - 1)
            row.append(mean_and_sd(values))
            if name != "validation":
                row.append("" if len(rows) == 1 else f"{change:+.0f} %")
        rows.append(row)
    return columns(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a table of CMU-X.")
    parser.add_argument("--table", choices=TABLES, default="frames", help="which table (default: frames)")
    parser.add_argument("--data_root", default="data", help="folder of data_3d_cmu.npz (default: data)")
    parser.add_argument("--out", type=Path, default=Path("checkpoint/cmux"), help="folder of the runs")
    parser.add_argument("--workers", type=int, default=2, help="runs side by side, one thread each (default: 2)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds (default: 0 1 2)")
    arguments = parser.parse_args()
    table, out = TABLES[arguments.table], arguments.out / arguments.table
    in_parallel(
        lambda run: train_once(out, run, table, arguments.data_root), runs(table, arguments.seeds), arguments.workers
    )
    for lifter in table.lifters:
        print(f"\n{lifter}, MPJPE in mm, last epoch, mean ± sd\n{shown(out, table, lifter, arguments.seeds)}")


if __name__ == "__main__":
    exit_with_one_sentence(main)
