"""Output of commands: it outlives its readers and passes on no control characters."""

from __future__ import annotations

import functools
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TextIO

from benchmarks.errors import UsageError, describe_os_error

# Escape sequences in a system's output could move the cursor or rename the window.
DROPPED = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127, *range(128, 160)])
USAGE, INTERRUPTED = 2, 130  # exit codes
Main = Callable[..., int]


def strip_control(text: str) -> str:
    """Return a text without control characters; tabs, carriage returns and line feeds stay."""
    return text.translate(DROPPED)


def say(text: str, file: TextIO | None = None) -> None:
    """Print a text that may quote systems or files, flushed and without control characters."""
    print(strip_control(text).replace("\r", " "), file=file, flush=True)


def wrap_entry(name: str, text: str, column: int) -> str:
    """Format a name and its description, no wider than the terminal (or COLUMNS).

    column: where the text begins; after a longer name, or on a narrow terminal, on the next line.
    """
    width = shutil.get_terminal_size(fallback=(10_000, 24)).columns
    below = len(name) >= column or width < column + 30
    column = 6 if below else column
    first = " " * column if below else name.ljust(column)
    filled = textwrap.fill(text, width, initial_indent=first, subsequent_indent=" " * column)
    return f"{name}\n{filled}" if below else filled


class PatientStream:
    """A stream whose reader may go away, as `head` does; later output is dropped.

    Parameters
    ----------
    stream : text stream
        Where the text goes while somebody reads it.
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
        """Redirect the descriptor to the null device, and with it what is still buffered."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def report_errors(*others: type[Exception]) -> Callable[[Main], Main]:
    """Make a command's main print a UsageError, or one of these, and return 2."""
    caught: tuple[type[Exception], ...] = (UsageError, *others)

    def decorate(main: Main) -> Main:
        @functools.wraps(main)
        def guarded(argv: Sequence[str] | None = None) -> int:
            try:
                return main(argv)
            except caught as error:
                text = describe_os_error(error) if isinstance(error, OSError) else str(error)
                say(text, file=sys.stderr)
                return USAGE

        return guarded

    return decorate


def run_command(main: Callable[[], int]) -> NoReturn:
    """Run a command and exit with its code; after Ctrl-C say so and exit with 130.

    The process outlives the readers of its output and errors.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):  # names of files and columns may be of any language
            stream.reconfigure(errors="backslashreplace")
        if stream is not None and not isinstance(stream, PatientStream):
            setattr(sys, name, PatientStream(stream))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say("Interrupted.", file=sys.stderr)
        sys.exit(INTERRUPTED)
