"""From which size on a framework's step is faster than mapicx's: sentences and tables."""

from __future__ import annotations

import math

from benchmarks.analyse.crossover import MULTIPLIED, REST, UNITS, WHOLE, Crossing
from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.stats import SMALLEST_N
from benchmarks.render.escape import markdown, table
from benchmarks.render.numbers import NOTHING, quantity

FASTER, SLOWER = "faster", "slower"


def sentences(found: list[Crossing]) -> list[str]:
    """One per axis about the whole step, and one about its parts."""
    said = []
    for axis in dict.fromkeys(one.axis.name for one in found):
        whole = [one for one in found if one.axis.name == axis and one.part == WHOLE]
        many = len({one.threads for one in found}) > 1
        clauses = []
        for threads in dict.fromkeys(one.threads for one in whole):
            part = [one for one in whole if one.threads == threads]
            verdicts = "; ".join(f"{verdict(one)} ({markdown(one.framework)})" for one in part)
            clauses.append((f"on {_threads(threads)} " if many else "") + f"{BASE} is {verdicts}")
        said.append(f"{axis.capitalize()}: {'. And '.join(clauses)}.")
    return said + _parts_sentence(found)


def _parts_sentence(found: list[Crossing]) -> list[str]:
    """How often each part of mapicx's step is the shorter one throughout."""
    clauses = []
    for part in (MULTIPLIED, REST):
        compared = [one for one in found if one.part == part]
        resolved = [one for one in compared if one.ratios]
        if resolved:
            less = sum(all(r.value < 1 for r in one.ratios.values()) for one in resolved)
            lost = len(compared) - len(resolved)
            unresolved = f" ({lost} more are not resolved against noise)" if lost else ""
            clauses.append(f"{part} in {less} of {len(resolved)} comparisons{unresolved}")
    if not clauses:
        return []
    return [f"The parts of the step apart: {BASE}'s median is the shorter one at every size"
            f" compared for {', for '.join(clauses)}."]  # fmt: skip


def _threads(threads: int) -> str:
    return f"{threads} thread{'s' if threads != 1 else ''}"


def verdict(one: Crossing) -> str:
    """ "faster below N units (95 % interval a to b)", or where it is so throughout."""
    lost = f"; not resolved against noise at {_sizes(one.unresolved)}" if one.unresolved else ""
    if one.unresolved and not one.ratios:
        return "not resolved against noise at any size"
    if not one.at.known:
        return f"not compared: no block has every size{lost}"
    if len(one.ratios) == 1:
        (size,) = one.ratios
        word = _words(one).get(size, FASTER if one.ratios[size].value < 1 else SLOWER)
        return f"{word} at {size:,} {UNITS[one.axis.name]}, the only size resolved"
    few = "" if _words(one) else ", in the median (too few blocks for a verdict)"
    return _throughout(one) + few + lost


def _throughout(one: Crossing) -> str:
    at, unit, words = one.at, UNITS[one.axis.name], _words(one)
    if words and not {FASTER, SLOWER} & set(words.values()):
        return "neither faster nor slower beyond noise at any size"
    bounds = ""
    if at.kind == "interval" and at.low != at.high:
        bounds = f" (95 % interval {_bound(one, at.low)} to {_bound(one, at.high)})"
    every = "at every size resolved" if one.unresolved else "at every size measured"
    if math.isinf(at.value):
        above = _lost(one)
        first = f"above {max(above):,} {unit}" if above else every
        return f"{FASTER} {first}{bounds}{_unsure(words, FASTER)}"
    if at.value == 0:
        return f"{SLOWER} {every}{bounds}{_unsure(words, SLOWER)}"
    mixed = [size for size in _lost(one) if size < at.value]
    some = f", but for {_sizes(mixed)}" if mixed else ""
    beyond = [word for size, word in words.items() if size > at.value]
    never = ", above that not slower beyond noise" if beyond and SLOWER not in beyond else ""
    return f"{FASTER} below {_number(at.value)} {unit}{some}{bounds}{never}"


def _lost(one: Crossing) -> list[int]:
    """The sizes at which mapicx is the slower one: by verdict, by its median without verdicts."""
    words = _words(one)
    if words:
        return [size for size, word in words.items() if word == SLOWER]
    return [size for size, ratio in one.ratios.items() if ratio.value >= 1]


def _words(one: Crossing) -> dict[int, str]:
    """The verdicts, if there are blocks enough for any."""
    enough = all(ratio.n >= SMALLEST_N for ratio in one.ratios.values())
    return one.verdicts if enough else {}


def _unsure(words: dict[int, str], usual: str) -> str:
    others = [size for size, word in words.items() if word != usual]
    return f", but within noise at {_sizes(others)}" if others else ""


def _sizes(sizes: list[int] | tuple[int, ...]) -> str:
    return ", ".join(f"{size:,}" for size in sizes)


def _number(size: float) -> str:
    return f"{float(f'{size:.2g}'):,.0f}" if size >= 10 else f"{size:.2g}"


def _bound(one: Crossing, size: float) -> str:
    if size == 0:
        return f"below {min(one.ratios):,}"
    return f"beyond {max(one.ratios):,}" if math.isinf(size) else _number(size)


def compact(found: list[Crossing]) -> list[str]:
    """One row per axis, threads and framework: the whole step."""
    body = []
    for one in (one for one in found if one.part == WHOLE):
        first, last = min(one.ratios), max(one.ratios)
        ends = [f"{quantity(one.ratios[size].alone())} at {size:,}" for size in (first, last)]
        body.append([*_place(one), *ends, verdict(one)])
    head = ["axis", "threads", "framework", f"smallest: {BASE} / best", f"largest: {BASE} / best"]
    return [*table([*head, f"{BASE} is"], body), "", _notes(found)]


def _place(one: Crossing) -> list[str]:
    what = f"{one.axis.name} ({UNITS[one.axis.name]})"
    return [what, str(one.threads), markdown(one.framework)]


def _notes(found: list[Crossing]) -> str:
    said = f"Ratios of step times, {BASE} / framework's best variant at that size, paired in"
    said += f" blocks: below 1 {BASE} is faster. Variants that stood for a framework: "
    stood: dict[str, set[str]] = {}
    for one in (one for one in found if one.part == WHOLE):
        stood.setdefault(one.framework, set()).update(one.variants.values())
    said += "; ".join(
        f"{markdown(name)}: {', '.join(map(markdown, sorted(variants)))}"
        for name, variants in sorted(stood.items())
    )
    said += "."
    if any(one.at.kind == "single" for one in found):
        said += f" No interval below {SMALLEST_N} blocks."
    return said


def parts(found: list[Crossing]) -> list[str]:
    """One row per axis, threads and framework: the products, and everything else; [] if none."""
    by_place: dict[tuple[str, ...], dict[str, str]] = {}
    for one in found:
        by_place.setdefault(tuple(_place(one)), {})[one.part] = verdict(one)
    body = [
        [*place, cells.get(MULTIPLIED, "the same products"), cells[REST]]
        for place, cells in by_place.items()
        if REST in cells
    ]
    if not body:
        return []
    head = ["axis", "threads", "framework", f"products: {BASE} is", f"everything else: {BASE} is"]
    said = (
        "Products: the matrix products of a step and nothing else, by each framework's own call."
        " Everything else: the step less these, paired in blocks, of the variant with the shortest"
        " step. Sizes where this difference is not above the noise of the step in every block are"
        " named and not used."
    )
    return [*table(head, body, numbers=False), "", said]


def tables(found: list[Crossing]) -> list[str]:
    """The parts, then per axis every size, every framework's best variant and ratio."""
    apart = parts(found)
    lines = ["### Products, and everything else", "", *apart, ""] if apart else []
    for axis, threads, part in dict.fromkeys((c.axis.name, c.threads, c.part) for c in found):
        these = [c for c in found if (c.axis.name, c.threads, c.part) == (axis, threads, part)]
        sizes = sorted({size for one in these for size in (*one.ratios, *one.unresolved)})
        body = [[f"{size:,}", *(_cell(one, size) for one in these)] for size in sizes]
        head = [UNITS[axis], *(f"{BASE} / {markdown(one.framework)}" for one in these)]
        title = f"{axis.capitalize()}, {_threads(threads)}: {part}"
        lines += [f"### {title}", "", *table(head, body), ""]
    return lines


def _cell(one: Crossing, size: int) -> str:
    if size not in one.ratios:
        return "not resolved" if size in one.unresolved else NOTHING
    said = f"{quantity(one.ratios[size])} {markdown(one.variants[size])}"
    word = _words(one).get(size, "")
    return said if word in ("", FASTER, SLOWER) else f"{said} {word}"
