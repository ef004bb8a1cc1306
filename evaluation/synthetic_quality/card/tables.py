"""The numbers of a dataset card as tables: what each row is called, its unit, and how it is to be read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.drawing.charts import SYNTHETIC_SET
from evaluation.synthetic_quality.checks import FAR_DEG

Numbers = dict[str, Any]


@dataclass(frozen=True)
class CardRow:
    """label: with the unit; show: a set's numbers -> text, "-" where there are none; reading: one line for people."""

    label: str
    show: Callable[[Numbers], str]
    reading: str


def number(value: float | int) -> str:
    """Three digits, whatever the size."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:#.2g}"


def _interval(key: str) -> Callable[[Numbers], str]:
    return lambda n: f"{number(n[key]['value'])} ({number(n[key]['lower'])} to {number(n[key]['upper'])})"


def _percent(key: str) -> Callable[[Numbers], str]:
    return lambda n: f"{n[key]:.0f} %"


def _middle(key: str) -> Callable[[Numbers], str]:
    return lambda n: f"{number(n[key]['median'])} / {number(n[key]['95 %'])}"


COMPARED = (
    CardRow("Nearest synthetic pose, mm (median / 95 %)", _middle("nearest_synthetic_mm"),
        "from each real pose: what is large is missing. Lower is better"),
    CardRow("Coverage", _percent("coverage_percent"),
        "real poses with a synthetic one as near as other recordings are. Higher is better"),
    CardRow("Recall", _percent("recall_percent"),
        "real poses among synthetic ones; easy for sets that are thinly spread over everything"),
    CardRow("Precision", _percent("precision_percent"),
        "synthetic poses among real ones. The rest is new: wanted if people can do it"),
    CardRow("Density", lambda n: f"{n['density']:.2f}",
        "real neighbourhoods over a synthetic pose; 1: as among real ones"),
    CardRow("Nearest real pose, mm (median / 95 %)", _middle("nearest_real_mm"),
        "from each synthetic pose: near 0 copies, large is new or impossible"),
    CardRow("Fréchet pose distance, joints, mm", _interval("frechet_joints_mm"),
        "of the two sets as Gaussians, per joint (95 % interval). 0: alike in mean and spread"),
    CardRow("the same as usually given, m²", _interval("frechet_joints_m2"), "squared, sum over 16 joints"),
    CardRow("Fréchet pose distance, angles, rad²", _interval("frechet_angles_rad2"), "of the 28 fitted joint angles"),
)  # fmt: skip


def _views(key: str, show: Callable[[Any], str]) -> Callable[[Numbers], str]:
    return lambda n: "-" if n["views"] is None or key not in n["views"] else show(n["views"][key])


def _levels(values: Sequence[float]) -> str:
    return " / ".join(number(value) for value in values)


def _motion(key: str, show: Callable[[Any], str]) -> Callable[[Numbers], str]:
    return lambda n: "-" if n["motion"] is None or n["motion"][key] is None else show(n["motion"][key])


def _tenths(value: float) -> str:
    return f"{value:.1f} %"


_LIMITS, _FAR = "outside_limits", f"any_angle_by_{FAR_DEG:g}_deg_percent"
PER_SET = (
    CardRow("Poses compared", lambda n: f"{n['poses']:,} of {n['poses_in_the_set']:,}", "drawn by chance"),
    CardRow("Diversity, mm", lambda n: number(n["diversity_mm"]),
        "mean distance of a joint between two poses (APD), bodies of 1.75 m"),
    CardRow("Poses outside joint limits", lambda n: _tenths(n[_LIMITS]["any_angle_percent"]),
        "any of 28 fitted angles by more than 1°; the fit itself puts recorded poses outside"),
    CardRow(f"Poses outside by more than {FAR_DEG:g}°", lambda n: _tenths(n[_LIMITS][_FAR]),
        "should not be far above the real sets"),
    CardRow("Poses with limbs through each other", lambda n: _tenths(n["capsule_overlap"]["poses_percent"]),
        "capsules inside the limbs overlap by more than 20 mm. Lower is better"),
    CardRow("Stature, m (mean ± sd)",
        lambda n: f"{n['bones']['stature_m']['mean']:.2f} ± {n['bones']['stature_m']['sd']:.2f}",
        "estimated from the bones"),
    CardRow("Left-right difference of bones", lambda n: _tenths(n["bones"]["left_right_difference_percent"]["mean"]),
        "0 for bodies made symmetrical"),
)  # fmt: skip

VIEWS = (
    CardRow("Camera to hip, m", _views("distance_m", _levels), "5 % / median / 95 %"),
    CardRow("Camera above the hip, degrees", _views("elevation_deg", _levels), "5 % / median / 95 %"),
    CardRow("Poses seen from the front", _views("from_the_front_percent", _tenths), "camera within 45° of ahead"),
    CardRow("Poses seen from behind", _views("from_behind_percent", _tenths), "camera within 45° of behind"),
    CardRow("Focal length, half image widths", _views("focal_half_widths", _levels), "5 % / median / 95 %"),
    CardRow("Size of the person's box, half image widths", _views("box_half_widths", _levels), "5 % / median / 95 %"),
    CardRow("Joints inside the image", _views("joints_in_image_percent", _tenths), "should be near 100"),
    CardRow("Poses behind the camera", _views("poses_behind_camera_percent", _tenths),
        "a joint less than 0.5 m before it; should be 0"),
)  # fmt: skip

MOTION = (
    CardRow("Clips", _motion("clips", str), "recorded ones as long as the synthetic ones"),
    CardRow("Speed, m/s", _motion("speed", _levels), "median / 95 %, all joints"),
    CardRow("Speed about the hip, m/s", _motion("limb_speed", _levels), "median / 95 %"),
    CardRow("Acceleration, m/s²", _motion("acceleration", _levels), "median / 95 %; grows with frame rate and noise"),
    CardRow("Skating, m/s", _motion("skating", number), "level speed of ankles on the floor"),
    CardRow("Frames with an ankle on the floor", _motion("contact", lambda c: _tenths(100 * c)), "within 5 cm"),
    CardRow("Change in length of arms, legs, hips", _motion("limb_bones", lambda c: _tenths(100 * c)),
        "inside a clip, worst of all; 0 is right"),
)  # fmt: skip


def set_cells(rows: Sequence[CardRow], numbers: Numbers) -> list[list[str]]:
    """Label, a cell for each set, reading; rows that no set has anything for are left out."""
    lines = [[row.label, *(row.show(part) for part in numbers["sets"].values()), row.reading] for row in rows]
    return [line for line in lines if any(cell != "-" for cell in line[1:-1])]


def compared_cells(numbers: Numbers) -> list[list[str]]:
    """Label, synthetic and floor for each real set in turn, reading."""
    lines = []
    for row in COMPARED:
        cells = [row.show(numbers[part][name]) for name in numbers["compared"] for part in ("compared", "floor")]
        lines.append([row.label, *cells, row.reading])
    return lines


def distance_cells(numbers: Numbers) -> list[list[str]]:
    """How far the motion of each real set is from the synthetic one's; no line where none was compared."""
    distances = {name: distance for name, distance in numbers["motion_distance"].items() if distance is not None}
    titles = {
        "speed": "Speeds apart from the synthetic, m/s", "limb_speed": "Speeds about the hip apart, m/s",
        "acceleration": "Accelerations apart, m/s²",
    }  # fmt: skip
    reading = "1-Wasserstein distance of all joints' values; 0: spread alike"
    rows = []
    for key, title in titles.items() if distances else ():
        cells = (number(distances[name][key]) if name in distances else "-" for name in numbers["compared"])
        rows.append([title, "", *cells, reading])
    return rows


def in_short(numbers: Numbers) -> list[str]:
    """Sum the card up in sentences."""
    sentences = []
    for name, scores in numbers["compared"].items():
        half = numbers["floor"][name]
        nearest, usual = scores["nearest_synthetic_mm"]["median"], half["nearest_synthetic_mm"]["median"]
        sentences.append(
            f"{name}: half of its poses have a synthetic one within {nearest:.0f} mm (in its own other half: "
            f"{usual:.0f} mm); {scores['coverage_percent']:.0f} % are covered ({half['coverage_percent']:.0f} %); "
            f"{scores['precision_percent']:.0f} % of the synthetic poses lie among its own "
            f"({half['precision_percent']:.0f} %)."
        )
    sets = numbers["sets"]
    rest = [name for name in sets if name != SYNTHETIC_SET]
    for what, show in (
        (f"joints more than {FAR_DEG:g}° outside their limits", lambda n: n[_LIMITS][_FAR]),
        ("limbs that pass through each other", lambda n: n["capsule_overlap"]["poses_percent"]),
    ):
        others = ", ".join(f"{name} {show(sets[name]):.1f} %" for name in rest)
        sentences.append(f"{show(sets[SYNTHETIC_SET]):.1f} % of the synthetic poses have {what} ({others}).")
    return sentences
