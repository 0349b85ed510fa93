"""python -m mapicx draws in a terminal of any width."""

import contextlib
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import mapicx
from mapicx.__main__ import COLUMNS, ROWS, main

fcntl = pytest.importorskip("fcntl", reason="terminals are a POSIX matter")
pty = pytest.importorskip("pty", reason="terminals are a POSIX matter")
termios = pytest.importorskip("termios", reason="terminals are a POSIX matter")


@pytest.mark.parametrize("width", [20, 33, 64, 65, 80, 100])
def test_no_line_is_wider_than_the_terminal(width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("LINES", "50")
    main(epochs=2, frames=1)
    legend, *picture, values = capsys.readouterr().out.splitlines()
    assert legend.startswith("A B C: samples") and len(legend) < width
    assert {len(line) for line in picture} == {min(COLUMNS, width - 1)}
    assert len(values) < width
    assert re.fullmatch(r"epoch +2(  loss \d+\.\d{3})?(  accuracy \d\.\d{3})?", values)
    assert set("ABC") <= set("".join(picture))
    if width > COLUMNS:
        assert len(picture) == ROWS


def test_a_low_terminal_shows_the_whole_picture(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "12")
    main(epochs=2, frames=1)
    assert len(capsys.readouterr().out.splitlines()) == 11  # one is left for the cursor


def run(columns=None):
    """What a short run of `main` writes: to a terminal of so many columns, or to a pipe."""
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    program = "from mapicx.__main__ import main; main(epochs=24)"
    command = [sys.executable, "-B", "-c", program]
    options = {"cwd": Path(mapicx.__file__).parents[1], "env": environment | {"NO_COLOR": "1"}}
    if columns is None:
        return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 12, columns, 0, 0))
    with subprocess.Popen(command, stdout=theirs, **options) as process:
        os.close(theirs)
        written = b""
        with contextlib.suppress(OSError):  # at the end a terminal has no end of file
            while chunk := os.read(ours, 4096):
                written += chunk
    os.close(ours)
    assert process.returncode == 0
    return written.decode().replace("\r\n", "\n")


def test_a_pipe_gets_plain_text_and_the_last_picture():
    text = run()
    assert "\x1b" not in text and text.count("epoch") == 12
    assert len(text.splitlines()) == 1 + ROWS + 12
    assert max(map(len, text.splitlines())) == COLUMNS


def test_a_narrow_terminal_without_colours_sees_one_picture_grow():
    text = run(20)
    moves = re.findall(r"\x1b\[[\d;]*[A-Za-z]", text)
    frames = re.split(r"\x1b\[\d+A", text)
    assert len(frames) == 12 and set(moves) == {f"\x1b[{frames[1].count(chr(10))}A"}
    assert all(len(line) < 20 for frame in frames for line in frame.splitlines())
    legend, first = frames[0].split("\n", 1)
    assert "samples" in legend
    assert {frame.count("\n") for frame in (first, *frames[1:])} == {first.count("\n")}
