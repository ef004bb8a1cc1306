import sys
import textwrap

import pytest

from data.plugins import load_plugins, load_plugins_typed, refuse_missing_plugins


@pytest.fixture
def toy(tmp_path):
    path = tmp_path / "toy.py"
    path.write_text(
        textwrap.dedent("""\
            import json
            from dataclasses import dataclass
            json.toy_imports = getattr(json, "toy_imports", 0) + 1

            @dataclass
            class Toy:
                size: int = 1
            """)
    )
    import json

    yield path
    vars(json).pop("toy_imports", None)


def test_a_file_is_imported_once_however_it_is_spelled(toy, monkeypatch):
    import json

    load_plugins([str(toy)])
    monkeypatch.chdir(toy.parent)
    load_plugins_typed(["--recipe", "none", "--plugins", "toy.py", "--seed", "1"])
    load_plugins_typed(["--plugins=toy.py"])
    assert json.toy_imports == 1


def test_a_dotted_name_is_imported_from_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "toy_package").mkdir()
    (tmp_path / "toy_package" / "inner.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    load_plugins(["toy_package.inner"])
    assert "toy_package.inner" in sys.modules
    for name in ("toy_package.inner", "toy_package"):
        del sys.modules[name]


@pytest.mark.parametrize("plugin", ["missing_module", "missing_module.inner", "missing.py"])
def test_a_missing_plugin_is_one_sentence(plugin):
    with pytest.raises((ValueError, FileNotFoundError), match=f"--plugins {plugin}.*expected"):
        load_plugins([plugin])


def test_what_a_plugin_lacks_itself_is_not_hidden(tmp_path):
    (tmp_path / "broken.py").write_text("import no_such_library")
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        load_plugins([str(tmp_path / "broken.py")])


def test_a_checkpoint_names_the_plugins_it_needs(toy, tmp_path):
    content = {"settings": {"plugins": ["elsewhere/toy.py", "my.lifters"]}}
    with pytest.raises(ValueError, match="last.pt was made with plugins .*: add --plugins elsewhere/toy.py my.lifters"):
        refuse_missing_plugins(content, "last.pt")
    load_plugins([str(toy)])
    refuse_missing_plugins({"settings": {"plugins": ["elsewhere/toy.py"]}}, "last.pt")
    refuse_missing_plugins({"settings": {"plugins": 3}}, "last.pt")
    refuse_missing_plugins([], "last.pt")
