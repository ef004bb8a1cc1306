"""All speeds in one run, each as a ratio to a yardstick timed beside it. One thread, so that it repeats.

    python -m benchmarks.speed

Forward kinematics against a chain of 4x4 matrix products; GAN iteration and training steps against a
(1024, 256) @ (256, 256) product; putting a batch together against a training step.
"""

import torch

from benchmarks import forward_kinematics, gan_iteration, lifter_step
from benchmarks.command_line import without_flags
from benchmarks.timing import Rate, median_seconds
from data import DataSettings, PoseDataset, load_dataset


def batch_assembly_ms(rounds: int = 50) -> float:
    """Median milliseconds to index a batch out of CMU-X."""
    dataset = PoseDataset.from_recordings(load_dataset("cmu", DataSettings()).train)
    generator = torch.Generator().manual_seed(0)
    return median_seconds(lambda: dataset.random_batch(lifter_step.BATCH, generator), rounds) * 1e3


def _published(row: Rate) -> str:
    share = 100 * row.share * row.published
    return f" ({share:.0f} % by the published program's operations)" if row.published > 1 else ""


def main() -> None:
    without_flags(__doc__)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        print("forward kinematics, times the speed of a chain of 4x4 matrices")
        for row in forward_kinematics.measure():
            what = "forward+backward" if row.backward else "forward"
            print(f"  {what:17}{row.poses:6} poses  {row.name:14}{row.microseconds:10.0f} us {row.ratio:6.1f}x")
        print("share of the rate of a (1024, 256) @ (256, 256) product")
        steps = lifter_step.measure()
        for row in [*gan_iteration.measure(), *steps]:
            print(f"  {row.name:24}{row.milliseconds:8.0f} ms {100 * row.share:6.0f} %{_published(row)}")
        assembly = batch_assembly_ms()
        print(f"batch assembly: {assembly:.2f} ms")
        for row in steps:
            print(f"  of a {row.name} step: {100 * assembly / row.milliseconds:.1f} %")
    finally:
        torch.set_num_threads(threads)


if __name__ == "__main__":
    main()
