import subprocess
import sys

import pytest

from training.memory import keep_freed_memory

KEPT_MIB = """
import os, sys
import torch
from training.memory import keep_freed_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

torch.set_num_threads(1)
torch.ones(10).sum()
if sys.argv[1] == "keep":
    keep_freed_memory()
before = resident()
tensors = [torch.ones(2**21) for _ in range(8)]  # 8 MiB each
del tensors
print(resident() - before)
"""


def kept_mib(word: str) -> float:
    done = subprocess.run([sys.executable, "-c", KEPT_MIB, word], check=True, capture_output=True, text=True)
    return float(done.stdout)


def test_freed_memory_stays_with_the_process():
    if not keep_freed_memory():
        pytest.skip("only glibc has mallopt")
    assert kept_mib("keep") > 48
    assert kept_mib("leave") < 24
