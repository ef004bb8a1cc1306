"""The rows as a markdown table."""

from collections.abc import Sequence

from benchmarks.gpu.measuring import Row

HEAD = ("", "ms", "poses/s", "share of", "kernels", "GPU idle", "waits", "peak GB", "epoch s", "run h", "")


def markdown(rows: Sequence[Row], about: str) -> str:
    """One table, a part below the other. about: where and when."""
    lines = [about, "", "| " + " | ".join(HEAD) + " |", "|---|" + "---:|" * (len(HEAD) - 2) + "---|"]
    part = None
    for row in rows:
        if row.part != part:
            lines.append(f"| **{row.part}** |" + " |" * (len(HEAD) - 1))
            part = row.part
        lines.append("| " + " | ".join(_cells(row)) + " |")
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> list[str]:
    share = "-" if row.share is None else f"{100 * row.share:.3g} % of the {row.bound}"
    return [
        row.name, _number(row.milliseconds, ".3g"), _number(row.poses_per_s, ",.0f"), share, _number(row.kernels, ","),
        "-" if row.idle is None else f"{100 * row.idle:.0f} %", _number(row.waits, ","), _number(row.peak_gb, ".2f"),
        _number(row.epoch_s, ",.0f"), _number(row.run_h, ",.1f"), row.note,
    ]  # fmt: skip


def _number(value: float | int | None, form: str) -> str:
    return "-" if value is None else format(value, form)
