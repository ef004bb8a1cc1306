"""Score tables as text."""

from collections.abc import Sequence

from evaluation.evaluate import MEAN_OVER_ACTIONS, MEAN_OVER_FRAMES, ScoreRow, Scores
from evaluation.metrics import METRICS
from evaluation.protocols import protocol_named


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Columns for a terminal: the first to the left, the others to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    )


def format_rows(title: str, rows: Sequence[ScoreRow]) -> str:
    """Format a table with a line for each row and a column for each of METRICS. title: heads the first column."""
    lines = [[title, "poses", *(f"{metric.header} {metric.unit}" for metric in METRICS.values())]]
    for row in rows:
        values = ("-" if value is None else f"{value:.2f}" for value in map(row.values.get, METRICS))
        lines.append([row.name or "-", f"{row.poses:,}", *values])
    return aligned(lines)


def format_scores(test_set: str, scores: Scores, longest: int = 24) -> str:
    """Format the total and the tables of up to `longest` rows, without those that only repeat others."""
    flip = "with" if scores.flip else "without"
    what = protocol_named(scores.protocol).description
    title = f"{test_set}, protocol {scores.protocol}, {flip} flip ({scores.seconds:.1f} s): {what}"
    parts = [title, format_rows("", [scores.total])]
    actions = {row.name for row in scores.tables.get("action", [])}
    for name, rows in scores.tables.items():
        names = {row.name for row in rows}
        if len(names - {MEAN_OVER_ACTIONS, MEAN_OVER_FRAMES}) < 2 or (name == "activity" and names <= actions):
            continue
        if len(rows) > longest:
            parts.append(f"({len(rows)} rows per {name}: see --json)")
        else:
            parts.append(format_rows(f"per {name}", rows))
    return "\n".join(parts)


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Format rows of words as a table in Markdown, its columns aligned."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    padded = [[word.ljust(width) for word, width in zip(row, widths, strict=True)] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in padded]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
