"""A folder that one process at a time writes into."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from data.files.lock import LOCK, folder_lock

ROOT = Path(__file__).parents[2]
HOLD = """
import sys, time
from data.files.lock import folder_lock
with folder_lock(sys.argv[1], "a training run"):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(folder: Path) -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_names_its_holder_and_goes_away_with_it(tmp_path):
    with folder_lock(tmp_path, "an export"):
        content = json.loads((tmp_path / LOCK).read_text())
        assert content == {"host": socket.gethostname(), "process": os.getpid(), "task": "an export"}
    assert not list(tmp_path.iterdir())


def test_an_error_inside_lets_go(tmp_path):
    with pytest.raises(ZeroDivisionError), folder_lock(tmp_path, "an export"):
        raise ZeroDivisionError
    with folder_lock(tmp_path, "an export"):
        pass


@pytest.mark.slow
def test_a_second_process_is_refused_and_told_who_holds_it_until_the_first_is_killed(tmp_path):
    process = hold(tmp_path)
    try:
        with pytest.raises(BlockingIOError, match=f"process {process.pid} on .* \\(a training run\\): wait"):
            with folder_lock(tmp_path, "another"):
                pass
        assert json.loads((tmp_path / LOCK).read_text())["process"] == process.pid
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (tmp_path / LOCK).exists()
        with folder_lock(tmp_path, "another"):
            assert json.loads((tmp_path / LOCK).read_text())["process"] == os.getpid()
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def test_a_lock_of_another_host_is_refused_with_the_way_out(tmp_path):
    (tmp_path / LOCK).write_text(json.dumps({"host": "elsewhere", "process": 1, "task": "a training run"}))
    with pytest.raises(BlockingIOError, match=f"on elsewhere .* delete {tmp_path / LOCK}"):
        with folder_lock(tmp_path, "another"):
            pass


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00" * 5000])
def test_a_lock_file_that_says_nothing_is_taken_over(tmp_path, content):
    (tmp_path / LOCK).write_text(content)
    with folder_lock(tmp_path, "another"):
        assert json.loads((tmp_path / LOCK).read_text())["process"] == os.getpid()


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(PermissionError, match="Choose a folder"):
        with folder_lock(tmp_path / "none", "another"):
            pass


@pytest.mark.parametrize("alive", [True, False])
def test_where_files_cannot_be_locked_a_live_process_is_told_by_its_number(tmp_path, monkeypatch, alive):
    def unsupported(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    number = os.getppid() if alive else 999_999_999
    content = {"host": socket.gethostname(), "process": number, "task": "a training run"}
    (tmp_path / LOCK).write_text(json.dumps(content))
    refusal = pytest.raises(BlockingIOError, match=f"process {number} on") if alive else contextlib.nullcontext()
    with refusal, folder_lock(tmp_path, "another"):
        assert json.loads((tmp_path / LOCK).read_text())["process"] == os.getpid()
