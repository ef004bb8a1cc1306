"""`posefk SUBCOMMAND` is the module of the same job, and lists its subcommands before anything heavy is imported."""

import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from training.command import COMMANDS, DATA_SETS

ROOT = Path(__file__).parents[2]


def posefk(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "training.command", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_help_lists_all_and_imports_nothing_heavy():
    code = (
        "import sys, runpy; sys.argv = ['posefk', '--help']\n"
        "try: runpy.run_module('training.command', run_name='__main__')\n"
        "finally: print({'torch', 'numpy', 'matplotlib', 'tyro', 'kinematics'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.endswith("set()\n")
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize(
    "words, sentence", [(["trian"], "Perhaps you meant: train"), (["prepare", "ski"], "3dhp, h36m")]
)
def test_an_unknown_command_is_one_sentence(words: list[str], sentence: str):
    done = posefk(*words)
    assert done.returncode == 2 and sentence in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_subcommand_gets_the_words_behind_it(tmp_path: Path):
    done = posefk("export", "--format", "videopos", "--out", str(tmp_path / "set"))
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "videopos" in done.stderr
    assert "usage" in posefk("prepare", "cmu", "--help").stdout


def test_every_module_exists_and_the_script_is_declared():
    for module, _ in [*COMMANDS.values(), *DATA_SETS.values()]:
        assert not module or find_spec(module)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"posefk": "training.command:main"}
