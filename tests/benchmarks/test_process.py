"""A child is always ended, whatever it does, and what it said is always heard."""

from __future__ import annotations

import os
import sys
import time

import pytest

from benchmarks.measure import process


def run(code, tmp_path, timeout=20.0, **options):
    return process.run(
        lambda pipe, started: [sys.executable, "-c", code, str(pipe)],
        environment=dict(os.environ),
        folder=str(tmp_path),
        timeout=timeout,
        **options,
    )


def test_the_message_comes_over_its_own_pipe(tmp_path):
    code = "import os, sys; print('noise'); os.write(int(sys.argv[1]), b'the row')"
    end = run(code, tmp_path)
    assert (end.message, end.exit_code, end.kill_reason) == (b"the row", 0, "")


def test_a_message_larger_than_a_pipe_arrives_whole(tmp_path):
    end = run(
        "import os, sys; f = os.fdopen(int(sys.argv[1]), 'wb'); f.write(b'x' * 10**6)", tmp_path
    )
    assert len(end.message) == 10**6


def test_the_end_of_stderr_is_kept(tmp_path):
    end = run("import sys; sys.stderr.write('a' * 10**6 + 'the end')", tmp_path)
    assert end.stderr.endswith("the end") and len(end.stderr) <= process.MAX_STDERR


def test_a_child_that_ignores_sigterm_is_killed_in_time(tmp_path):
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    began = time.perf_counter()
    end = run(code, tmp_path, timeout=0.5)
    assert end.kill_reason == "timeout" and end.exit_code == -9
    assert time.perf_counter() - began < 60


def test_a_grandchild_that_keeps_the_pipe_open_delays_nothing_and_is_ended(tmp_path):
    code = (
        "import os, sys, time\n"
        "child = os.fork()\n"
        "if child == 0: time.sleep(600)\n"
        "os.write(int(sys.argv[1]), str(child).encode())"
    )
    began = time.perf_counter()
    end = run(code, tmp_path)
    assert time.perf_counter() - began < 300
    assert end.exit_code == 0
    grandchild = int(end.message)
    for _ in range(100):  # the kernel reaps it in its own time
        try:
            with open(f"/proc/{grandchild}/stat") as stat:
                if stat.read().split()[2] == "Z":
                    break
        except FileNotFoundError:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the grandchild is still alive")


def test_a_grandchild_that_floods_stderr_after_the_end_is_ended(tmp_path):
    code = (
        "import os, sys\n"
        "if os.fork() == 0:\n"
        "    while True: os.write(2, b'x' * 65536)\n"
        "os.write(int(sys.argv[1]), b'the row')"
    )
    end = run(code, tmp_path)
    assert (end.message, end.exit_code, end.kill_reason) == (b"the row", 0, "")


def test_every_line_of_a_long_answer_is_passed_on_once(tmp_path):
    count, length = 400, 65536  # more than is kept
    code = (
        "import os, sys\n"
        "with os.fdopen(int(sys.argv[1]), 'w') as pipe:\n"
        f"    for k in range({count}): print(str(k).rjust({length}), file=pipe)"
    )
    lines = []
    end = run(code, tmp_path, on_line=lines.append)
    assert count * length > process.MAX_MESSAGE >= len(end.message)
    assert [int(line) for line in lines] == list(range(count))


def test_memory_above_the_limit_ends_the_child(tmp_path):
    code = "import time; hoard = bytearray(b'x' * (300 * 2**20)); time.sleep(30)"
    end = run(code, tmp_path, memory_limit=200 * 2**20)
    assert end.kill_reason == "oom"


def test_an_exit_code_and_a_signal_are_told_apart(tmp_path):
    assert run("import os; os._exit(3)", tmp_path).exit_code == 3
    assert run("import os; os.kill(os.getpid(), 11)", tmp_path).exit_code == -11
