"""The house rules: imports point left, nothing names the machine it was built on."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ["kinematics", "data", "posenets", "augment", "evaluation", "training"]
SOURCES = sorted(path for room in [*ROOMS, "viewer"] for path in (ROOT / room).rglob("*.py"))


def _imported_modules(path: Path) -> set[str]:
    """All modules that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return names


def _imported_rooms(path: Path) -> set[str]:
    """The first words of all modules that a file imports."""
    return {name.split(".")[0] for name in _imported_modules(path)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_left_only(path):
    room = path.relative_to(ROOT).parts[0]
    after = {"viewer": ["training"], **{name: ROOMS[i + 1 :] for i, name in enumerate(ROOMS)}}
    rooms = _imported_rooms(path) - ({"viewer"} if room == "viewer" else set())
    assert not rooms & {*after[room], "viewer", "run_fk_gan", "tests", "benchmarks"}


# What looks at poses takes from augment what a user would: settings, exports, trained augmenters, detector noise.
OPEN_TO_THE_RIGHT = (
    "augment.settings", "augment.stored", "augment.export", "augment.detector_noise", "augment.gan.source",
)  # fmt: skip


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.relative_to(ROOT).parts[0] in ("evaluation", "viewer")]
)
def test_evaluation_and_viewer_take_no_geometry_from_augment(path):
    modules = {name for name in _imported_modules(path) if name.startswith("augment.")}
    assert {name for name in modules if not name.startswith(OPEN_TO_THE_RIGHT)} == set()


def test_the_main_path_never_imports_pytorch3d():
    users = [path for path in SOURCES if "pytorch3d" in _imported_rooms(path)]
    assert [path.name for path in users] == ["pytorch3d_cameras.py"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_short_and_functions_shorter(path):
    text = path.read_text()
    assert text.count("\n") <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 40, f"{path.name}: {node.name}"


def test_tests_draw_the_same_random_numbers_every_time():
    unseeded = re.compile(r"default_rng\(\)|RandomState\(\)|random\.Random\(\)")
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    assert not [path.name for path in tests if unseeded.search(path.read_text())]


def test_no_tracked_file_is_large_or_holds_a_machine_s_path():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    absolute = re.compile(r"(?<![\w.])/(home|root|Users)/\w")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if not path.is_file():
            continue
        most = 1_500_000 if name == "data/cmu/excerpt.npz" else 1_000_000
        if name.startswith("posenets/shipped/"):
            most = 2_500_000  # 6 MB together: tests/evaluation/test_predict_shipped.py
        assert path.stat().st_size < most, f"{name} is larger than {most / 1e6} MB"
        if path.suffix in {".py", ".md", ".toml"} or path.name == "Makefile":
            assert not absolute.search(path.read_text()), f"{name} holds an absolute path"


BANNED_NAMES = {"own", "there", "whole", "found", "several", "kind"}  # they say nothing of what they hold


def _identifiers(tree: ast.AST) -> set[str]:
    """The names in a file, but for NumPy's `dtype.kind`."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr="kind", value=ast.Name(id="dtype") | ast.Attribute(attr="dtype")):
                continue
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name) | ast.keyword(arg=name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.MatchAs(name=name):
                names.add(name)
    return names


@pytest.mark.parametrize("path", [*SOURCES, *ROOT.glob("*.py")], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_identifier_is_one_of_the_banned_names(path):
    assert not _identifiers(ast.parse(path.read_text())) & BANNED_NAMES
