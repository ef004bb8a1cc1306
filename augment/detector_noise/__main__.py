"""Measure a detector's error where both its 2D and the 3D with its cameras are known, for --detector_noise.

    python -m augment.detector_noise --test_set aistx --json coco.json
    python -m augment.detector_noise --dataset h36m --keypoints cpn_ft_h36m_dbb --json cpn.json
    python run_fk_gan.py --detector_noise coco.json ...

Prints a table and writes the numbers of DetectorNoise. They are those a lifter sees: in its layout, gaps closed, with
what the detector and the 3D mean by a joint differing as it does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor

from augment.detector_noise.detections import Pairs, detection_pairs, is_projected
from augment.detector_noise.model import FPS, DetectorNoise, person_size
from data import DATA_SOURCES, DataSettings, PoseDataset, Recording, load_dataset, load_test_set
from data.command_line import read_flags
from data.data_source import choose
from data.files.writing import check_can_write
from kinematics import Skeleton, exit_with_one_sentence

FAR_APART = 0.25  # sizes of the person: nearer than this, left and right are not told apart


@dataclass
class MeasureNoise:
    """Fit the detector noise of PoseFK to a detector."""

    dataset: str = "h36m"
    """Data set whose training part is measured on: h36m, humaneva, aistx, or a plugin's."""
    test_set: str = ""
    """Test set to measure on instead, such as aistx or 3dpw_detected."""
    keypoints: str = "gt"
    """The detector: cpn_ft_h36m_dbb, detectron_ft_h36m, ... of h36m, detectron_pt_coco of humaneva, detected of
    aistx."""
    subjects: tuple[str, ...] = ()
    """People to measure on; empty: all."""
    num_joints: Literal[16, 17] = 16
    """Joint layout of the lifters that are to see the noise; 17 serves those of 16 as well."""
    json: Path | None = None
    """File for the numbers, which --detector_noise and --test_noise read."""
    data_root: str = "data"
    """Folder of the data set."""
    max_gap: float = DataSettings.max_gap
    """Longest gap of a joint that is closed by interpolation, seconds; frames of longer ones are cut."""
    plugins: tuple[str, ...] = ()
    """Modules to import first (dotted names or .py files), for what they register."""


def measure(settings: MeasureNoise) -> tuple[DetectorNoise, Pairs]:
    """Fit the noise to the pairs of detected and projected joints of a data set."""
    if not settings.max_gap >= 0:
        raise ValueError(f"--max_gap {settings.max_gap}: expected at least 0.")
    name = settings.test_set or settings.dataset
    dataset = PoseDataset.from_recordings(_recordings(settings), Skeleton.from_num_joints(settings.num_joints).name)
    if dataset.cameras is None:
        raise ValueError(f"The cameras of {name} are not known: there is no true 2D to hold a detector's against.")
    if is_projected(dataset):
        raise ValueError(
            f"The 2D of {name} is projected from its 3D (--keypoints {settings.keypoints}), no detector has seen it: "
            "name a detector with --keypoints, or a test set with detections."
        )
    pairs = detection_pairs(dataset)
    noise = DetectorNoise.fit(pairs.detected, pairs.true, pairs.confidence, pairs.follows, dataset.fps or FPS)
    return noise, pairs


def _recordings(settings: MeasureNoise) -> list[Recording]:
    of_data = DataSettings(
        data_root=settings.data_root, keypoints=settings.keypoints, num_joints=settings.num_joints,
        max_gap=settings.max_gap, subjects_train=() if settings.test_set else settings.subjects,
        subjects_test=settings.subjects if settings.test_set else (),
    )  # fmt: skip
    notes: list[str] = []
    if settings.test_set:
        recordings = load_test_set(settings.test_set, of_data, notes=notes)
    else:
        choose("--dataset", [settings.dataset], DATA_SOURCES)
        splits = load_dataset(settings.dataset, of_data)
        recordings, notes = splits.train, splits.notes
    print(*notes, sep="\n", end="\n" if notes else "")
    return recordings


def swapped(pairs: Pairs, skeleton: Skeleton) -> Tensor:
    """Share of poses (J,) in which a joint and its twin, well apart, each lie nearer to the other's true place."""
    share = pairs.true.new_zeros(skeleton.num_joints)
    size = person_size(pairs.true)
    for left, right in zip(skeleton.left, skeleton.right, strict=True):
        (true_l, true_r), (seen_l, seen_r) = ((of[:, left], of[:, right]) for of in (pairs.true, pairs.detected))
        crossed = [(seen - other).norm(dim=-1) < (seen - true).norm(dim=-1)
                   for seen, true, other in ((seen_l, true_l, true_r), (seen_r, true_r, true_l))]  # fmt: skip
        apart = (true_l - true_r).norm(dim=-1) > FAR_APART * size
        share[left] = share[right] = (crossed[0] & crossed[1] & apart).double().mean()
    return share


def table(noise: DetectorNoise, pairs: Pairs) -> str:
    """The noise by joint, percent, beside what is assumed without a measurement."""
    skeleton = Skeleton(noise.skeleton)
    errors = 100 * (pairs.detected - pairs.true).norm(dim=-1) / person_size(pairs.true)[:, None].clamp_min(1e-9)
    assumed, swaps = DetectorNoise.default(noise.skeleton), 100 * swapped(pairs, skeleton)
    lines = [f"{'joint':10}{'median error':>14}{'sd':>8}{'assumed':>9}{'outliers':>10}{'missed':>8}{'swapped':>9}"]
    for joint, name in enumerate(skeleton.joints):
        sd, usual, outliers, missed = (
            100 * of[joint] for of in (noise.sd, assumed.sd, noise.outliers, noise.missed)
        )  # fmt: skip
        lines.append(
            f"{name:10}{float(errors[:, joint].median()):14.2f}{sd:8.2f}{usual:9.2f}{outliers:10.2f}{missed:8.2f}"
            f"{float(swaps[joint]):9.2f}"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    settings = read_flags(MeasureNoise, "augment.detector_noise", __doc__, arguments)
    check_can_write(settings.json, "--json")
    noise, pairs = measure(settings)
    print(f"{len(pairs.true):,} poses; lengths in percent of the person's size on the screen, shares in percent")
    print(table(noise, pairs))
    print(noise.summary())
    if pairs.confidence is None:
        print("The detections have no scores: how confidence falls with the error is not measured but assumed.")
    if settings.json is not None:
        noise.save(settings.json)
        print(f"written to {settings.json}: --detector_noise {settings.json}")


if __name__ == "__main__":
    exit_with_one_sentence(main)
