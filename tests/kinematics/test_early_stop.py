import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kinematics.early_stop import STOPPED_EXIT_CODE, is_command

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["run_fk_gan.py --dataset cmu", "-m evaluation.predict"])
def test_a_signal_during_the_imports_ends_a_command_in_a_word(command: str, number: signal.Signals):
    words = [sys.executable, "-X", "importtime", *command.split()]
    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # ignored, it would be by the child too
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    with process:
        assert process.stderr is not None
        for line in process.stderr:  # a line per module, once it is imported
            if line.rstrip().endswith("kinematics.early_stop"):
                break
        process.send_signal(number)
        assert process.stderr.read().splitlines()[-1] == "Stopped."
    assert process.returncode == STOPPED_EXIT_CODE


def test_no_other_program_s_signals_are_touched():
    for program, *words in (["-m", "-m", "pytest"], ["my_trainer.py", "-m", "evaluation.predict"], [""], ["-c", "-c"]):
        assert not is_command(program, ["python", *words])
    for program, *words in (["x/run_fk_gan.py"], ["/bin/posefk", "train"], ["posefk train"], ["-m", "-m", "data.x"]):
        assert is_command(program, ["python", "-u", *words])
