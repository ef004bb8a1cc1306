"""Time, kernels, waiting and memory of a piece of work on a device, and the two rates its best is held against."""

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.autograd import DeviceType

Work = Callable[[], object]
PRECISIONS = {"float32": torch.float32, "TF32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Row:
    """One line of the table. None: not known here (a CPU has no kernels), or not meant.

    milliseconds: median of one piece of work; poses_per_s; share: of the rate that bounds it (bound: copy or product);
    kernels: launched by it; idle: share of its time in which the GPU had nothing to do; waits: how often the program
    waited for the GPU; peak_gb: largest memory held; epoch_s, run_h: an epoch and a whole run; note: what to know.
    """

    part: str
    name: str
    milliseconds: float | None = None
    poses_per_s: float | None = None
    share: float | None = None
    bound: str = ""
    kernels: int | None = None
    idle: float | None = None
    waits: int | None = None
    peak_gb: float | None = None
    epoch_s: float | None = None
    run_h: float | None = None
    note: str = ""


@dataclass
class Bench:
    """What all measurements share. seconds: for one row; until: time.monotonic() at which no further row begins.

    small: sizes for a rehearsal. copy: bytes a second, read and written; products: operations a second, by precision.
    """

    device: torch.device
    small: bool
    seconds: float
    until: float
    copy: float = 0.0
    products: dict[str, float] = field(default_factory=dict)

    @property
    def late(self) -> bool:
        return time.monotonic() >= self.until

    def wait(self) -> None:
        """Until the device has done all it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def median_seconds(self, work: Work, seconds: float | None = None, least: int = 3) -> float:
        """Of as many runs as fit into the time of a row, after one that warms up."""
        work(), self.wait()
        start, times = time.perf_counter(), []
        while len(times) < least or time.perf_counter() - start < (self.seconds if seconds is None else seconds):
            times.append(self._seconds(work))
            if len(times) >= 1000:
                break
        return statistics.median(times)

    def _seconds(self, work: Work) -> float:
        if self.device.type != "cuda":
            start = time.perf_counter()
            work()
            return time.perf_counter() - start
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        work()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / 1e3

    def looked_at(self, work: Work, calls: int = 1) -> dict[str, float | int | None]:
        """Kernels, idle share, waits and peak memory of one piece of work, the mean of several calls."""
        if self.device.type != "cuda":
            return {}
        torch.cuda.reset_peak_memory_stats(self.device)
        work(), self.wait()
        peak = torch.cuda.max_memory_allocated(self.device) / 1e9
        activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
        with torch.profiler.profile(activities=activities) as profile:
            start = time.perf_counter()
            for _ in range(calls):
                work()
            self.wait()
            elapsed = time.perf_counter() - start
        events = profile.events() or []
        on_gpu = [event for event in events if event.device_type == DeviceType.CUDA]
        busy = sum(event.time_range.elapsed_us() for event in on_gpu) / 1e6
        waits = sum("Synchronize" in event.name for event in events if event.device_type == DeviceType.CPU)
        return {
            "kernels": round(len(on_gpu) / calls), "idle": max(0.0, 1 - busy / elapsed),
            "waits": round((waits - 1) / calls), "peak_gb": peak,
        }  # fmt: skip


def measure_bounds(bench: Bench) -> Iterator[Row]:
    """Rates of a large copy and of large products, which the other rows are shares of."""
    size = 2**22 if bench.small else 2**28
    source = torch.rand(size, device=bench.device)
    target = torch.empty_like(source)
    seconds = bench.median_seconds(lambda: target.copy_(source))
    bench.copy = 2 * 4 * size / seconds
    yield Row("bounds", f"copy of {4 * size / 1e9:.2f} GB", 1e3 * seconds, note=f"{bench.copy / 1e9:,.0f} GB/s")
    side = 256 if bench.small else 8192
    for precision in precisions_of(bench.device):
        left, right = (torch.randn(side, side, device=bench.device, dtype=PRECISIONS[precision]) for _ in range(2))
        with calculating_in(precision):
            seconds = bench.median_seconds(_product(left, right))
        bench.products[precision] = 2 * side**3 / seconds
        rate = f"{bench.products[precision] / 1e12:,.3g} TFLOP/s"
        yield Row("bounds", f"product {side}^3, {precision}", 1e3 * seconds, note=rate)


def _product(left: Tensor, right: Tensor) -> Work:
    return lambda: left @ right


def precisions_of(device: torch.device) -> tuple[str, ...]:
    """A CPU has float32 alone."""
    return tuple(PRECISIONS) if device.type == "cuda" else ("float32",)


@contextlib.contextmanager
def calculating_in(precision: str) -> Iterator[None]:
    """Products of float32 numbers in all digits or in TF32's; bfloat16 is asked for elsewhere."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "TF32"
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
