"""A dataset card as one HTML page: pictures inside it, no script, nothing fetched from anywhere."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from matplotlib.figure import Figure

from evaluation.drawing.charts import SYNTHETIC_SET, set_colours
from evaluation.synthetic_quality.card.tables import (
    MOTION,
    PER_SET,
    CardRow,
    compared_cells,
    distance_cells,
    in_short,
    set_cells,
)
from kinematics import JOINT_ANGLES

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; background: #fff; max-width: 1180px; margin: 24px auto;
  padding: 0 20px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 34px 0 6px; }
.facts { color: #555; margin: 0 0 16px; }
.short { background: #f4f6f8; border-radius: 8px; padding: 12px 16px 12px 34px; margin: 0; }
.short li { margin: 3px 0; }
.warn { border-left: 4px solid #E69F00; padding: 4px 12px; margin: 14px 0; }
table { border-collapse: collapse; width: 100%; } th, td { padding: 4px 10px; text-align: right; white-space: nowrap; }
th { border-bottom: 2px solid #bbb; font-weight: 600; } td { border-bottom: 1px solid #eee; }
th:first-child, td:first-child, td.say { text-align: left; white-space: normal; }
small { color: #777; display: block; line-height: 1.25; }
 td.floor, th.floor { color: #888; font-weight: 400; } td.main { font-weight: 600; }
img { width: 100%; height: auto; margin: 6px 0; } details { margin: 10px 0; } summary { cursor: pointer; }
.key { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin-right: 5px; }
.notes { color: #555; font-size: 13px; }
"""
NOT_NEARER = (
    "Nearer to the training set is not better: a set that only repeats it adds nothing. Read the columns of the data "
    "you want to work on (and keep those data out of training); what is covered there, a lifter can learn."
)
FLOOR = "In grey: one half of the real set against its other half, with no recording in both. Nothing has to beat that."


@dataclass(frozen=True)
class Picture:
    """A section of the page: a heading, a line under it, a figure, and rows of numbers that belong to it."""

    heading: str
    caption: str
    figure: Figure
    rows: tuple[CardRow, ...] = ()


def page(title: str, facts: Sequence[str], numbers: dict[str, Any], pictures: Sequence[Picture]) -> str:
    """The whole page. facts: of the set, in a line."""
    parts = [
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>",
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>",
        f"<p class='facts'>{' · '.join(escape(fact) for fact in facts)}</p>",
        f"<ul class='short'>{''.join(f'<li>{escape(line)}</li>' for line in in_short(numbers))}</ul>",
        f"<p class='warn'>{NOT_NEARER}</p>",
        f"<h2>Against real poses</h2>{_against(numbers)}<p class='notes'>{FLOOR}</p>",
        f"<h2>Each set by itself</h2>{_side_by_side(numbers, set_cells(PER_SET, numbers))}",
        *(_section(numbers, picture) for picture in pictures),
        _motion(numbers),
        _details(numbers),
        _notes(numbers["notes"]),
        "</body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _table(head: Sequence[str], lines: Sequence[Sequence[str]], classes: Sequence[str]) -> str:
    """head, lines: HTML; classes: of each column."""

    def row(tag: str, cells: Sequence[str]) -> str:
        pairs = zip(cells, classes, strict=True)
        return "<tr>" + "".join(f"<{tag} class='{kind}'>{cell}</{tag}>" for cell, kind in pairs) + "</tr>"

    body = "".join(row("td", line) for line in lines)
    return f"<table><thead>{row('th', head)}</thead><tbody>{body}</tbody></table>"


def _key(name: str, colours: dict[str, str]) -> str:
    return f"<span class='key' style='background:{colours[name]}'></span>{escape(name)}"


def _against(numbers: dict[str, Any]) -> str:
    colours = set_colours(numbers["sets"])
    head, classes = [""], [""]
    for name in numbers["compared"]:
        head += [f"against {_key(name, colours)}", "its halves"]
        classes += ["main", "floor"]
    return _table(head, [_explained(line) for line in compared_cells(numbers)], classes)


def _side_by_side(numbers: dict[str, Any], lines: Sequence[Sequence[str]]) -> str:
    """A table with a column for each set."""
    colours = set_colours(numbers["sets"])
    classes = ["main" if name == SYNTHETIC_SET else "" for name in colours]
    head = ["", *(_key(name, colours) for name in colours)]
    return _table(head, [_explained(line) for line in lines], ["", *classes])


def _explained(line: Sequence[str]) -> list[str]:
    """A table's line with the reading, its last cell, in small letters under its label."""
    label, *cells, reading = (escape(cell) for cell in line)
    return [f"{label}<small>{reading}</small>", *cells]


def _section(numbers: dict[str, Any], picture: Picture) -> str:
    buffer = io.BytesIO()
    picture.figure.savefig(buffer, format="png", dpi=100)
    data = base64.b64encode(buffer.getvalue()).decode()
    image = f"<img alt='{escape(picture.heading, quote=True)}' src='data:image/png;base64,{data}'>"
    lines = set_cells(picture.rows, numbers)
    table = _side_by_side(numbers, lines) if lines else ""
    return f"<h2>{escape(picture.heading)}</h2><p class='notes'>{escape(picture.caption)}</p>{image}{table}"


def _motion(numbers: dict[str, Any]) -> str:
    lines = set_cells(MOTION, numbers) + distance_cells(numbers)
    return f"<h2>Motion of the clips</h2>{_side_by_side(numbers, lines)}" if lines else ""


def _details(numbers: dict[str, Any]) -> str:
    """Long tables, folded."""
    sets = numbers["sets"]
    head = ["", *(escape(name) for name in sets)]
    classes = [""] * len(head)
    angles = [
        [name.replace("_", " "), *(f"{own['outside_limits']['per_angle_percent'][name]:.1f}" for own in sets.values())]
        for name in JOINT_ANGLES
    ]
    bones = []
    for segment, usual in sets[SYNTHETIC_SET]["bones"]["segments"].items():
        own = (each["bones"]["segments"][segment] for each in sets.values())
        cells = (f"{each['ratio']:.3f} ± {each['variation_percent']:.1f} %" for each in own)
        bones.append([f"{segment.replace('_', ' ')} (usually {usual['usual_ratio']:.3f})", *cells])
    worst = [
        [
            escape(name),
            "; ".join(f"{pair} {rate:.1f} %" for pair, rate in own["capsule_overlap"]["pairs_percent"].items()) or "-",
        ]
        for name, own in sets.items()
    ]
    tables = (
        ("Joint limits: % of poses outside by more than 1°, angle by angle", _table(head, angles, classes)),
        ("Bones: length over stature, and its variation between poses", _table(head, bones, classes)),
        ("Limbs through each other: the pairs most often", _table(["", "% of poses"], worst, ["", "say"])),
    )
    return "".join(f"<details><summary>{title}</summary>{table}</details>" for title, table in tables)


def _notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    return f"<h2>Notes</h2><ul class='notes'>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>"
