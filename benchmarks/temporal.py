"""Temporal lifters in training: windows from the data set, the steps they feed, and an ordinary loader beside them.

    python -m benchmarks.temporal                  one thread of the CPU, some three minutes
    python -m benchmarks.temporal --device cuda
    python -m benchmarks.temporal --clip           time and memory of PoseFormer-81 on a clip of ten minutes
    python -m benchmarks.temporal --views          ESMformer, four views, with 3D labels and without, and its memory

A step is what training does with a batch: indexing it, its mirror image, and for both forward, loss, backward and
AdamW, at the published sizes with the settings that a run would have. The data path is the indexing and the mirroring.
Batches are smaller than published where those would take ten seconds and more on a CPU; work per window is the same.
The ordinary loader is `benchmarks.plain_windows`: as PoseFormer and VideoPose3D cut windows, inside a DataLoader.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from augment.detector_noise.model import DetectorNoise
from benchmarks.plain_windows import plain_loader
from data import DataSettings, PoseDataset, load_dataset
from data.recordings import Recording
from evaluation.evaluate import dataset_for
from posenets import ScreenLifter, build_posenet
from run_fk_gan import update_lifter
from training.building import build_lifter
from training.config import read_settings
from training.lifting import LifterTrainer
from training.losses import mean_distance
from training.self_supervision import SelfSupervision

LAYOUT, JOINTS = "h36m_17", 17
COPIES = 4  # of CMU-X's recordings: 300,000 frames, too many for a processor's caches, as a real data set's are
CLIP_FRAMES = 30_000  # ten minutes at 50 Hz
GIB = 2**30


@dataclass(frozen=True)
class Case:
    """A lifter at its published size. published: its batch; batch: the one measured on a CPU; flags: of the run."""

    name: str
    frames: int
    published: int
    batch: int
    flags: str = ""

    def __str__(self) -> str:
        return " ".join([f"{self.name}-{self.frames}", *self.flags.replace("--", "").split()])


# VideoPose3D, PoseFormer and seq2seq-3Dpose as their READMEs train them; ST-GCN's frames are its paper's.
CASES = (
    Case("videopose", 27, 1024, 512), Case("videopose", 81, 1024, 128), Case("videopose", 243, 1024, 64),
    Case("poseformer", 9, 512, 64), Case("poseformer", 27, 512, 32), Case("poseformer", 81, 512, 8),
    Case("st_gcn", 1, 256, 256), Case("st_gcn", 3, 256, 64), Case("st_gcn", 7, 256, 32),
    Case("seq2seq", 5, 64, 64),
)  # fmt: skip
ALONE = "--self_supervised 1 --tri_loss 1 --reproj_loss 1 --adaptive_loss 1"
VIEW_CASES = (
    Case("esmformer", 27, 1024, 16), Case("esmformer", 27, 1024, 16, ALONE),
    Case("esmformer", 27, 1024, 16, "--input_mode rays"),
    Case("esmformer", 27, 1024, 16, "--input_mode rays --self_supervised 1"),
)  # fmt: skip
SAMPLES = 1_000_000  # more than CMU-X's recordings have, COPIES times
AGAINST_LOADER = Case("poseformer", 27, 512, 32)


@dataclass(frozen=True)
class Row:
    """One lifter. windows_per_s: out of the data path; milliseconds: of a step; share: of the data path in it."""

    case: Case
    batch: int
    windows_per_s: float
    milliseconds: float
    share: float


def clock(device: torch.device) -> float:
    """Seconds. On one CPU thread the processor's time, which other programs on the machine do not stretch."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def seconds(function: Callable[[], object], device: torch.device) -> float:
    start = clock(device)
    function()
    return clock(device) - start


def training_recordings() -> list[Recording]:
    """CMU-X's training recordings, so often that they fill more memory than caches have."""
    return list(load_dataset("cmu", DataSettings(num_joints=JOINTS)).train) * COPIES


def build_trainer(case: Case, device: torch.device) -> LifterTrainer:
    """The lifter with what a run without augmentation would train it with."""
    arguments = ["--dataset", "h36m", "--recipe", "none", "--posenet_name", case.name, "--frames", str(case.frames)]
    settings = read_settings([*arguments, *case.flags.split()])
    torch.manual_seed(0)
    lifter = build_lifter(settings, LAYOUT).to(device)
    alone = settings.self_supervision.self_supervised
    loss = SelfSupervision(settings, lifter, SAMPLES, device, DetectorNoise.default(LAYOUT)) if alone else None
    return LifterTrainer(lifter, settings.learning, loss)


def measure(case: Case, recordings: list[Recording], device: torch.device, rounds: int) -> Row:
    """Data path and whole steps take turns."""
    trainer, batch = build_trainer(case, device), case.published if device.type == "cuda" else case.batch
    dataset = dataset_for(trainer.lifter, recordings, device)
    generator = torch.Generator().manual_seed(0)

    def data_path() -> None:
        dataset.random_batch(batch, generator).mirrored()

    def step() -> None:
        update_lifter(trainer, dataset.random_batch(batch, generator))

    data_path(), step()
    times = [(seconds(data_path, device), seconds(step, device)) for _ in range(rounds)]
    data_s, step_s = (statistics.median(column) for column in zip(*times, strict=True))
    return Row(case, batch, 2 * batch / data_s, step_s * 1e3, statistics.median(d / w for d, w in times))


@dataclass(frozen=True)
class LoaderRow:
    """Index selection against an ordinary loader: windows per second of each alone, and steps per second together."""

    batch: int
    windows_per_s: tuple[float, float]
    milliseconds: tuple[float, float]
    ratio: float


def against_plain_loader(case: Case, recordings: list[Recording], device: torch.device, rounds: int) -> LoaderRow:
    """Two updates of the same lifter from either, in turns: a batch and its mirror image, or the loader's next two."""
    trainer, batch = build_trainer(case, device), case.published if device.type == "cuda" else case.batch
    dataset = PoseDataset.from_recordings(recordings, LAYOUT, case.frames, device=device)
    loaded = iter(plain_loader(recordings, case.frames, batch, LAYOUT))
    generator = torch.Generator().manual_seed(0)

    def ours() -> None:
        update_lifter(trainer, dataset.random_batch(batch, generator))

    def theirs() -> None:
        for _ in range(2):
            learn(trainer, *(part.to(device) for part in next(loaded)))

    def our_windows() -> None:
        dataset.random_batch(batch, generator).mirrored()

    def their_windows() -> None:
        next(loaded), next(loaded)

    programs = (ours, theirs, our_windows, their_windows)
    for program in programs:
        program()
    times = [[seconds(program, device) for program in programs] for _ in range(rounds)]
    step, their_step, data, their_data = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(slow / fast for fast, slow, *_ in times)
    return LoaderRow(batch, (2 * batch / data, 2 * batch / their_data), (step * 1e3, their_step * 1e3), ratio)


def learn(trainer: LifterTrainer, joints_2d: Tensor, target: Tensor) -> None:
    """An update by a loop as the originals write it."""
    trainer.lifter.train()
    trainer.optimizer.zero_grad(set_to_none=True)
    mean_distance(trainer.lifter(joints_2d), target).backward()
    trainer.optimizer.step()


def measure_clip(frames: int = CLIP_FRAMES, flip: bool = True) -> tuple[float, float]:
    """Seconds and peak resident memory in GiB of a process that lifts a long clip with PoseFormer-81."""
    lifter = ScreenLifter(build_posenet("poseformer", JOINTS, 81), "screen", LAYOUT)
    clip = torch.randn(frames, JOINTS, 2)
    taken = seconds(lambda: lifter.predict_clip(clip, flip), torch.device("cpu"))
    return taken, peak_bytes() / GIB


def peak_bytes() -> int:
    """Most resident memory this process ever had (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def report_views(recordings: list[Recording], device: torch.device, rounds: int) -> Iterator[str]:
    for case in VIEW_CASES:
        row = measure(case, recordings, device, rounds)
        memory = torch.cuda.max_memory_allocated() if device.type == "cuda" else peak_bytes()
        yield (
            f"{case}: batch {row.batch}, data path {row.windows_per_s:,.0f} windows/s, step {row.milliseconds:.0f} ms "
            f"({2e3 * row.batch / row.milliseconds:.0f} windows/s), data path / step {100 * row.share:.2f} %, "
            f"peak memory so far {memory / GIB:.2f} GiB"
        )


def report(recordings: list[Recording], device: torch.device, rounds: int) -> Iterator[str]:
    yield f"{'lifter':16}{'batch':>7}{'published':>11}{'data path':>20}{'step':>12}{'data path / step':>18}"
    for case in CASES:
        row = measure(case, recordings, device, rounds)
        yield (
            f"{str(case):16}{row.batch:7}{case.published:11}{row.windows_per_s:12,.0f} wind./s"
            f"{row.milliseconds:9.0f} ms{100 * row.share:16.2f} %"
        )
    row = against_plain_loader(AGAINST_LOADER, recordings, device, rounds)
    yield f"{AGAINST_LOADER}, batch {row.batch}, two updates: index selection, plain windows in a DataLoader"
    yield f"  windows/s alone  {row.windows_per_s[0]:12,.0f}{row.windows_per_s[1]:12,.0f}"
    yield f"  with the step    {row.milliseconds[0]:9.0f} ms{row.milliseconds[1]:9.0f} ms"
    yield f"  steps/s, ours over theirs: {row.ratio:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.temporal")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clip", action="store_true", help="only the clip of ten minutes")
    parser.add_argument("--views", action="store_true", help="only the lifter of several views")
    arguments = parser.parse_args()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if arguments.clip:
            taken, peak = measure_clip()
            print(f"PoseFormer-81, {CLIP_FRAMES:,} frames with flip: {taken:.0f} s, peak memory {peak:.2f} GiB")
            return
        lines = report_views if arguments.views else report
        for line in lines(training_recordings(), torch.device(arguments.device), arguments.rounds):
            print(line, flush=True)
    finally:
        torch.set_num_threads(threads)


if __name__ == "__main__":
    main()
