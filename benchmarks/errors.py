"""What is said to a user who asked for something that cannot be, and how it is worded."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

FOLDERS = re.compile(r"(?:[A-Za-z]:)?[\w.@+\-]*(?:[/\\][\w.@+\- ]+){2,}")
LONGEST_REASON = 300  # characters


class UsageError(Exception):
    """The user asked for something that does not exist; the text says what would."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """Make an error that names the nearest known names.

    Parameters
    ----------
    kind : str
        What was asked for, such as "workload".
    name : str
        The name that is unknown.
    known : iterable of str
        The names that would have been right.
    """
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known
    return UsageError(f"there is no {kind} {name!r}; did you mean {', '.join(near)}?")


def quote_names(names: Iterable[object], most: int = 10) -> str:
    """Names in quotes with commas between them, the first few of many."""
    quoted = [repr(str(name)) for name in names]
    more = f" and {len(quoted) - most} more" if len(quoted) > most else ""
    return ", ".join(quoted[:most]) + more


def strip_paths(text: str) -> str:
    """One line without folders: a row holds neither user names nor home directories."""
    line = " ".join(FOLDERS.sub(lambda match: Path(match[0]).name, text).split())
    return line if len(line) <= LONGEST_REASON else line[: LONGEST_REASON - 1] + "…"
