"""Files that crash, loop in or overfill the library that reads them do none of it to the command."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import prepare_data_3dhp
from data import prepare_data_h36m
from data.files.isolated import client
from data.files.isolated.client import UnreadableError, read_isolated
from data.files.readers import load_mat
from kinematics import exit_with_one_sentence

ROOT = Path(__file__).parents[3]
BROKEN = (
    next((folder for folder in (ROOT / "shared", ROOT.parent / "shared") if folder.is_dir()), ROOT) / "cases/broken"
)
COMMANDS = {"10": (prepare_data_h36m, "--from-source-cdf", "236"), "11": (prepare_data_3dhp, "--source", "167")}
READ_FOR_EVER = """
import sys
from data.files.isolated import client
client.read_isolated("cdf", sys.argv[1], variable="Pose")
print(client._reader.child.process.pid, flush=True)
client.read_isolated("cdf", sys.argv[2], variable="Pose")
"""


def read_cdf(path: Path) -> np.ndarray:
    return read_isolated("cdf", path, variable="Pose")


def pid() -> int:
    assert client._reader.child is not None
    return client._reader.child.process.pid


def is_there(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("case", COMMANDS)
def test_commands_end_with_one_sentence_on_files_that_broke_them(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not (BROKEN / case).exists():
        pytest.skip("the case files are not here")
    command, flag, name = COMMANDS[case]
    words = [flag, str(BROKEN / case / name), "--data_root", str(tmp_path), "--data_extra_root", str(tmp_path)]
    with pytest.raises(SystemExit) as left:
        exit_with_one_sentence(lambda: command.main(words))
    said = capsys.readouterr().err
    assert left.value.code == 2 and "Traceback" not in said
    assert str(BROKEN / case) in said.strip().splitlines()[-1] and list(tmp_path.iterdir()) == []


def test_a_file_that_crashes_its_reader_is_named_and_the_next_is_read(deadly_mat: Path, sound_cdf: Path) -> None:
    with pytest.raises(ValueError, match=r"deadly\.mat is not a whole MATLAB file \(.*crashed the MATLAB reader, sign"):
        load_mat(deadly_mat)
    assert client._reader.child is None
    np.testing.assert_array_equal(read_cdf(sound_cdf), np.arange(5 * 96.0).reshape(1, 5, 96))


def test_a_file_that_never_ends_is_given_up_by_its_computing_time(endless_cdf: Path) -> None:
    with pytest.raises(UnreadableError, match=r"came to no end within \d+ s of computing"):
        read_cdf(endless_cdf)


@pytest.mark.skipif(sys.platform != "linux", reason="this system does not keep to a limit on memory")
def test_a_file_that_asks_for_much_memory_gets_none(greedy_cdf: Path, sound_cdf: Path) -> None:
    with pytest.raises(UnreadableError, match="asks for more than 512 MB of memory"):
        read_cdf(greedy_cdf)
    assert read_cdf(sound_cdf).shape == (1, 5, 96)


def test_one_process_reads_hundreds_of_files(sound_cdf: Path) -> None:
    read_cdf(sound_cdf)
    first = pid()
    for _ in range(300):
        read_cdf(sound_cdf)
    assert pid() == first


def test_a_file_is_not_blamed_when_the_process_is_killed_from_outside(endless_cdf: Path, sound_cdf: Path) -> None:
    read_cdf(sound_cdf)
    threading.Timer(0.5, os.kill, (pid(), signal.SIGKILL)).start()
    with pytest.raises(OSError, match=r"reading .*endless\.cdf was killed from outside \(signal 9\): try again"):
        read_cdf(endless_cdf)
    assert read_cdf(sound_cdf).shape == (1, 5, 96)


def test_ctrl_c_leaves_nothing_of_the_interrupted_answer(endless_cdf: Path, sound_cdf: Path) -> None:
    read_cdf(sound_cdf)
    first = pid()
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)  # processes of pytest-xdist ignore it
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            read_cdf(endless_cdf)
    finally:
        signal.signal(signal.SIGINT, ignored)
    assert not is_there(first) and read_cdf(sound_cdf).shape == (1, 5, 96)


def test_a_process_that_left_because_it_was_idle_is_followed_by_another(sound_cdf: Path) -> None:
    read_cdf(sound_cdf)
    child, first = client._reader.child, pid()
    assert child is not None
    read_end, write_end = os.pipe()
    os.close(read_end)
    os.dup2(write_end, child.questions)  # for the child its questions have come to an end
    os.close(write_end)
    child.process.wait()
    assert read_cdf(sound_cdf).shape == (1, 5, 96) and pid() != first


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_ends_in_the_middle_of_a_file_when_the_command_was_killed(sound_cdf: Path, endless_cdf: Path) -> None:
    with open(endless_cdf, "ab") as stream:
        stream.truncate(200_000_000)  # its size allows it minutes of computing
    command = [sys.executable, "-c", READ_FOR_EVER, str(sound_cdf), str(endless_cdf)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(0.5)
        assert is_there(child)
        parent.kill()
    for _ in range(300):
        if not is_there(child):
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    raise AssertionError("the process that reads outlived the command")


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_cdf(tmp_path / "none.cdf")
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (tmp_path / "locked.mat").write_bytes(b"x" * 200)
    (tmp_path / "locked.mat").chmod(0)
    with pytest.raises(OSError, match=r"locked\.mat cannot be read: .*Permission denied"):
        load_mat(tmp_path / "locked.mat")


def test_an_unpacked_copy_is_not_left_behind(sound_cdf: Path, tmp_path: Path, write_packed_cdf: Callable) -> None:
    packed = write_packed_cdf(tmp_path / "packed.cdf")
    np.testing.assert_array_equal(read_cdf(packed), read_cdf(sound_cdf))
    assert not list(Path(client.tempfile.gettempdir()).glob(f"posefk-{pid()}-*"))


def test_a_python_that_cannot_start_is_told_as_such(sound_cdf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client._reader.stop()
    monkeypatch.setattr(client, "CHILD", sound_cdf.with_name("none.py"))
    with pytest.raises(OSError, match=r"ended with exit code 2 before it could: .*none\.py"):
        read_cdf(sound_cdf)
    monkeypatch.undo()
    assert read_cdf(sound_cdf).shape == (1, 5, 96)
