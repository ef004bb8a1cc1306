"""Error against the amount of synthetic poses, from the runs of benchmarks.cmux --table amount.

python -m benchmarks.amount_figure --out checkpoint/cmux --figure docs/figures/amount.png
"""

import argparse
import statistics
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.cmux import SHARES, TABLES, amount_name, last_errors
from evaluation.drawing.charts import save_figure
from evaluation.drawing.colours import FAINT
from training.reporting.figures import CURVES

NAMES = {"cmux2_a": "(a) the rig's cameras", "cmux2_b": "(b) other cameras"}


def amount_figure(out: Path, seeds: list[int]) -> Figure:
    """A panel for each test set, a line for each lifter, bars of one standard deviation over the seeds."""
    figure = Figure(figsize=(9, 3.4), dpi=100, layout="constrained")
    for axes, (test_set, title) in zip(figure.subplots(1, 2, sharey=True), NAMES.items(), strict=True):
        for (colour, style), lifter in zip(CURVES, TABLES["amount"].lifters, strict=False):
            by_share = {
                times: [errors[test_set] for seed in seeds
                        if (errors := last_errors(out / "amount", (amount_name(times), lifter, seed)))]
                for times in SHARES
            }  # fmt: skip
            known = {times: values for times, values in by_share.items() if values}
            spread = [statistics.stdev(values) if len(values) > 1 else 0.0 for values in known.values()]
            means = [statistics.mean(values) for values in known.values()]
            axes.errorbar(list(known), means, spread, color=colour, linestyle=style, marker="o", markersize=4,
                          capsize=3, label=lifter)  # fmt: skip
        axes.set(title=title, xlabel="synthetic poses, times the real ones", xticks=list(SHARES))
        axes.grid(color=FAINT, linewidth=0.4)
    figure.axes[0].set_ylabel("MPJPE (mm)")
    figure.axes[0].legend(fontsize=9)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw error against the amount of synthetic poses.")
    parser.add_argument("--out", type=Path, default=Path("checkpoint/cmux"), help="folder of the runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds (default: 0 1 2)")
    parser.add_argument("--figure", type=Path, default=Path("amount.png"), help="PNG to write")
    arguments = parser.parse_args()
    save_figure(amount_figure(arguments.out, arguments.seeds), arguments.figure)
    print(arguments.figure)


if __name__ == "__main__":
    main()
