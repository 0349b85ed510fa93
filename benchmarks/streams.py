"""What a command prints: it goes on when nobody listens, and passes no control characters on."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from typing import Any, TextIO

# Escape sequences in what a system says could move the cursor or rename the window.
CONTROL = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127, *range(128, 160)])


def strip_control(text: str) -> str:
    """A text without control characters; tabs, carriage returns and line feeds stay."""
    return text.translate(CONTROL)


def say(text: str, file: TextIO | None = None) -> None:
    """Print at once what may hold words of systems and files, without control characters."""
    print(strip_control(text).replace("\r", " "), file=file, flush=True)


def wrap_entry(name: str, text: str, column: int) -> str:
    """A name and what it is, as wide as the terminal (or COLUMNS) and no wider.

    column: where the text begins; a longer name, or a narrow terminal, has it on the next line.
    """
    width = shutil.get_terminal_size(fallback=(10_000, 24)).columns
    if len(name) >= column or width < column + 30:
        first, column = f"{name}\n", 6
        return first + textwrap.fill(
            text, width, initial_indent=" " * column, subsequent_indent=" " * column
        )
    return textwrap.fill(
        text, width, initial_indent=name.ljust(column), subsequent_indent=" " * column
    )


class PatientStream:
    """A stream whose reader may go away, as `head` does: what comes later is dropped.

    Parameters
    ----------
    stream : text stream
        Where the text goes as long as somebody reads it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self._drop()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._drop()

    def _drop(self) -> None:
        """From now on the descriptor leads nowhere; what is still buffered goes there too."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def keep_printing() -> None:
    """Let this process outlive the readers of its output and errors."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, PatientStream):
            setattr(sys, name, PatientStream(stream))
