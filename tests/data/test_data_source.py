"""The registry of data sets: what a data set says about itself, and what registering one refuses."""

import subprocess
import sys

import pytest

from data import DATA_SOURCES, DataSettings, DataSource, all_test_sets, load_dataset, load_test_set, register_dataset


def test_every_test_set_has_one_owner() -> None:
    names = all_test_sets()
    assert len(names) == len(set(names)) and {"cmux2_a", "h36m", "3dhp_s8", "ski", "3dhp"} <= set(names)


@pytest.mark.parametrize("name, tests", [("cmu", ()), ("mine", ("cmux2_b",)), ("mine", ("3dhp",)), ("mine", ("ski",))])
def test_names_that_are_taken_are_refused(name: str, tests: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="is registered already, choose another name"):
        register_dataset(name, DataSource(DATA_SOURCES["cmu"].load, 1, tests))
    assert "mine" not in DATA_SOURCES


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="Data set 'cmuu' is not known: choose from .* Perhaps you meant: cmu"):
        load_dataset("cmuu", DataSettings())
    with pytest.raises(ValueError, match="Test set 'cmux_c' is not known: choose from .* Perhaps you meant: cmux_"):
        load_test_set("cmux_c", DataSettings())


@pytest.mark.slow
def test_importing_data_imports_no_readers() -> None:
    code = "import sys, data; sys.exit(bool({'h5py', 'scipy', 'cdflib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
