"""Formats are one registry: docs list it, each is found by what its files hold, and a new one is one file."""

from pathlib import Path

from data.keypoints.formats import FORMATS
from data.keypoints.registry import formats_table

ROOT = Path(__file__).parents[3]


def test_the_docs_table_is_the_registry_s():
    assert formats_table(FORMATS.values()) in (ROOT / "docs" / "predict.md").read_text()


def test_every_module_of_formats_is_one_format():
    modules = {path.stem for path in (ROOT / "data" / "keypoints" / "formats").glob("*.py")} - {"__init__"}
    assert len(modules) == len(FORMATS)
