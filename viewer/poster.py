"""The picture at the top of the README: synthetic poses in space, and what their cameras see of them.

    python -m viewer.poster --out docs/figures/poster.png

Left, right, middle of the body in one colour each; floor tiles of 2 m; frames are what a camera of two half image
widths takes in. Nothing is chosen by hand: the first poses of the recipe, from recorded poses of the built-in data set.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from augment.export.poses import EXPORT_RECIPES, PoseStream, Rules
from data import DataSettings
from data.command_line import read_flags
from evaluation.drawing.charts import save_figure
from evaluation.drawing.poses import COLUMNS, draw_screens, draw_spaces, figure_of_lines
from kinematics import Skeleton
from kinematics.errors import PoseFKError, choose, exit_with_one_sentence

LAYOUT = Skeleton("h36m_16")


@dataclass
class Poster:
    """Draw synthetic poses and their views."""

    out: Path = Path("docs/figures/poster.png")
    """PNG to write."""
    recipe: str = "limb_swap"
    """Where poses come from: clipped_normal, range_of_motion or limb_swap."""
    seed: int = 0
    """Seed of the poses."""
    rows: int = 1
    """Rows of poses, each with a row of views."""


def draw(settings: Poster) -> None:
    choose("--recipe", settings.recipe, EXPORT_RECIPES)
    if settings.rows < 1:
        raise PoseFKError(f"--rows {settings.rows}: expected 1 or more.")
    stream = PoseStream.from_recipe(settings.recipe, DataSettings(), 1, settings.seed, Rules())
    chunk = stream.chunk(0, 0, settings.rows * COLUMNS, LAYOUT, ())
    world = chunk.joints_world[:, 0] - chunk.joints_world[:, 0, LAYOUT.root, None]
    level = world[..., [0, 2, 1]] * [1, -1, 1]  # as a level camera that looks along the world's y axis has them
    figure, lines = figure_of_lines(2 * settings.rows, "Synthetic poses in space, and as their cameras see them")
    for row in range(settings.rows):
        columns = slice(row * COLUMNS, (row + 1) * COLUMNS)
        draw_spaces(lines[2 * row], level[columns], LAYOUT)
        draw_screens(lines[2 * row + 1], chunk.joints_screen[columns, 0], LAYOUT)
        lines[2 * row].set_ylabel("3D")
        lines[2 * row + 1].set_ylabel("2D")
    save_figure(figure, settings.out)
    print(f"{settings.rows * COLUMNS} poses of recipe {settings.recipe} in {settings.out}")


def main(arguments: Sequence[str] | None = None) -> None:
    draw(read_flags(Poster, "viewer.poster", __doc__, arguments))


if __name__ == "__main__":
    exit_with_one_sentence(main)
