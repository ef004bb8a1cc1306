"""How synthetic clips move, against real ones: joint speeds, accelerations, foot skating, bones that keep their length.

    python -m benchmarks.motion --data_root data --out checkpoint/motion --seeds 0 1

The captures of CMU-X's training subjects are dealt out in turn to two halves. The clip GAN learns from the first half
in several designs; its clips, and those of the other sources, are judged against the second half, unseen till then.
The first half against the second is the floor of every distance. What is finished stays under --out.
"""

import argparse
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from augment import Augmenter
from augment.settings import RECIPES, AugmentSettings, Mixture
from benchmarks.motion_figures import clip_strips, motion_curves
from data import DataSettings, PoseDataset, Recording, load_dataset
from evaluation.drawing.charts import save_figure
from evaluation.motion import motion_distances, motion_statistics
from evaluation.synthetic_quality.pose_sets.sets import whole_windows
from evaluation.tables import columns
from kinematics import exit_with_one_sentence
from kinematics.foot_contact import remove_foot_skate
from training.batches import RealBatches

PUBLISHED = RECIPES["dh-aug"]
POSEFK = replace(RECIPES["posefk"], mixture=replace(RECIPES["posefk"].mixture, gan=0.1))
REAL, FLOOR, NO_SKATE = "real, judged against", "real, learned from", "real, without foot skate"
FPS = 25.0


@dataclass(frozen=True)
class Variant:
    """A row of the table. trained: by --updates, else as it begins; root: on_ground (as the legs carry it), track
    (along the real hip's) or learned (the generator's)."""

    settings: AugmentSettings
    source: str = "gan"
    trained: bool = True
    root: str = "on_ground"


_EVERY_FRAME = replace(POSEFK, gan=replace(POSEFK.gan, key_every=0))
VARIANTS = {
    "GAN, as published": Variant(PUBLISHED, root="learned"),
    "GAN, every frame by itself": Variant(_EVERY_FRAME),
    "GAN, trajectories (posefk)": Variant(POSEFK),
    "trajectories, real hip's track": Variant(POSEFK, root="track"),
    "trajectories, before learning": Variant(POSEFK, trained=False),
    "limb_swap": Variant(POSEFK, "limb_swap", False),
    "limb_swap, real hip's track": Variant(POSEFK, "limb_swap", False, "track"),
    "range_of_motion": Variant(POSEFK, "range_of_motion", False),
}


@dataclass(frozen=True)
class Budget:
    """What a run of the GAN costs."""

    updates: int
    batch: int
    width: int
    lr: float
    clips: int


def halves(recordings: list[Recording]) -> tuple[list[Recording], list[Recording]]:
    """Every other capture, in the order of their names."""
    names = sorted({recording.group["sequence"] for recording in recordings})
    first = set(names[::2])
    half = [recording for recording in recordings if recording.group["sequence"] in first]
    return half, [recording for recording in recordings if recording.group["sequence"] not in first]


def whole_clips(dataset: PoseDataset, count: int, seed: int) -> Tensor:
    """(count, T, 16, 3) metres, world: windows that need no padding and have no glitch, drawn without replacement."""
    rows = whole_windows(dataset)
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
    return dataset.batch(rows[order[:count]]).joints_world()


def augmenter_of(settings: AugmentSettings, source: str, dataset: PoseDataset, budget: Budget, seed: int) -> Augmenter:
    """An augmenter whose nets all have the budget's width and learning rate."""
    gan = replace(
        settings.gan, generator_width=budget.width, critic_width_3d=budget.width, critic_width_2d=budget.width,
        motion_critic_width=budget.width, lr_generator=budget.lr, lr_critic=budget.lr,
    )  # fmt: skip
    mixture = Mixture(**{source: 1.0})
    return Augmenter(replace(settings, gan=gan, mixture=mixture, max_reference=5000), dataset, seed=seed)


def train(augmenter: Augmenter, dataset: PoseDataset, budget: Budget, seed: int, name: str) -> None:
    """Let the GAN learn, motion critics and all, from the first update on."""
    batches = RealBatches(dataset, seed)
    for _ in tqdm(range(budget.updates), desc=f"{name}, seed {seed}"):
        augmenter.update(batches.draw(budget.batch))
    if problem := augmenter.problem():
        tqdm.write(f"{name}, seed {seed}: {problem}")


@torch.no_grad()
def draw(augmenter: Augmenter, source: str, root: str, count: int, seed: int) -> Tensor:
    """(count, T, 16, 3) metres, world: all that the source makes, whether or not a camera could have taken it."""
    generator = torch.Generator().manual_seed(seed)
    reference = augmenter.reference
    rows = reference.random_indices(count, generator)
    joints = augmenter.sources[source].draw(rows, generator)
    if root == "learned":
        return reference.offset_to_reference(joints, rows)
    return reference.place_on_ground(joints, rows, remove_skate=root == "on_ground")


def remembered(path: Path, make: Callable[[], Tensor]) -> Tensor:
    """Clips from the file of an earlier run, made if there is none."""
    if not path.exists():
        torch.save(make(), path)
    return torch.load(path, weights_only=True)


def synthetic_clips(dataset: PoseDataset, budget: Budget, seed: int, out: Path) -> list[tuple[str, Tensor]]:
    """(variant, clips) of every row. A net that is trained once serves all rows that want it."""
    nets: dict[tuple[AugmentSettings, str, bool], Augmenter] = {}

    def make(name: str, variant: Variant) -> Tensor:
        key = (variant.settings, variant.source, variant.trained)
        if key not in nets:
            nets[key] = augmenter_of(variant.settings, variant.source, dataset, budget, seed)
            if variant.trained:
                train(nets[key], dataset, budget, seed, name)
        return draw(nets[key], variant.source, variant.root, budget.clips, seed)

    spent = "_".join(f"{value:g}" for value in (dataset.frames, *asdict(budget).values()))
    return [
        (name, remembered(out / f"variant{number}_{spent}_seed{seed}.pt", lambda n=name, v=variant: make(n, v)))
        for number, (name, variant) in enumerate(VARIANTS.items())
    ]


def row_of(name: str, clips: list[Tensor], real: list[Tensor]) -> list[str]:
    """A line of the table: means over the seeds; of distances ± the standard deviation where there are several."""
    numbers = [motion_statistics(half, FPS) for half in clips]
    apart = [motion_distances(half, other, FPS) for half, other in zip(clips, real, strict=True)]
    row = [name]
    for key in ("speed", "limb_speed", "acceleration"):
        levels = zip(*(getattr(n, key) for n in numbers), strict=True)
        row.append(" / ".join(_short(statistics.mean(level)) for level in levels))
        row.append("" if name == REAL else _spread([getattr(d, key) for d in apart]))
    return row + [
        _spread([n.skating for n in numbers]),
        f"{100 * statistics.mean(n.contact for n in numbers):.0f} %",
        f"{100 * max(n.limb_bones for n in numbers):.1f} %",
        f"{100 * statistics.mean(n.trunk_bones for n in numbers):.1f} %",
    ]


def _spread(values: list[float]) -> str:
    mean = _short(statistics.mean(values))
    return f"{mean} ± {_short(float(np.std(values, ddof=1)))}" if len(values) > 1 else mean


def _short(value: float) -> str:
    """Three digits are more than the spread allows."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


HEADER = [
    "clips", "speed, m/s", "distance", "about the hip, m/s", "distance", "acceleration, m/s²", "distance",
    "skating, m/s", "contact", "limb bones", "trunk bones",
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the motion of synthetic clips with real motion.")
    parser.add_argument("--data_root", default="data", help="folder of data_3d_cmu.npz (default: data)")
    parser.add_argument("--out", type=Path, default=Path("checkpoint/motion"), help="folder of clips and figures")
    parser.add_argument("--frames", type=int, default=27, help="frames of a clip, at 25 a second (default: 27)")
    parser.add_argument("--updates", type=int, default=400, help="batches the GAN learns from (default: 400)")
    parser.add_argument("--batch_size", type=int, default=64, help="clips per batch (default: 64)")
    parser.add_argument("--width", type=int, default=128, help="width of all nets (default: 128)")
    parser.add_argument("--lr", type=float, default=5e-4, help="learning rate of all nets (default: 5e-4)")
    parser.add_argument("--clips", type=int, default=1500, help="clips judged per line (default: 1500)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds (default: 0)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default: 1)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    budget = Budget(arguments.updates, arguments.batch_size, arguments.width, arguments.lr, arguments.clips)
    recordings = load_dataset("cmu", DataSettings(dataset="cmu", data_root=arguments.data_root)).train
    learned, judge = (PoseDataset.from_recordings(half, "h36m_16", arguments.frames) for half in halves(recordings))
    drawn: dict[str, list[Tensor]] = {}
    for seed in arguments.seeds:
        real, seen = (whole_clips(half, budget.clips, seed) for half in (judge, learned))
        lines = [(REAL, real), (FLOOR, seen), (NO_SKATE, remove_foot_skate(real))]
        for name, clips in lines + synthetic_clips(learned, budget, seed, arguments.out):
            drawn.setdefault(name, []).append(clips)
    print(columns([HEADER, *(row_of(name, clips, drawn[REAL]) for name, clips in drawn.items())]))
    first = {name: clips[0] for name, clips in drawn.items()}
    save_figure(motion_curves(first, FPS), arguments.out / "motion_curves.png")
    save_figure(clip_strips(first), arguments.out / "motion_strips.png")


if __name__ == "__main__":
    exit_with_one_sentence(main)
