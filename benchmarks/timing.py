"""How long a piece of work takes, and what share of a bare product's rate it reaches."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Rate:
    """One measurement. milliseconds: of the work; gflops: its rate; share: of the product timed beside it.

    published: how many times as many operations the published program needs for the same work.
    """

    name: str
    threads: int
    milliseconds: float
    gflops: float
    share: float
    published: float = 1.0


def seconds_of(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Of one run."""
    start = clock()
    work()
    return clock() - start


def median_seconds(work: Callable[[], object], rounds: int) -> float:
    """Of so many runs."""
    return statistics.median(seconds_of(work) for _ in range(rounds))


def thread_counts() -> Iterator[int]:
    """One thread, then as many as torch has, each set while the loop's body runs."""
    threads = torch.get_num_threads()
    try:
        for count in sorted({1, threads}):
            torch.set_num_threads(count)
            yield count
    finally:
        torch.set_num_threads(threads)
