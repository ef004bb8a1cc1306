"""Started by tests/training/test_device_waits.py: steps of many kinds of run on the pretended device.

Usage: steps.py FOLDER [more]. Writes waits.json: run -> part of a step -> kind of wait -> the most in any call but the
first.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import torch

from tests.pretended.device import (  # first: rooms take PyTorch as they find it
    DEVICE,
    FROM_HOST,
    OF_UNKNOWN_SIZE,
    TO_HOST,
    PretendedDevice,
)

import run_fk_gan  # isort: skip
from augment import Augmenter
from data import DataSettings, DataSplits, distributed, load_dataset
from tests.tiny_cmu import FLAGS
from training import batches, detections

DATA = (
    f"{FLAGS} --posenet_name simple_baseline --actions walk --subjects_train 02 07 "
    "--batch_size 16 --figures False --epochs 1 --gan 0.1"
)
SMALL = (
    "--steps_per_epoch 2 --posenet_width 8 --generator_width 8 --critic_width_3d 8 --critic_width_2d 8 "
    "--generator_every 2 --max_reference 100 --gan_interval 1"
)
CLIPS = "--posenet_name videopose --frames 9"
VIEWS = "--posenet_name esmformer --frames 3 --posenet_blocks 1 --detector_noise default"
RUNS = {
    "none": "--recipe none",
    "dh-aug": "--recipe dh-aug --warmup 0",
    "posefk": "--recipe posefk",
    "dh-aug, clips": f"--recipe dh-aug {CLIPS} --warmup 0 --motion_warmup 0",
    "posefk, clips": f"--recipe posefk {CLIPS}",
    "posefk, views without labels": (
        f"--recipe posefk {VIEWS} --self_supervised True --adaptive_loss True --tri_loss True --reproj_loss True"
    ),
}
MORE = {  # for whoever changes something and has the minutes: steps.py FOLDER more
    "none, clips": f"--recipe none {CLIPS}",
    "posefk, views": f"--recipe posefk {VIEWS}",
    "none, views": f"--recipe none {VIEWS}",
    "posefk, detector noise": "--recipe posefk --detector_noise default --confidence True",
    "posefk, keypoints of COCO": "--recipe posefk --input_layout coco_17",
    "sem_gcn": "--recipe none --posenet_name sem_gcn",
    "st_gcn": "--recipe none --posenet_name st_gcn --frames 3",
    "poseformer": "--recipe none --posenet_name poseformer --frames 3",
    "seq2seq": "--recipe posefk --posenet_name seq2seq --frames 3",
    "martinez": "--recipe none --posenet_name martinez",
}
PARTS: dict[str, tuple[Any, str]] = {
    "GAN update": (Augmenter, "update"),
    "sampling": (Augmenter, "sample"),
    "lifter step": (run_fk_gan, "update_lifter"),
    "real batch": (batches.RealBatches, "draw"),
    "noise on real poses": (detections.RunDetectorNoise, "real"),
}


class Watch:
    """Counts the waits in each call of the PARTS."""

    def __init__(self, mode: PretendedDevice) -> None:
        self.mode, self.calls = mode, dict[str, list[dict[str, int]]]()
        for part, (owner, name) in PARTS.items():
            setattr(owner, name, self._watched(part, getattr(owner, name)))

    def _watched(self, part: str, function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            before = Counter(self.mode.waits)
            result = function(*args, **kwargs)
            self.calls.setdefault(part, []).append(dict(self.mode.waits - before))
            return result

        return call

    def most(self) -> dict[str, dict[str, int]]:
        """Of each part the most waits of each kind in any call but the first, which may make what is kept."""
        found = {part: [Counter(call) for call in calls[1:]] for part, calls in self.calls.items()}
        self.calls.clear()
        most = {part: {kind: max(c[kind] for c in calls) for c in calls for kind in c} for part, calls in found.items()}
        return {part: {kind: count for kind, count in kinds.items() if count} for part, kinds in most.items()}


SPLITS: dict[int, DataSplits] = {}


def loaded(data: DataSettings) -> DataSplits:
    if data.views not in SPLITS:
        SPLITS[data.views] = load_dataset("cmu", data)
    return SPLITS[data.views]


def without_judging(flags: str, folder: Path) -> None:
    """A run as one of many processes has it that write nothing."""
    run_fk_gan.load_test_recordings = lambda settings, splits: {}
    run_fk_gan.load_dataset = lambda name, data: loaded(data)
    distributed.start = lambda device: distributed.Processes(1, 1, DEVICE)
    run_fk_gan.main([*DATA.split(), *SMALL.split(), *flags.split(), "--checkpoint", str(folder)])


def assert_it_refuses_and_counts(mode: PretendedDevice) -> None:
    """What the rest is about: a pretence that lets everything pass would find nothing."""
    here, there, home = torch.ones(4, device=DEVICE), torch.ones(4), torch.Generator()
    for refused in (lambda: here + there, lambda: torch.rand(4, generator=home, device=DEVICE)):
        try:
            refused()
        except RuntimeError:
            continue
        raise AssertionError("tensors and generators of two devices may meet")
    for wait, kind in (
        (lambda: here.sum().item(), TO_HOST), (lambda: here.tolist(), TO_HOST), (lambda: here.cpu(), TO_HOST),
        (lambda: here[here > 0], OF_UNKNOWN_SIZE), (lambda: here.nonzero(), OF_UNKNOWN_SIZE),
        (lambda: here[[0, 2]], FROM_HOST), (lambda: here.new_tensor([1.0, 2.0]), FROM_HOST),
        (lambda: there.to(DEVICE), FROM_HOST), (lambda: here * 2 + here[1:2].square().sum(), None),
    ):  # fmt: skip
        mode.waits.clear()
        wait()
        assert dict(mode.waits) == ({kind: 1} if kind else {}), (kind, mode.waits)


def main(folder: Path, runs: dict[str, str]) -> None:
    mode = PretendedDevice()
    watch = Watch(mode)
    waits = {}
    with mode:
        assert_it_refuses_and_counts(mode)
        for name, flags in runs.items():
            without_judging(flags, folder)
            waits[name] = watch.most()
    (folder / "waits.json").write_text(json.dumps(waits))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), {**RUNS, **MORE} if "more" in sys.argv else RUNS)
