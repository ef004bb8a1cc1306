"""Inputs for a target, one after the other, in a process that may hang, crash or run out of memory."""

import contextlib
import json
import os
import re
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from functools import partial
from multiprocessing import get_context
from multiprocessing.sharedctypes import SynchronizedArray
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from tests.fuzz.judge import ACCEPTED, REFUSED, Verdict, judge
from tests.fuzz.mutate import mutate, mutate_bytes
from tests.fuzz.targets import TARGETS

MOST_MEMORY = 2 << 30
NUMBER, ACCEPTS, REFUSALS, FINDINGS = range(4)  # of a worker's counts
_OVERDUE_SECONDS = 120  # waiting, or in a library that no signal's handler interrupts


class Campaign:
    """A target's folder and seeds. An input's first byte says which of the files the rest of it takes the place of."""

    def __init__(self, target: str, seed: int, folder: Path) -> None:
        self.target, self.seed, self.folder = target, seed, folder
        folder.mkdir(parents=True, exist_ok=True)
        with mock.patch("time.localtime", lambda *_: time.gmtime(1e9)):  # zip files hold the time
            names = TARGETS[target].seeds(folder)
        self.files = {name: (folder / name).read_bytes() for name in names}

    def draw(self, number: int) -> bytes:
        """The input of a number, always the same."""
        draw = Random(f"{self.target} {self.seed} {number}")
        place = draw.randrange(len(self.files))
        name, raw = list(self.files.items())[place]
        return bytes([place]) + mutate(raw, name, draw)

    def judge(self, content: bytes) -> Verdict:
        """Read one input; what was there before is there again afterwards."""
        names = list(self.files)
        name = names[content[0] % len(names)] if content else names[0]
        path = self.folder / name
        path.write_bytes(content[1:])
        try:
            return judge(partial(_read, self.target, name), self.folder, content[1:])
        finally:
            path.write_bytes(self.files[name])

    def slice(self, runs: int) -> Iterator[tuple[int, Verdict]]:
        for number in range(runs):
            yield number, self.judge(self.draw(number))


def _read(target: str, name: str, folder: Path) -> object:
    return TARGETS[target].read(folder, name)


class Log:
    """findings.jsonl, a line each, and the first input of each kind beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "findings.jsonl"
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, target: str, number: int, content: bytes, verdict: Verdict) -> None:
        slug = re.sub(r"\W+", "_", f"{target}_{verdict.kind}")[:120]
        if not (self.folder / slug).exists():
            (self.folder / slug).write_bytes(content)
            (self.folder / f"{slug}.txt").write_text(f"{target} {number}\n{verdict.kind}\n{verdict.words}\n")
        with open(self.path, "a") as file:
            file.write(json.dumps({"target": target, "kind": verdict.kind, "input": number}) + "\n")

    def kinds(self) -> dict[tuple[str, str], int]:
        counts: dict[tuple[str, str], int] = {}
        for line in self.path.read_text().splitlines() if self.path.exists() else ():
            entry = json.loads(line)
            key = entry["target"], entry["kind"]
            counts[key] = counts.get(key, 0) + 1
        return counts


def run_target(target: str, runs: int, seed: int, engine: str, log: Log) -> list[int]:
    """Run so many inputs; returns accepted, refused, findings. A worker that is brought down is followed by another."""
    context = get_context("fork")
    counts = context.Array("q", 4, lock=False)
    counts[NUMBER] = -1
    with tempfile.TemporaryDirectory() as folder:
        while counts[NUMBER] + 1 < runs:
            first = counts[NUMBER] + 1
            work = _plain if engine == "plain" else _atheris
            arguments = (target, first, runs, seed, Path(folder), log, counts)
            worker: Any = context.Process(target=_worker, args=(work, *arguments))
            worker.start()
            overdue = _watch(worker, counts)
            if (Path(folder) / "broken").exists():
                raise RuntimeError(f"The fuzzing itself failed: {(Path(folder) / 'broken').read_text()}")
            if worker.exitcode != 0 or overdue:
                number = max(counts[NUMBER], first)
                kind = "hang that no signal ends" if overdue else f"crash, exit code {worker.exitcode}"
                content = _last_input(Path(folder))
                log.add(target, number, content, Verdict(kind, f"input {number} of seed {seed}"))
                counts[FINDINGS] += 1
                counts[NUMBER] = number
            elif engine == "atheris":
                break  # libFuzzer counts by itself
    return list(counts[1:])


def _watch(worker: Any, counts: "SynchronizedArray[int]") -> bool:
    """Wait for a worker; True if it had to be ended because it came no further."""
    last, since = counts[NUMBER], time.monotonic()
    while worker.is_alive():
        worker.join(1)
        if counts[NUMBER] != last:
            last, since = counts[NUMBER], time.monotonic()
        elif time.monotonic() - since > _OVERDUE_SECONDS:
            worker.kill()
            worker.join()
            return True
    return False


def _last_input(folder: Path) -> bytes:
    path = folder / "last_input"
    return path.read_bytes() if path.exists() else b""


def _worker(work: Any, target: str, first: int, runs: int, seed: int, folder: Path, log: Log, counts: Any) -> None:
    """In the child: quiet, in a folder and with a memory of its own."""
    nothing = os.open(os.devnull, os.O_RDWR)
    if not os.environ.get("FUZZ_LOUD"):
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
    place = folder / f"from_{first}"
    place.mkdir()
    os.chdir(place)
    try:
        _work(work, Campaign(target, seed, place / "case"), first, runs, folder, log, counts)
    except BaseException as error:  # of ours, not of a reader's
        (folder / "broken").write_text("".join(traceback.format_exception(error)))
        raise


def _work(work: Any, campaign: Campaign, first: int, runs: int, folder: Path, log: Log, counts: Any) -> None:
    for name in campaign.files:  # what has to be imported, is; and every seed is read
        TARGETS[campaign.target].read(campaign.folder, name)
    with contextlib.suppress(ValueError, OSError, IndexError):  # a system without /proc has no such limit either
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    work(campaign, first, runs, folder, log, counts)


def _judged(campaign: Campaign, number: int, content: bytes, folder: Path, log: Log, counts: Any) -> None:
    counts[NUMBER] = number
    (folder / "last_input").write_bytes(content)
    verdict = campaign.judge(content)
    if verdict.is_finding:
        log.add(campaign.target, number, content, verdict)
    counts[{ACCEPTED: ACCEPTS, REFUSED: REFUSALS}.get(verdict.kind, FINDINGS)] += 1


def _plain(campaign: Campaign, first: int, runs: int, folder: Path, log: Log, counts: Any) -> None:
    for number in range(first, runs):
        _judged(campaign, number, campaign.draw(number), folder, log, counts)


def _atheris(campaign: Campaign, first: int, runs: int, folder: Path, log: Log, counts: Any) -> None:
    """Guided by the lines that inputs reach. Half of the inputs are changed seeds, half changed inputs of before."""
    import atheris

    def test_one_input(content: bytes) -> None:
        _judged(campaign, counts[NUMBER] + 1, content, folder, log, counts)

    def custom_mutator(content: bytes, max_size: int, seed: int) -> bytes:
        draw = Random(seed)
        if not content or draw.random() < 0.5:
            return campaign.draw(draw.getrandbits(60))[:max_size]
        return (content[:1] + mutate_bytes(content[1:], draw))[:max_size]

    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for place, raw in enumerate(campaign.files.values()):
        (corpus / f"seed_{place}").write_bytes(bytes([place]) + raw)
    # time and memory are limited by the judge and the worker
    flags = [f"-runs={runs - first}", f"-seed={campaign.seed + first + 1}", "-timeout=1000", "-rss_limit_mb=0"]
    flags += ["-max_len=1000000", "-len_control=0", f"-artifact_prefix={folder}/"]
    atheris.Setup([sys.argv[0], *flags, str(corpus)], test_one_input, custom_mutator=custom_mutator)
    atheris.Fuzz()
