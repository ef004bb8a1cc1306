"""Stopping without losing work: what Ctrl-C and SIGTERM do, and how to go on."""

import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from kinematics.early_stop import STOPPED_EXIT_CODE

NOTHING_LOST = "Stopped before the first batch, so that nothing is lost: start it again."


class StopRequest:
    """Whether Ctrl-C or SIGTERM asked to stop. heeded: the loop looks between batches; advice: how to go on."""

    def __init__(self) -> None:
        self.asked = self.heeded = False
        self.advice = NOTHING_LOST

    def advice_if_lost(self) -> str:
        """Say how to go on after a process has gone."""
        return f"What came after the last save is lost. {self.advice}" if self.heeded else self.advice


@contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """Let the first signal only ask, once the loop heeds it, and a second one stop (torchrun signals twice)."""
    request = StopRequest()

    def ask(number: int, frame: FrameType | None) -> None:
        if not request.heeded:
            leave(request.advice)
        if request.asked and not under_torchrun():
            leave(f"Stopped at once. {request.advice_if_lost()}")
        request.asked = True

    handlers = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def leave(sentence: str) -> None:
    """End this process as Ctrl-C does; of several only the first one says so."""
    if int(os.environ.get("RANK", 0)):
        sys.exit(STOPPED_EXIT_CODE)
    raise KeyboardInterrupt(sentence)


def under_torchrun() -> bool:
    """Whether torchrun started this process, alone or beside others."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def resume_command(folder: Path, plugins: Sequence[str] = ()) -> str:
    command = " ".join(
        ["run_fk_gan.py --resume", shlex.quote(os.fspath(folder)), *(["--plugins", *plugins] * bool(plugins))]
    )
    count, here = (int(os.environ.get(name, 1)) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    if count == 1:
        return f"python {command}"
    if not under_torchrun():
        return f"{command}, in {count} processes again, started as this run was"
    if count == here:
        return f"torchrun --nproc_per_node {count} {command}"
    nodes, master = count // here, f"{os.environ.get('MASTER_ADDR')} --master_port {os.environ.get('MASTER_PORT')}"
    return (
        f"torchrun --nnodes {nodes} --nproc_per_node {here} --node_rank RANK --master_addr {master} {command}, "
        f"on each machine with its RANK from 0 to {nodes - 1}"
    )
