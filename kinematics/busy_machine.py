"""Shorten the spinning of PyTorch's threads while other programs need the cores (Linux with GNU OpenMP).

A thread that has lost its core holds up the others, which spin meanwhile: a twentieth of a single thread's speed was
measured. GNU OpenMP spins only briefly once a process has more OpenMP threads than CPUs
(`gomp_throttled_spin_count_var`), so idle threads are added. Results stay the same to the last digit.
"""

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

CHOSEN_BY_USER = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
INTERVAL = 0.5  # s between two measurements
NEEDED, GIVEN_BACK = 0.2, 0.1  # thresholds: cores of ours that other programs use
LOOKS_UNTIL_NEEDED, LOOKS_UNTIL_GIVEN_BACK = 2, 6  # in a row
_GRAIN = 32768  # elements below which PyTorch starts no further thread (at::internal::GRAIN_SIZE)
_BUSY_COLUMNS = (1, 2, 3, 6, 7, 8)  # of a CPU's line in /proc/stat: user, nice, system, irq, softirq, steal


def busy_seconds(stat: str, cpus: Iterable[int]) -> float:
    """Sum the seconds that the given CPUs have been busy since boot. stat: content of /proc/stat."""
    names = {f"cpu{number}" for number in cpus}
    lines = (line.split() for line in stat.splitlines())
    ticks = sum(int(words[i]) for words in lines if words and words[0] in names for i in _BUSY_COLUMNS)
    return ticks / os.sysconf("SC_CLK_TCK")


class IdleTeams:
    """Idle threads that raise a process's number of OpenMP threads above `cpus`, until stop()."""

    def __init__(self, threads: int, cpus: int) -> None:
        self._let_go = threading.Event()
        teams = max(0, -(-(cpus + 1 - threads) // (threads - 1))) if threads > 1 else 0
        self._leaders = [threading.Thread(target=self._lead, args=(threads,), daemon=True) for _ in range(teams)]
        for leader in self._leaders:
            leader.start()

    def _lead(self, threads: int) -> None:
        torch.zeros(threads * _GRAIN).add_(1)  # a parallel loop: OpenMP gives this thread a team, which it keeps
        self._let_go.wait()

    def stop(self) -> None:
        """End the threads; with each ends its team."""
        self._let_go.set()
        for leader in self._leaders:
            leader.join()


class BusyMachine:
    """Monitors how much of the cores other programs use. brief: whether threads spin only briefly now."""

    def __init__(self) -> None:
        self._cpus = sorted(os.sched_getaffinity(0))
        self._teams: IdleTeams | None = None
        self._looks = 0  # in a row that speak for a change
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    @property
    def brief(self) -> bool:
        return self._teams is not None

    def look(self, others: float) -> None:
        """Add or stop idle threads. others: cores that other programs have used since the last measurement."""
        threads = torch.get_num_threads()
        taken = others - (len(self._cpus) - threads)  # of the cores that our threads need
        change = taken < GIVEN_BACK or threads == 1 if self.brief else taken > NEEDED and threads > 1
        self._looks = self._looks + 1 if change else 0
        if self._teams is not None and self._looks >= LOOKS_UNTIL_GIVEN_BACK:
            self._teams.stop()
            self._teams, self._looks = None, 0
        elif self._teams is None and self._looks >= LOOKS_UNTIL_NEEDED:
            self._teams, self._looks = IdleTeams(threads, len(self._cpus)), 0

    def _watch(self) -> None:
        before = self._clocks()
        while not self._end.wait(INTERVAL):
            now = self._clocks()
            wall, busy, ours = (new - old for new, old in zip(now, before, strict=True))
            before = now
            self.look((busy - ours) / wall)

    def _clocks(self) -> tuple[float, float, float]:
        """Read clocks in seconds: wall, busy time of our CPUs by any process, CPU time of this process."""
        return time.monotonic(), busy_seconds(Path("/proc/stat").read_text(), self._cpus), time.process_time()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()
        if self._teams is not None:
            self._teams.stop()
            self._teams = None


def can_watch() -> bool:
    """Whether GNU OpenMP runs the threads, on Linux, and the user has not chosen how they wait."""
    if sys.platform != "linux" or any(name in os.environ for name in CHOSEN_BY_USER):
        return False
    try:
        return bool(busy_seconds(Path("/proc/stat").read_text(), os.sched_getaffinity(0))) and (
            "libgomp" in Path("/proc/self/maps").read_text()
        )
    except (OSError, ValueError, IndexError):  # a sandbox without them, or with others
        return False


@contextmanager
def considerate_threads() -> Iterator[None]:
    """Let PyTorch's threads spin only briefly whenever other programs need the cores."""
    machine = BusyMachine() if can_watch() else None
    try:
        yield
    finally:
        if machine is not None:
            machine.stop()
