"""Figures of a dataset card that only it has: where limbs point, and a sheet of poses."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from torch import Tensor

from evaluation.drawing.charts import SYNTHETIC_SET
from evaluation.drawing.colours import FAINT
from evaluation.drawing.poses import COLUMNS, draw_spaces, figure_of_lines
from kinematics import Skeleton
from kinematics.limb_frames import DIRECTED_LIMBS

_LONGITUDES, _HEIGHTS = np.linspace(-np.pi, np.pi, 49), np.linspace(-1, 1, 25)
_SHADES = LogNorm(0.05, 50)
SYNTHETIC_LINES = 2
# Rows are camera axes (x right, y down, z away) of who stands before the person and looks at it.
_FACING = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, -1.0, 0.0]])


def limb_maps(directions: Mapping[str, Mapping[str, Float[Tensor, "limbs 3"]]]) -> Figure:
    """Map how often limbs point where (Mollweide). directions: set -> limb -> unit vectors (outward, forward, up)."""
    height = 0.85 + 1.75 * len(directions)
    figure = Figure(figsize=(14, height), dpi=100)
    figure.subplots_adjust(left=0.06, right=0.94, top=1 - 0.6 / height, bottom=0.1 / height, wspace=0.08, hspace=0.1)
    panels = figure.subplots(
        len(directions), len(DIRECTED_LIMBS), squeeze=False, subplot_kw={"projection": "mollweide"}
    )
    shades = None
    for line, (row, (name, limbs)) in enumerate(zip(panels, directions.items(), strict=True)):
        for axes, limb in zip(row, DIRECTED_LIMBS, strict=True):
            shades = axes.pcolormesh(
                _LONGITUDES, np.arcsin(_HEIGHTS), direction_density(limbs[limb].numpy()), norm=_SHADES, cmap="magma_r"
            )
            _label(axes, limb if line == 0 else "")
        row[0].text(-0.04, 0.5, name, transform=row[0].transAxes, rotation=90, ha="right", va="center", fontsize=11)
    assert shades is not None
    bar = figure.colorbar(shades, cax=figure.add_axes((0.955, 0.1, 0.008, 0.75)))
    bar.ax.tick_params(labelsize=7)
    title = "Where limbs point from the trunk (middle: ahead, right: outward, edges: behind; shade: over uniform)"
    figure.suptitle(title, fontsize=11, y=1 - 0.15 / height, va="center")
    return figure


def direction_density(directions: Float[np.ndarray, "limbs 3"]) -> Float[np.ndarray, "latitudes longitudes"]:
    """Share of directions in each cell of equal area, over a uniform set's; nan (blank) where there are none."""
    outward, forward, up = directions.T
    cells = (_HEIGHTS, _LONGITUDES)
    counts, _, _ = np.histogram2d(np.clip(up, -1, 1), np.arctan2(outward, forward), bins=cells)
    density = counts * counts.size / max(len(directions), 1)
    return np.where(counts > 0, density, np.nan)


def _label(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.set(xticks=np.deg2rad([-90, 0, 90]), yticks=np.deg2rad([-45, 0, 45]))
    axes.set(xticklabels=[], yticklabels=[])
    axes.grid(color=FAINT, linewidth=0.5)


def pose_sheet(poses: Mapping[str, Float[Tensor, "poses 16 3"]], upright: bool) -> Figure:
    """Poses of every set as they come, on bodies of one height that face the reader. poses: standard ones, metres."""
    lines = {
        (name, line): _spread(joints, line, count).double().numpy()
        for name, joints in poses.items()
        for count in [SYNTHETIC_LINES if name == SYNTHETIC_SET else 1]
        for line in range(count)
    }
    how = "hips turned to the reader" if upright else "pelvis upright and turned to the reader"
    figure, panels = figure_of_lines(len(lines), f"Poses drawn by chance, {how}. Floor 2 m")
    for axes, ((name, _), joints) in zip(panels, lines.items(), strict=True):
        draw_spaces(axes, joints @ _FACING.T, Skeleton("h36m_16"))
        axes.set_ylabel(name)
    return figure


def _spread(poses: Tensor, line: int, lines: int) -> Tensor:
    """The poses of one line: files lie in the order of their recordings, so every n-th of all poses."""
    step = max(1, len(poses) // (COLUMNS * lines))
    return poses[line * step :: step * lines][:COLUMNS]
