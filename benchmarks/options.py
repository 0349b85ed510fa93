"""Read and check the values of command-line options; format durations for people.

The readers of single values are argparse `type`s: on an error, argparse prints their sentence and
exits with code 2.
"""

from __future__ import annotations

import math
import re
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from pathlib import Path

from benchmarks.errors import UsageError

UNITS = {"s": 1, "m": 60, "h": 3600}
MAX_SEEDS = 10_000


def make_parser(command: str, description: str, examples: str) -> ArgumentParser:
    """Return the parser of `python -m benchmarks.COMMAND`; --help ends with examples, verbatim."""
    return ArgumentParser(
        prog=f"python -m benchmarks.{command}",
        description=description,
        epilog=examples,
        formatter_class=RawDescriptionHelpFormatter,
    )


def read_text(text: str) -> str:
    """Read a text that must not be empty."""
    if not text.strip():
        raise ArgumentTypeError("is empty; write a value, or leave the option out")
    return text


def read_names(text: str) -> str:
    """Read one or more names, separated by commas."""
    if not split_names(text):
        raise ArgumentTypeError("names nothing; write names with commas between them")
    return text


def read_folder(text: str) -> Path:
    """Read a folder's path."""
    return Path(read_text(text))


def read_positive(text: str) -> float:
    """Read a finite number above zero."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a finite number above 0")
    return number


def read_seeds(text: str) -> int:
    """Read a whole number of seeds; each has its own block."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_SEEDS):
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MAX_SEEDS:,}")
    return int(text)


def split_names(text: str | None) -> list[str]:
    """Return the names in a comma-separated option, in order, each once."""
    return list(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))


def parse_duration(text: str) -> float:
    """Convert a duration such as 90s, 8m or 2h to seconds; a bare number is seconds."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text, re.ASCII)
    if not match or float(match[1]) == 0:
        raise UsageError(f"{text!r} is not a duration; write 90s, 8m or 2h")
    return float(match[1]) * UNITS.get(match[2], 1)


def format_duration(seconds: float) -> str:
    """Format a duration for people: 45 s, 3 min 20 s, 2 h 05 min."""
    whole = round(seconds)
    if whole < 90:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
