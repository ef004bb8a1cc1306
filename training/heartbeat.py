"""Processes of a run watch each other, so that one that has gone or stands still ends the run within a minute."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import torch.distributed as dist

from data.distributed import LostProcessError, Processes, speaks_first
from kinematics.errors import BAD_INPUT_EXIT_CODE
from training.stopping import StopRequest

BEAT, SILENT = 2.0, 20.0  # seconds between signs of life, and without any after which a process is given up
LEFT = 2**40  # beats of a process that has ended well


@contextlib.contextmanager
def heartbeat(processes: Processes, stop: StopRequest) -> Iterator[None]:
    """Inside, a process that has gone or stands still ends all others, of which one says how to go on."""
    pulse = Pulse(processes, stop) if processes.count > 1 else None
    try:
        yield
    except LostProcessError as error:
        _say(error, stop)  # before torchrun, which has noticed too, ends this process
        sys.exit(BAD_INPUT_EXIT_CODE)
    finally:
        if pulse is not None:
            pulse.end()


def _say(sentence: object, stop: StopRequest) -> None:
    """Say what happened and how to go on, if no other process has done so."""
    if speaks_first():
        print(f"{sentence} {stop.advice_if_lost()}", file=sys.stderr, flush=True)


class Pulse:
    """A thread that counts up in the processes' store, and reads what the others count.

    It notices processes that were stopped, machines and networks that are gone, but not a loop without end.
    """

    def __init__(self, processes: Processes, stop: StopRequest) -> None:
        self._rank, self._stop, self._end = processes.rank, stop, threading.Event()
        self._others = [rank for rank in range(processes.count) if rank != processes.rank]
        self._attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "")  # torchrun's store outlives a restart
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        store = dist.TCPStore  # pyright: ignore[reportPrivateImportUsage]
        self._store = store(address, port, is_master=False, timeout=timedelta(seconds=SILENT / 2))
        self._store.set(f"{self._attempt}place{self._rank}", f"{socket.gethostname()} {os.getpid()}")
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop beating; the others know that it was meant."""
        self._end.set()
        self._thread.join()
        with contextlib.suppress(RuntimeError):
            self._store.add(f"{self._attempt}beat{self._rank}", LEFT)

    def _watch(self) -> None:
        looked = answered = time.monotonic()
        seen = dict.fromkeys(self._others, (0, looked))
        while not self._end.wait(BEAT):
            now = time.monotonic()
            if now - looked > 2 * BEAT + SILENT / 2:  # it was this process that stood still
                answered, seen = now, {rank: (count, now) for rank, (count, _) in seen.items()}
            looked = now
            try:
                self._store.add(f"{self._attempt}beat{self._rank}", 1)
                counts = {rank: self._store.add(f"{self._attempt}beat{rank}", 0) for rank in self._others}
                answered = now
            except RuntimeError:  # of the machine with the store nothing is heard
                counts = {}
            seen |= {rank: (count, now) for rank, count in counts.items() if count != seen[rank][0]}
            silent = [rank for rank, (count, since) in seen.items() if count < LEFT and now - since > SILENT]
            if silent or now - answered > SILENT:
                self._give_up(silent[0] if silent and answered == now else None)

    def _give_up(self, rank: int | None) -> None:
        """End this process, and the one that stands still if it is on this machine; one of all says so."""
        who = "The process that the others meet at"
        with contextlib.suppress(RuntimeError, OSError):
            if rank is not None:
                host, number = self._store.get(f"{self._attempt}place{rank}").decode().split()
                who = f"Process {rank} of this run ({number} on {host})"
                if host == socket.gethostname():
                    os.kill(int(number), signal.SIGKILL)
        _say(f"{who} has not been heard of for {SILENT:g} s.", self._stop)
        os._exit(BAD_INPUT_EXIT_CODE)  # the main thread waits for the lost one
