"""Lifters that ship with PoseFK, each with a model card; `python -m benchmarks.shipped` trains and measures them."""

from pathlib import Path
from typing import Any, NamedTuple, NotRequired, TypedDict

from data.plain import check_plain
from posenets.checkpoints.safetensors_file import read_safetensors

FOLDER, SUFFIX = Path(__file__).parent, ".safetensors"
SINGLE, VIDEO, BODY = "coco_17", "coco_17_video", "h36m_16"
NAMES = (SINGLE, VIDEO, BODY)


class Score(TypedDict):
    """Errors of one test set, mm; mpjve in mm a frame, of lifters of several frames only."""

    test_set: str
    noise: str
    mpjpe: float
    p_mpjpe: float
    mpjve: NotRequired[float | None]


class Card(TypedDict):
    """What a weights file says of itself."""

    name: str
    reads: str
    data: str
    command: str
    machine: str
    scores: list[Score]
    not_for: list[str]


class Shipped(NamedTuple):
    """One of the lifters. content: as Lifter.to_checkpoint."""

    path: Path
    card: Card
    content: dict[str, Any]


def shipped_path(name: str | Path) -> Path | None:
    """Return the file of a lifter that ships; None if the name is none's."""
    return FOLDER / f"{name}{SUFFIX}" if str(name) in NAMES else None


def read_shipped(name: str) -> Shipped:
    """Read one of NAMES with its card."""
    path = shipped_path(name)
    if path is None:
        raise ValueError(f"There is no lifter {name}: choose from {', '.join(NAMES)}.")
    content = read_safetensors(path)
    check_plain(content["card"], Card, "The card")
    return Shipped(path, content["card"], content)


def card_text(shipped: Shipped) -> str:
    """Format a model card as Markdown."""
    card, size = shipped.card, shipped.path.stat().st_size / 1e6
    lines = [
        f"## `{card['name']}`", "", card["reads"], "",
        f"* **File**: {shipped.path.name}, {size:.1f} MB, weights in float16, statistics in float32, SHA-256 inside",
        f"* **Data**: {card['data']}", f"* **Command**: `{card['command']}`", f"* **Measured on**: {card['machine']}",
        f"* **Not for**: {'; '.join(card['not_for'])}", "", *_table(card["scores"]),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _table(scores: list[Score]) -> list[str]:
    moving = any(score.get("mpjve") is not None for score in scores)
    heads = ["test set", "2D", "MPJPE (mm)", "P-MPJPE (mm)", *["MPJVE (mm a frame)"] * moving]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for score in scores:
        seen = "exact" if score["noise"] == "none" else "with a detector's error"
        values = [score["mpjpe"], score["p_mpjpe"], *[score.get("mpjve") or 0.0] * moving]
        lines.append(f"| {score['test_set']} | {seen} | " + " | ".join(f"{value:.1f}" for value in values) + " |")
    return lines
