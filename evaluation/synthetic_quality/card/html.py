"""A dataset card as one HTML page: pictures inside it, no script, nothing fetched from anywhere."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from evaluation.drawing.charts import SYNTHETIC_SET, set_colours
from evaluation.synthetic_quality.card import tables
from kinematics import JOINT_ANGLES


@dataclass(frozen=True)
class Picture:
    """A section of the page: a heading, a line under it, a figure, and rows of numbers that belong to it."""

    heading: str
    caption: str
    figure: Figure
    rows: tuple[tables.CardRow, ...] = ()

    def image(self) -> str:
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=100)
        return base64.b64encode(buffer.getvalue()).decode()


def page(title: str, facts: Sequence[str], numbers: dict[str, Any], pictures: Sequence[Picture]) -> str:
    """The page, from card.html.jinja. facts: of the set, printed in a line."""
    sets, colours = numbers["sets"], set_colours(numbers["sets"])
    loader = FileSystemLoader(Path(__file__).parent)
    jinja = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    against = [
        column
        for name in numbers["compared"]
        for column in (("against ", colours[name], name, "main"), ("", "", "its halves", "floor"))
    ]
    return jinja.get_template("card.html.jinja").render(
        title=title, facts=facts, sentences=tables.in_short(numbers), against=against,
        compared_rows=tables.compared_cells(numbers),
        sets=[("", colours[name], name, "main" if name == SYNTHETIC_SET else "") for name in sets],
        set_rows=tables.set_cells(tables.PER_SET, numbers), plain=[("", "", name, "") for name in sets],
        sections=[(it.heading, it.caption, it.image(), tables.set_cells(it.rows, numbers)) for it in pictures],
        motion_rows=tables.set_cells(tables.MOTION, numbers) + tables.distance_cells(numbers), notes=numbers["notes"],
        angle_rows=_angle_rows(sets), bone_rows=_bone_rows(sets), overlap_rows=_overlap_rows(sets),
    )  # fmt: skip


def _angle_rows(sets: dict[str, Any]) -> list[list[str]]:
    per_angle = [numbers["outside_limits"]["per_angle_percent"] for numbers in sets.values()]
    return [[name.replace("_", " "), *(f"{rates[name]:.1f}" for rates in per_angle)] for name in JOINT_ANGLES]


def _bone_rows(sets: dict[str, Any]) -> list[list[str]]:
    rows = []
    for segment, synthetic in sets[SYNTHETIC_SET]["bones"]["segments"].items():
        in_sets = (numbers["bones"]["segments"][segment] for numbers in sets.values())
        cells = (f"{bone['ratio']:.3f} ± {bone['variation_percent']:.1f} %" for bone in in_sets)
        rows.append([f"{segment.replace('_', ' ')} (usually {synthetic['usual_ratio']:.3f})", *cells])
    return rows


def _overlap_rows(sets: dict[str, Any]) -> list[list[str]]:
    pairs = {name: numbers["capsule_overlap"]["pairs_percent"] for name, numbers in sets.items()}
    return [[name, "; ".join(f"{pair} {rate:.1f} %" for pair, rate in of.items()) or "-"] for name, of in pairs.items()]
