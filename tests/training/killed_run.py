"""Started by test_killed.py: runs that are killed (SIGKILL) again and again, each life a process forked from this one.

Usage: killed_run.py FOLDER RANDOM FLAGS...

FOLDER/whole gets a run that nothing disturbs, FOLDER/written one that is killed right before and right after calls that
write a checkpoint (one of them if RANDOM is 0), FOLDER/killed one that is killed RANDOM times, each after a random time
of computing. FOLDER/log.jsonl has a line [run, exit code, moment] for every life that was to be killed.
"""

import itertools
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import run_fk_gan
from training.state import TrainingState

# of saving: the new file reaches the disk, the last one gets a second name, which replaces the one before, as the new
# one then replaces the last
WRITING = ("fsync", "link", "replace")
REPLACED = ("replace", 4, False)


def live(flags: list[str], log: Path, prepare: Callable[[], None]) -> None:
    """The child's part: a run, and the seconds it computed until its first batch was done and in all."""
    step_done, first = TrainingState.step_done, list[float]()

    def note_time(self: TrainingState) -> None:
        step_done(self)
        first.append(time.process_time())

    TrainingState.step_done = note_time
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    code = 1
    try:
        prepare()
        run_fk_gan.main(flags)
        log.write_text(json.dumps([*first[:1], time.process_time()]))
        code = 0
    except BaseException:
        log.write_text(traceback.format_exc())
    finally:
        os._exit(code)


def life(folder: Path, flags: list[str], seconds: float = 1e9, prepare: Callable[[], None] = lambda: None) -> int:
    """Resume what has been saved, or begin, as the scripts of docs/scaling.md do. Returns the exit code.

    seconds: of computing, after which the process is killed.
    """
    saved, log = sorted(folder.glob("*/*/*/last.safetensors"), key=os.path.getmtime), folder.parent / "life.txt"
    words = ["--resume", str(saved[-1].parent)] if saved else [*flags, "--checkpoint", str(folder)]
    child = os.fork()
    if child == 0:
        live(words, log, prepare)
    clock = (~child << 3) | 2  # Linux: of that process's computing
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.clock_gettime(clock) > seconds:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.001)
    code = os.waitstatus_to_exitcode(ended[1])
    if code not in (0, -signal.SIGKILL):
        raise RuntimeError(f"The process left with {code}: {log.read_text()}")
    return code


def kill_at(name: str, number: int, afterwards: bool) -> Callable[[], None]:
    """Kill the process that calls a function of os for the n-th time, before the call or afterwards."""

    def prepare() -> None:
        function, left = getattr(os, name), iter(range(number))

        def dying(*words: Any, **more: Any) -> None:
            last = next(left, None) is None
            if not last or afterwards:
                function(*words, **more)
            if last:
                os.kill(os.getpid(), signal.SIGKILL)

        setattr(os, name, dying)

    return prepare


def main() -> None:
    folder, count, flags = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    draw = random.Random(0)
    with open(folder / "log.jsonl", "w") as log:

        def note(*line: Any) -> None:
            print(json.dumps(line), file=log, flush=True)

        assert life(folder / "whole", flags) == 0
        begun, ended = json.loads((folder / "life.txt").read_text())
        killed = 0
        while killed < count:  # one in five while it starts
            training = begun + 3 * draw.random() * (ended - begun) / count
            seconds = draw.random() * begun if draw.random() < 0.2 else training
            code = life(folder / "killed", flags, seconds)
            killed += code != 0
            note("killed", code, f"after {seconds:.3f} s")
        moments = [*itertools.product(WRITING, (1, 4), (False, True))] if count else [REPLACED]
        for name, number, afterwards in moments:
            code = life(folder / "written", flags, prepare=kill_at(name, number, afterwards))
            note("written", code, f"{'after' if afterwards else 'before'} {name} {number}")
        for name in ("killed", "written") if count else ("written",):
            assert life(folder / name, flags) == 0


if __name__ == "__main__":
    main()
