"""python -m benchmarks: the commands of this package, one line each."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from benchmarks.streams import run_command, wrap_entry

HERE = Path(__file__).parent


def find_commands() -> dict[str, str]:
    """Return every command with its module's summary. Reads the sources, imports none."""
    commands = {}
    for path in sorted(HERE.glob("*.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        usage, _, what = text.partition("\n\n")[0].replace("`", "").partition(": ")
        if usage.startswith(f"python -m benchmarks.{path.stem}"):
            commands[usage] = " ".join(what.split()).removesuffix(".")
    return commands


def main() -> int:
    """Print the commands; return 2 if an argument is unknown."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] not in ("-h", "--help"):
        print(
            f"python -m benchmarks takes no {arguments[0]!r}; write python -m benchmarks.COMMAND",
            file=sys.stderr,
        )
    commands = find_commands()
    column = max(map(len, commands)) + 2
    for usage, what in commands.items():
        print(wrap_entry(usage, what, column))
    print("Each has --help with examples.")
    return 2 if arguments and arguments[0] not in ("-h", "--help") else 0


if __name__ == "__main__":
    run_command(main)
