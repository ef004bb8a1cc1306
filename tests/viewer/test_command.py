"""`python -m viewer`: bad input is one sentence, and what is missing is said."""

import importlib.util
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

pytest.importorskip("viser")

from kinematics import PoseFKError  # noqa: E402
from posenets import ScreenLifter, build_posenet  # noqa: E402
from tests.tiny_cmu import ROOT  # noqa: E402
from viewer import __main__ as command  # noqa: E402
from viewer import app, synthetic  # noqa: E402
from viewer.app import Running, start  # noqa: E402
from viewer.generator import GeneratorPage  # noqa: E402
from viewer.settings import Viewer, check, check_port, check_recordings  # noqa: E402
from viewer.synthetic import SyntheticPage  # noqa: E402


@contextmanager
def running(**flags) -> Iterator[Running]:
    settings = Viewer(port=0, data_root=str(ROOT), **flags)
    viewer = start(settings, check(settings), lambda address: None)
    try:
        yield viewer
    finally:
        viewer.stop()


@pytest.mark.parametrize(
    "flags, words",
    [
        ("--dataset demoo", ["--dataset", "demoo", "h36m"]),
        ("--checkpont x.pt", ["--checkpont is not a flag", "--checkpoint"]),
        ("--port many", ["--port", "many"]),
        ("--port 123456", ["--port 123456", "choose another"]),
        ("--port 0 --allow_host http://a.example:80", ["--allow_host 'http://a.example:80'", "give it alone"]),
        ("--port 0 --checkpoint {}/nowhere.pt", ["nowhere.pt is missing"]),
        ("--port 0 --checkpoint {}/broken.pt", ["broken.pt cannot be read as a checkpoint"]),
        ("--port 0 --checkpoint {}/foreign.pt", ["foreign.pt is not a PoseFK checkpoint", "--posenet_name"]),
        ("--port 0 --dataset h36m --data_root {}", ["is missing", "prepare_data_h36m"]),
    ],
)
def test_bad_input_is_one_sentence_that_says_what_was_wanted(flags, words, tmp_path):
    (tmp_path / "broken.pt").write_bytes(b"no checkpoint")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "foreign.pt")
    with pytest.raises((PoseFKError, ValueError, OSError)) as refusal:
        command.main([word.format(tmp_path) for word in flags.split()])
    sentence = " ".join(str(refusal.value).split())
    assert all(word in sentence for word in words), sentence


@pytest.mark.parametrize("dataset", ["cmu", "h36m", "mpi_inf_3dhp", "ski", "3dhp", "3dhp_sparse"])
@pytest.mark.parametrize("empty", [True, False])
def test_a_data_set_that_is_not_there_is_refused_before_the_page_is_up(dataset, empty, tmp_path, monkeypatch):
    if dataset == "cmu" and not empty:
        return check_recordings(Viewer(dataset=dataset, data_root=str(tmp_path)))  # its motion is built in
    monkeypatch.setattr(app, "start", lambda *_: pytest.fail("the page was up"))
    if empty:
        for name in ("data_3d_cmu.npz", "data_3d_h36m.npz", "data_3dhp_train.npz", "ski_train.h5", "ski_test.h5"):
            (tmp_path / name).touch()
        (tmp_path / "test_set").mkdir()
        (tmp_path / "test_set/test_3dhp.npz").touch()
    where = ["--data_root", str(tmp_path), "--data_extra_root", str(tmp_path)]
    with pytest.raises((OSError, ValueError), match=f"{tmp_path.name}.* is {'empty' if empty else 'missing'}"):
        command.main(["--port", "0", "--dataset", dataset, *where])


def test_a_port_that_is_taken_is_refused_with_what_to_do():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PoseFKError, match=r"cannot be used \(.*in use\): choose another with --port"):
            check_port("127.0.0.1", other.getsockname()[1])


def test_without_viser_the_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PoseFKError, match="viser, which is not installed: pip install"):
        check(Viewer())


def test_a_machine_without_a_browser_is_told_the_address(monkeypatch, capsys):
    monkeypatch.setattr(command.webbrowser, "open", lambda address: False)
    monkeypatch.setattr(app, "start", lambda settings, checked, opened: opened("http://127.0.0.1:8080") or _Stopped)
    command.main(["--open", "True", "--port", "0"])
    assert capsys.readouterr().out.splitlines() == [
        "The viewer is at http://127.0.0.1:8080 (Ctrl-C stops it).",
        "This machine has no browser to open it in.",
    ]


class _Stopped:
    class server:
        sleep_forever = staticmethod(lambda: None)


PAGES = ("Body", "Synthetic", "Recordings")


def test_without_a_checkpoint_there_are_synthetic_poses_of_a_recipe():
    with running() as viewer:
        assert viewer.pages.names == PAGES
        assert isinstance(viewer.pages._pages["Synthetic"][0], SyntheticPage)


def test_a_run_s_checkpoint_brings_its_generator(last_pt):
    with running(checkpoint=last_pt) as viewer:
        assert viewer.pages.names == PAGES
        assert isinstance(viewer.pages._pages["Synthetic"][0], GeneratorPage)


def test_synthetic_poses_whose_data_is_not_there_are_a_note_and_the_other_pages_open(run_pt, capsys, monkeypatch):
    def gone(*_) -> None:
        raise FileNotFoundError("data_3d_h36m.npz is missing.")

    monkeypatch.setattr(synthetic, "recorded_poses", gone)
    with running(checkpoint=run_pt) as viewer:
        assert viewer.pages.names == ("Body", "Recordings")
    assert "No synthetic poses of this run: data_3d_h36m.npz is missing." in capsys.readouterr().out


def test_an_original_project_s_lifter_is_read_with_its_name(tmp_path):
    posenet = build_posenet("simple_baseline", linear_size=8)
    torch.save({"state_dict": ScreenLifter(posenet).posenet.state_dict()}, tmp_path / "ckpt.pth.tar")
    with running(checkpoint=tmp_path / "ckpt.pth.tar", posenet_name="simple_baseline") as viewer:
        assert viewer.pages.names == PAGES
