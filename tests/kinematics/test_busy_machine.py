"""How PyTorch's threads wait while other programs need the cores."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from kinematics import busy_machine
from kinematics.busy_machine import BusyMachine, busy_seconds, can_watch

ROOT = Path(__file__).parents[2]
STAT = """cpu  60 20 80 1000 50 1 1 8 0 0
cpu0 10 10 40 500 25 1 0 4 3 2
cpu1 50 10 40 500 25 0 1 4 0 0
intr 5
"""
CORES = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
on_linux_with_cores = pytest.mark.skipif(
    CORES < 2 or not can_watch(), reason="needs Linux, GNU OpenMP, two cores and a readable /proc"
)


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120,
        env={**os.environ, **environment},
    )  # fmt: skip
    return done.stdout


def test_time_of_waiting_for_the_disk_and_of_guests_is_no_work():
    ticks = os.sysconf("SC_CLK_TCK")
    assert busy_seconds(STAT, [0]) == 65 / ticks
    assert busy_seconds(STAT, [0, 1]) == (65 + 105) / ticks
    assert busy_seconds(STAT, [7]) == 0


@pytest.fixture
def machine(monkeypatch):
    """A watch on two cores that is told what others take, for a process of two threads."""
    monkeypatch.setattr(BusyMachine, "_watch", lambda self: None)
    monkeypatch.setattr(busy_machine.os, "sched_getaffinity", lambda process: {0, 1}, raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    machine = BusyMachine()
    yield machine
    machine.stop()


def test_a_passing_load_changes_nothing_and_a_lasting_one_does(machine):
    machine.look(1.0)
    machine.look(0.0)
    machine.look(1.0)
    assert not machine.brief
    machine.look(1.0)
    assert machine.brief


def test_threads_spin_again_when_the_cores_have_been_free_for_a_while(machine):
    for others in (0.9, 0.9, *[0.0] * 5):
        machine.look(others)
    assert machine.brief
    machine.look(0.5)
    for _ in range(6):
        assert machine.brief
        machine.look(0.0)
    assert not machine.brief


def test_a_single_thread_waits_for_nobody(machine, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    for _ in range(5):
        machine.look(2.0)
    assert not machine.brief


def test_cores_that_no_thread_of_ours_needs_may_be_taken(machine, monkeypatch):
    monkeypatch.setattr(busy_machine.os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    machine.stop()
    wide = BusyMachine()
    for _ in range(5):
        wide.look(5.9)
    assert not wide.brief
    for _ in range(2):
        wide.look(6.5)
    assert wide.brief
    wide.stop()


@on_linux_with_cores
def test_teams_outnumber_the_cores_and_end():
    printed = run(f"""
import os, torch
from kinematics.busy_machine import IdleTeams
count = lambda: len(os.listdir("/proc/self/task"))
torch.set_num_threads(2)
torch.zeros(1 << 20).add_(1)
before = count()
teams = IdleTeams(2, {CORES})
while count() < before + 2 * ({CORES} - 1):  # each team is a leader and one more
    pass
teams.stop()
while count() > before:
    pass
print("ended")
""")
    assert printed == "ended\n"


@on_linux_with_cores
def test_results_are_the_same_to_the_last_digit_however_threads_wait():
    printed = run("""
import torch
from kinematics.busy_machine import IdleTeams
torch.set_num_threads(2)
def train():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(64, 512), torch.nn.ReLU(), torch.nn.Linear(512, 48))
    optimizer = torch.optim.Adam(net.parameters())
    for _ in range(6):
        optimizer.zero_grad()
        net(torch.randn(512, 64)).square().mean().backward()
        optimizer.step()
    return torch.cat([weight.detach().flatten() for weight in net.parameters()])
alone = train()
teams = IdleTeams(2, 2)
beside = train()
teams.stop()
print(torch.equal(alone, beside), torch.equal(alone, train()))
""")
    assert printed == "True True\n"


@on_linux_with_cores
def test_a_command_notices_that_others_take_the_cores():
    """A real watch beside real programs that keep every core busy; it is given two minutes to see them."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(CORES)]
    try:
        printed = run("""
import time, torch
from kinematics import exit_with_one_sentence
from kinematics.busy_machine import BusyMachine
started = []
start = BusyMachine.__init__
BusyMachine.__init__ = lambda self: (start(self), started.append(self))[0]
def command():
    torch.set_num_threads(2)
    end = time.monotonic() + 110
    while not started[0].brief and time.monotonic() < end:
        torch.randn(256, 256) @ torch.randn(256, 256)
    print(started[0].brief)
exit_with_one_sentence(command)
print(started[0].brief)
""")
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert printed == "True\nFalse\n"


@on_linux_with_cores
@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"])
def test_what_the_user_chose_stays(name, monkeypatch):
    assert can_watch()
    monkeypatch.setenv(name, "1000")
    assert not can_watch()
