"""How large the engine is, as a table."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measure.code_lines import CORE_LIMIT, PACKAGE, count_code_lines
from benchmarks.render.escape import markdown, table


def engine_table(package: Path = PACKAGE) -> list[str]:
    """Markdown lines: the three counts; only the first has a limit."""
    lines = count_code_lines(package)
    rows = [
        ("core: layers, losses, optimizers, network, Mapicx", lines.core, f"under {CORE_LIMIT}"),
        ("all that training a network loads", lines.training, ""),
        ("whole package", lines.package, ""),
    ]
    cells = [[markdown(part), str(count), limit] for part, count, limit in rows]
    return table(["engine", "code lines", "limit"], cells)
