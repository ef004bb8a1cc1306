"""Started by test_stopping.py, under torchrun or alone: a run that is disturbed at a known moment, or several in a row.

Usage: disturbed_run.py wait FILE FLAGS...      touches FILE early in the second epoch, then dawdles
       disturbed_run.py kill SECONDS FLAGS...   is killed so long after a save that has batches in it
       disturbed_run.py lose SIGNAL FLAGS...    the second of two processes sends itself a signal in the second epoch
       disturbed_run.py go_on FOLDER FLAGS...   is refused in the folder while it is in use, goes on in it, and then
                                                runs with FLAGS, from the start
"""

import os
import signal
import sys
import time
from pathlib import Path

import run_fk_gan
from data import distributed
from kinematics import exit_with_one_sentence
from training import heartbeat
from training.checkpoint import held_folder
from training.state import TrainingState

what, where, *flags = sys.argv[1:]
step_done = TrainingState.step_done


def dawdle(run: TrainingState) -> None:
    step_done(run)
    if run.epoch == 1 and run.step >= 3:
        Path(where).touch()
        time.sleep(0.3)


def slow_step(run: TrainingState) -> None:
    """However fast the machine is, the run must not end before it is killed."""
    step_done(run)
    time.sleep(0.02)


def killed_later(run: TrainingState) -> None:
    step_done(run)
    if not run.saved:  # however slow the machine is, there has to be something to go on from
        return
    TrainingState.step_done = slow_step
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, float(where))


def lost(run: TrainingState) -> None:
    step_done(run)
    if (run.processes.rank, run.epoch, run.step) == (1, 1, 3):
        os.kill(os.getpid(), int(where))


def refused() -> None:
    try:
        exit_with_one_sentence(lambda: run_fk_gan.main(["--resume", where]))
    except SystemExit as left:
        assert left.code == 2


heartbeat.BEAT, heartbeat.SILENT = 0.5, 6.0
if what != "go_on":
    TrainingState.step_done = {"wait": dawdle, "kill": killed_later, "lose": lost}[what]
    exit_with_one_sentence(lambda: run_fk_gan.main(flags))
else:
    stop, distributed.stop = distributed.stop, lambda: None  # torchrun's processes find each other once
    if os.environ["RANK"] == "0":
        with held_folder(Path(where)):
            refused()
    else:
        refused()
    run_fk_gan.main(["--resume", where])
    run_fk_gan.main(flags)
    stop()
