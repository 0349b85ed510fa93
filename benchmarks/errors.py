"""Errors for users who request something impossible, and the wording of their messages."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

# POSIX and Windows paths: absolute ones, and relative ones with two folders or more (3/4 is not
# one). A part may contain spaces if another follows.
PART = r"[\w.@+~-]+(?: [\w.@+~-]+(?=[/\\]))*"
PATHS = re.compile(
    rf"(?<![\w/\\.@+~-])(?:(?:[A-Za-z]:|~)?[/\\]+{PART}(?:[/\\]+{PART})*"
    rf"|[\w.@+~-]+(?:[/\\]+{PART}){{2,}})[/\\]?"
)
HOMES = re.compile(
    r"(?i)^(?:[a-z]:)?[/\\]+(?:root|(?:home|users|documents and settings)[/\\]+[^/\\]+)[/\\]?$"
)
MAX_REASON_LENGTH = 300  # characters
MAX_QUOTED = 10  # names in one sentence
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


class UsageError(Exception):
    """The user requested something that does not exist; the text says what would be right."""


class MachineFault(Exception):
    """The machine, not a trial, is at fault, and the run ends; the text says why."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """Make an error that names the nearest known names.

    Parameters
    ----------
    kind : str
        What was asked for, such as "workload".
    name : str
        The unknown name.
    known : iterable of str
        The valid names.
    """
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known
    if not near:
        return UsageError(f"there is no {kind} {name!r}, nor any other")
    return UsageError(f"there is no {kind} {name!r}; did you mean {', '.join(near)}?")


def quote_names(names: Iterable[object]) -> str:
    """Return names in quotes, separated by commas; beyond MAX_QUOTED, only how many more."""
    quoted = [repr(str(name)) for name in names]
    more = f" and {len(quoted) - MAX_QUOTED} more" if len(quoted) > MAX_QUOTED else ""
    return ", ".join(quoted[:MAX_QUOTED]) + more


def check_known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise UsageError for the first name that is not among the known ones."""
    known = list(known)
    for name in names:
        if name not in known:
            raise unknown_name(kind, name, known)


def format_count(number: int, noun: str) -> str:
    """Format a number of things: "1 thread", "2,000 rows", "3 classes"."""
    plural = "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{'' if number == 1 else plural}"


def strip_paths(text: str) -> str:
    """Return the text as one line without folders or control characters, fit for a row.

    Only the last part of a path stays, unless it is a home folder, which is somebody's name.
    """
    line = " ".join(CONTROL.sub(" ", text).split())
    home = str(Path.home())
    if len(home) > 1:
        line = re.sub(re.escape(home) + r"(?=$|[^\w/\\.-])", "~", line)
    line = PATHS.sub(lambda match: _last_part(match[0]), line)
    return line if len(line) <= MAX_REASON_LENGTH else line[: MAX_REASON_LENGTH - 1] + "…"


def describe_error(error: BaseException) -> str:
    """Return the type and text of an exception, on one line without folders."""
    return strip_paths(f"{type(error).__name__}: {error}")


def describe_os_error(error: OSError) -> str:
    """Return what the system says, and the name of the file without its folder."""
    name = Path(str(error.filename)).name if error.filename else ""
    return ": ".join(filter(None, (error.strerror or str(error), name)))


def _last_part(path: str) -> str:
    if HOMES.match(path):
        return "~"
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] or path
