"""A long clip takes the memory of a short one."""

import subprocess
import sys
from pathlib import Path

import pytest

PEAK_MIB = """
import torch
from posenets import ScreenLifter, build_posenet

def peak():  # of this process alone: ru_maxrss begins with what the parent took
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

torch.set_num_threads(1)
lifter = ScreenLifter(build_posenet("poseformer", 17, 81, depth=1), "screen", "h36m_17")
for frames in (101, 303):
    lifter.predict_clip(torch.randn(frames, 17, 2), test_flip=False)
    print(peak())
"""


def test_a_clip_three_times_as_long_takes_no_more_memory_and_far_less_than_2_gb():
    """PoseFormer of 81 frames, one block deep: blocks follow each other and take the same memory. All windows of the
    longer clip at once would take 200 MiB more.
    """
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells the peak of one process")
    done = subprocess.run([sys.executable, "-c", PEAK_MIB], check=True, capture_output=True, text=True)
    short, long = map(float, done.stdout.split())
    assert long < short + 100
    assert long < 1024
