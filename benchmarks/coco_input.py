"""What it costs to map COCO keypoints to a lifter's joints by hand, on CMU-X seen as COCO.

    python -m benchmarks.cmux --table coco --data_root data --out checkpoint/cmux
    python -m benchmarks.coco_input --data_root data --out checkpoint/cmux

The poses of CMU-X get a face (kinematics.head) and are projected as the 17 keypoints that a perfect detector would
find. Ways to lift them: a lifter of 16 joints that is shown the 16 true joints (which nobody has); the same lifter with
hip, spine, thorax and head made up from the keypoints, or all but the hip, since CMU's lies 11 cm above the middle of
the hip joints, where others have it; and a lifter that has learnt from keypoints.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.cmux import TABLES
from benchmarks.table_runs import Run, folder_of, mean_and_sd
from data import DataSettings, PoseDataset, load_test_set
from evaluation.metrics import mpjpe
from evaluation.tables import columns
from kinematics import Skeleton
from posenets import Lifter, load_lifter
from posenets.checkpoints.files import LAST
from posenets.inputs.layouts import JointRegressor, network_layout, prepend_mid_hip

COCO = Skeleton("coco_17")
BY_HAND, ALL_BUT_HIP = "made up by hand", "by hand, true hip"
# way -> the variant of the table "coco" whose lifter it takes
WAYS = {"true joints": "16 joints", BY_HAND: "16 joints", ALL_BUT_HIP: "16 joints", "COCO keypoints": "COCO keypoints"}
TEST_SETS = ("cmux2_a", "cmux2_b")


@torch.inference_mode()
def error(lifter: Lifter, dataset: PoseDataset, way: str) -> float:
    """MPJPE in mm, with flip. By hand the lifter's joints are means of keypoints, as a readout begins."""
    mapping = JointRegressor(network_layout("h36m_16", COCO.name), Skeleton("h36m_16"))
    predictions, targets = [], []
    for indices in torch.arange(len(dataset)).split(4096):
        batch = dataset.batch(indices)
        if way in (BY_HAND, ALL_BUT_HIP):
            joints = mapping(prepend_mid_hip(batch.seen_as(COCO).joints_2d, COCO))
            if way == ALL_BUT_HIP:
                joints[:, :, 0] = batch.joints_2d[:, :, 0]
            batch = replace(batch, joints_2d=joints)
        predictions.append(lifter.predict(batch.seen_as(lifter.input_skeleton).joints_2d))
        targets.append(batch.root_relative()[:, lifter.target_frame])
    return 1000 * mpjpe(torch.cat(predictions), torch.cat(targets))


def last_checkpoint(out: Path, run: Run) -> Path | None:
    """last.safetensors of a finished run."""
    return next(iter(sorted(folder_of(out, run).glob(f"*/*/*/{LAST}"))), None)


def main() -> None:
    parser = argparse.ArgumentParser(description="COCO keypoints: mapped by hand, or learnt from.")
    parser.add_argument("--data_root", default="data", help="folder of data_3d_cmu.npz (default: data)")
    parser.add_argument("--out", type=Path, default=Path("checkpoint/cmux"), help="folder of the runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds (default: 0 1 2)")
    arguments = parser.parse_args()
    data = DataSettings(dataset="cmu", data_root=arguments.data_root)
    recordings = {name: load_test_set(name, data, 1, []) for name in TEST_SETS}
    sets = {name: PoseDataset.from_recordings(of_set, "h36m_16", 1, target=0) for name, of_set in recordings.items()}
    for name in TABLES["coco"].lifters:
        rows = [["input", "seeds", "(a)", "(b)"]]
        for way, variant in WAYS.items():
            paths = [last_checkpoint(arguments.out / "coco", (variant, name, seed)) for seed in arguments.seeds]
            lifters = [load_lifter(path) for path in paths if path is not None]
            row = [way, str(len(lifters))]
            for dataset in sets.values() if lifters else ():
                errors = [error(lifter, dataset, way) for lifter in lifters]
                row.append(mean_and_sd(errors))
            rows.append([*row, *[""] * (4 - len(row))])
        print(f"\n{name}, MPJPE in mm, last epoch, mean ± sd\n{columns(rows)}")


if __name__ == "__main__":
    main()
