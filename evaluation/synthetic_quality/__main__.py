"""A dataset card: how good is a synthetic pose set, before anything is trained on it?

    python -m evaluation.synthetic_quality --synthetic synthetic --real cmu
    python -m evaluation.synthetic_quality --synthetic big/poses.h5 --real cmu cmux2_b other.npz --out card

Writes card.html (one page with figures, opens anywhere) and card.json (all numbers) to --out. docs/quality.md says what
each number means.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from augment.export.poses import WITHOUT_DATA
from data import DataSettings
from data.command_line import read_flags
from data.files.writing import atomic_write
from evaluation.drawing.charts import SYNTHETIC_SET, camera_views, joint_angle_histograms
from evaluation.synthetic_quality.card.figures import limb_maps, pose_sheet
from evaluation.synthetic_quality.card.html import Picture, page
from evaluation.synthetic_quality.card.tables import PER_SET, VIEWS, compared_cells, set_cells
from evaluation.synthetic_quality.pose_sets.files import read_files
from evaluation.synthetic_quality.pose_sets.sets import LEAST_POSES, PoseSet, load_recordings, of_recordings, set_names
from evaluation.synthetic_quality.report import Effort, SetFeatures, common_axes, compute_features, compute_report
from evaluation.synthetic_quality.report import names as names_of
from evaluation.tables import aligned
from kinematics import PoseFKError, exit_with_one_sentence, joint_limits
from kinematics.limb_frames import limb_directions

PAGE, NUMBERS = "card.html", "card.json"


@dataclass
class Quality:
    """Compare a synthetic pose set with real ones."""

    synthetic: str
    """Folder or file of an export (hdf5, poseaug, videopose3d); or a data set's name."""
    real: tuple[str, ...] = ("cmu",)
    """Data sets (cmu, h36m...: their training part), test sets (cmux2_a, cmux2_b, 3dhp), or files."""
    out: Path = Path("quality")
    """Folder for card.html and card.json."""
    num_poses: int = 10_000
    """Most poses of a set in any comparison; fewer than 10,000 make distances look larger."""
    bootstrap: int = 100
    """Samples for the confidence intervals."""
    seed: int = 0
    """Seed of whatever is drawn by chance."""
    data_root: str = "data"
    """Folder of the prepared npz files."""
    data_extra_root: str = "data_extra"
    """Folder of the 3DHP test set."""
    plugins: tuple[str, ...] = ()
    """Modules to import first (dotted names or .py files), for what they register."""


def main(arguments: Sequence[str] | None = None) -> None:
    run(read_flags(Quality, "evaluation.synthetic_quality", __doc__, arguments))


def run(settings: Quality) -> dict[str, Any]:
    check(settings)
    effort = Effort(settings.num_poses, settings.bootstrap, settings.seed)
    with tqdm(total=2 + 5 * len(settings.real), unit="step", leave=False) as bar:
        sets = load(settings, bar)
        notes = [note for poses in sets for note in poses.notes]
        upright = common_axes(sets, notes)
        features = dict(zip(names_of(sets), (compute_features(poses, upright) for poses in sets), strict=True))
        bar.set_description("computing")
        real = {name: each for name, each in features.items() if name != SYNTHETIC_SET}
        numbers = compute_report(features[SYNTHETIC_SET], real, effort, notes, bar.update)
        origin = {"synthetic": settings.synthetic, "about": sets[0].about, "seed": settings.seed, "upright": upright}
        numbers = {**origin, **numbers, "notes": notes}
        notes += [f"{name} has no cameras: views are not compared." for name in features if not sees(features[name])]
        bar.set_description("drawing")
        html = page(f"Dataset card: {sets[0].name}", facts(sets[0], settings), numbers, pictures(features, upright))
        bar.update()
    write(settings.out / NUMBERS, json.dumps(numbers, indent=1, allow_nan=False) + "\n")
    write(settings.out / PAGE, html)
    report(settings, numbers)
    return numbers


def check(settings: Quality) -> None:
    for name, least in (("num_poses", LEAST_POSES), ("bootstrap", 2), ("seed", 0)):
        if getattr(settings, name) < least:
            raise PoseFKError(f"--{name} {getattr(settings, name)}: expected {least} or more.")
    if not settings.real:
        raise PoseFKError(f"--real is empty, expected some of {', '.join(set_names())}, or files.")
    for name in (settings.synthetic, *settings.real):
        if name not in set_names() and not Path(name).exists():
            raise PoseFKError(f"{name} is no file, no folder and none of {', '.join(set_names())}: check the spelling.")
    try:
        settings.out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.out):
            pass
    except OSError as error:
        raise PoseFKError(
            f"--out {settings.out} cannot be written to ({error.strerror or error}): choose another folder."
        ) from error


def load(settings: Quality, bar: "tqdm[Any]") -> list[PoseSet]:
    """Load and check the synthetic set, and real ones twice as large, for their halves."""
    generator = torch.Generator().manual_seed(settings.seed)
    sets: list[PoseSet] = []
    data = DataSettings(data_root=settings.data_root, data_extra_root=settings.data_extra_root)
    for i, name in enumerate((settings.synthetic, *settings.real)):
        bar.set_description(f"reading {name}")
        wanted = settings.num_poses * (1 if i == 0 else 2)
        if name in set_names():
            clip_frames = sets[0].clip_frames if sets else None  # real clips are as long as the synthetic ones
            poses = of_recordings(name, load_recordings(name, data), wanted, generator, clip_frames)
        else:
            poses = read_files(Path(name), wanted, generator)
        sets.append(poses.check())
        bar.update()
    return sets


def facts(synthetic: PoseSet, settings: Quality) -> list[str]:
    """List size, origin, seed and licence, as far as the set has them."""
    about = synthetic.about
    items = [f"{synthetic.total:,} poses"]
    if about.get("frames", 1) > 1:
        items.append(f"clips of {about['frames']} frames at {about.get('fps', 0):g} a second")
    if about.get("checkpoint"):
        items.append(f"checkpoint {about['checkpoint']}")
    elif about.get("recipe"):
        items.append(f"recipe {about['recipe']}")
    for name in ("dataset", "format", "layout", "seed"):
        unused = name == "dataset" and about.get("recipe") in WITHOUT_DATA
        if about.get(name) not in (None, "") and not unused:
            items.append(f"{name} {about[name]}")
    if not about:
        items.append(f"{settings.synthetic}: no manifest beside it")
    if about.get("licence"):
        items.append(f"licence: {about['licence']}")
    return items


def sees(features: SetFeatures) -> bool:
    return features.poses.views is not None and features.poses.views.camera is not None


def pictures(features: dict[str, SetFeatures], upright: bool) -> list[Picture]:
    """Draw the sections with figures, in the order of the page."""
    poses = {name: each.joints for name, each in features.items()}
    directions = {name: limb_directions(each.poses.joints) for name, each in features.items()}
    angles = {name: each.angles for name, each in features.items()}
    seen = {name: each.poses.views for name, each in features.items() if each.poses.views is not None and sees(each)}
    sections = [
        Picture("Sample poses", "As they come, none chosen.", pose_sheet(poses, upright)),
        Picture("Where limbs point", "Dark: many poses have that limb there. Blank: none has. What the real sets have "
                "and the synthetic one has not is missing.", limb_maps(directions)),
        Picture("Joint angles", "Of the body that fits the joints; anatomical limits dashed.",
                joint_angle_histograms(angles, joint_limits("anatomical"))),
    ]  # fmt: skip
    if seen:
        caption = "A difference of views costs lifters more than one of poses."
        sections.append(Picture("Camera views", caption, camera_views(seen), VIEWS))
    return sections


def write(path: Path, text: str) -> None:
    with atomic_write(path) as part:
        part.write_text(text, encoding="utf-8")


def report(settings: Quality, numbers: dict[str, Any]) -> None:
    """Print the numbers without the readings, and where the card is."""
    columns = [title for name in numbers["compared"] for title in (f"against {name}", "its halves")]
    print(aligned([["", *columns], *(line[:-1] for line in compared_cells(numbers))]))
    print()
    print(aligned([["", *numbers["sets"]], *(line[:-1] for line in set_cells(PER_SET, numbers))]))
    for note in numbers["notes"]:
        print(f"Note: {note}")
    print(f"{settings.out / PAGE} is the card, {settings.out / NUMBERS} has all numbers")


if __name__ == "__main__":
    exit_with_one_sentence(main)
