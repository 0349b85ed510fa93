"""What a process holds at its end: imported modules and mapped shared libraries.

Imported by a worker when everything is measured, so it may not add to what it counts.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection

HARNESS = frozenset({"baselines", "benchmarks", "__main__", "__mp_main__"})
SHARED_OBJECT = re.compile(r"/\S.*\.so(?:\.\d+)*(?: \(deleted\))?$")


def loaded(started_with: Collection[str]) -> dict[str, int | None]:
    """The row's fields. started_with: modules of the bare interpreter, which do not count."""
    names = sys.modules.keys() - set(started_with)
    return {
        "modules_imported": sum(name.partition(".")[0] not in HARNESS for name in names),
        "shared_objects": shared_objects(),
    }


def shared_objects() -> int | None:
    """Distinct shared libraries in this process's memory; None where there is no such list."""
    try:
        with open("/proc/self/maps", errors="replace") as maps:
            found = (SHARED_OBJECT.search(line.rstrip("\n")) for line in maps)
            return len({match[0] for match in found if match})
    except OSError:
        return None
