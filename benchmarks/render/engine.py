"""How large the engine is, as a table."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measure.code_lines import CORE_LIMIT, PACKAGE, PACKAGE_LIMIT, core_and_package
from benchmarks.render.escape import markdown, table


def engine_table(package: Path = PACKAGE) -> list[str]:
    """Markdown lines: the two counts and their limits."""
    core, whole = core_and_package(package)
    rows = [
        ["core: layers, losses, optimizers, network, Mapicx", str(core), f"under {CORE_LIMIT}"],
        ["whole package", str(whole), f"under {PACKAGE_LIMIT}"],
    ]
    return table(["engine", "code lines", "limit"], [[markdown(r[0]), *r[1:]] for r in rows])
