"""python -m mapicx draws in a terminal of any width."""

import re

import pytest

from mapicx.__main__ import COLUMNS, ROWS, main


@pytest.mark.parametrize("width", [20, 33, 64, 65, 80, 100])
def test_no_line_is_wider_than_the_terminal(width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("LINES", "50")
    main(epochs=2, frames=1)
    *picture, values = capsys.readouterr().out.splitlines()
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
