"""docs/walk.md follows one tensor: every station's line stands in the file it names, once, in the order of the walk."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WALK = (ROOT / "docs" / "walk.md").read_text()
STATIONS = re.findall(r"^(\d+)\. .*?^ +`([\w/]+\.py)`: `(.+?)`$", WALK, flags=re.MULTILINE | re.DOTALL)


def test_the_walk_has_every_station_once_and_in_order():
    assert [int(number) for number, *_ in STATIONS] == list(range(1, len(STATIONS) + 1))
    assert len(STATIONS) == len(re.findall(r"^\d+\. ", WALK, flags=re.MULTILINE)) > 15
    assert len({(file, line) for _, file, line in STATIONS}) == len(STATIONS)


@pytest.mark.parametrize("station", STATIONS, ids=lambda station: f"{station[0]}-{station[1]}")
def test_a_station_s_line_stands_in_its_file(station: tuple[str, str, str]):
    number, file, line = station
    assert line in (ROOT / file).read_text(), f"station {number}: {file} has no line {line!r}"


def test_the_walk_never_goes_back_in_the_main_file():
    source = (ROOT / "run_fk_gan.py").read_text()
    step = source.index("def update_lifter")  # the step is written below the loop that calls it
    places = [source.index(line) for _, file, line in STATIONS if file == "run_fk_gan.py"]
    loop, inside = [place for place in places if place < step], [place for place in places if place >= step]
    assert loop == sorted(loop) and inside == sorted(inside)
