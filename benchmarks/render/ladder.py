"""The ladder of training steps as sentences and tables."""

from __future__ import annotations

from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.ladder import STEP, STEPWISE, WHOLE_LOOP, Rung, Step
from benchmarks.analyse.metrics import EQUIVALENT
from benchmarks.analyse.stats import SMALLEST_N, Estimate
from benchmarks.analyse.step_parts import PRODUCTS
from benchmarks.analyse.verdicts import enough
from benchmarks.render.escape import markdown, table
from benchmarks.render.numbers import NOTHING, quantity
from benchmarks.render.tables import UNCHECKED

MICRO = 1e-6


def sentences(steps: list[Rung]) -> list[str]:
    """The answer of a ladder."""
    said = []
    compared = [(rung, rung.peer) for rung in steps]
    peers = [(rung, peer) for rung, peer in compared if peer is not None]
    if peers:
        said.append(_count("the fastest of the systems that train step by step", peers))
        smallest, largest = peers[0], peers[-1]
        said.append(
            "Its step takes "
            + ", ".join(
                f"{quantity(rung.steps[BASE].step.alone(), MICRO)} µs on {_name(rung)}"
                f" ({quantity(peer.ratio.alone())} times {markdown(peer.system)}'s)"
                for rung, peer in ([smallest, largest] if len(peers) > 1 else peers)
            )
            + "."
        )
    loops = [(r, r.steps[WHOLE_LOOP]) for r in steps if WHOLE_LOOP in r.steps]
    loops = [(rung, step) for rung, step in loops if step.ratio.known]
    if loops:
        said.append(_count(f"{WHOLE_LOOP}, whose whole loop is one compiled program,", loops))
    shares = [rung.share for rung in steps if rung.share is not None]
    if shares:
        low, high = f"{min(shares):.0%}", f"{max(shares):.0%}"
        said.append(
            f"NumPy's matrix products alone take {low} to {high} of {BASE}'s step."
            if low != high
            else f"NumPy's matrix products alone take {low} of {BASE}'s step."
        )
    return said


def _count(whom: str, pairs: list[tuple[Rung, Step]]) -> str:
    """How often mapicx is faster than one competitor per rung."""
    judged = [step.verdict for _, step in pairs if enough(step.ratio, STEP)]
    ratios = [step.ratio.value for _, step in pairs]
    span = f"ratios {quantity(_single(min(ratios)))} to {quantity(_single(max(ratios)))}"
    if not judged:
        return (
            f"Of {len(pairs)} steps, {BASE}'s median is below that of {whom} on"
            f" {sum(r < 1 for r in ratios)} ({span}; too few blocks for verdicts)."
        )
    words = {"faster": 0, "slower": 0, EQUIVALENT: 0}
    for verdict in judged:
        for word in words:
            words[word] += verdict.startswith(word)
    unsure = len(pairs) - sum(words.values())
    parts = [f"faster than {whom} on {words['faster']} of {len(pairs)} steps"]
    parts += [f"slower on {words['slower']}"] if words["slower"] else []
    parts += [f"equivalent on {words[EQUIVALENT]}"] if words[EQUIVALENT] else []
    parts += [f"undecided on {unsure}"] if unsure else []
    return f"{BASE} is {', '.join(parts)} ({span})."


def _single(value: float) -> Estimate:
    return Estimate(value, value, value, 1, "single")


def _name(rung: Rung) -> str:
    return f"{rung.shape}, batch {rung.batch}, {optimizer_name(rung)}"


def optimizer_name(rung: Rung) -> str:
    return {"sgd": "SGD", "adam": "Adam"}.get(rung.optimizer, rung.optimizer)


def compact(steps: list[Rung]) -> list[str]:
    """One row per rung: mapicx, the fastest step-wise peer, jax-scan, the products' share."""
    body = []
    for rung in steps:
        own, peer, loop = rung.steps.get(BASE), rung.peer, rung.steps.get(WHOLE_LOOP)
        body.append(
            [
                f"{rung.shape}, {rung.batch}",
                optimizer_name(rung),
                quantity(own.step, MICRO) if own else NOTHING,
                markdown(peer.system) if peer else NOTHING,
                quantity(peer.step, MICRO) if peer else NOTHING,
                _ratio(peer),
                _ratio(loop),
                NOTHING if rung.share is None else f"{rung.share:.0%}",
            ]
        )
    head = ["network, batch", "optimizer", f"{BASE} (µs)", "fastest step-wise peer", "peer (µs)"]
    head += [f"{BASE} / peer", f"{BASE} / {WHOLE_LOOP}", f"products / {BASE}"]
    return [*table(head, body), "", _notes(steps)]


def _ratio(step: Step | None) -> str:
    if step is None or not step.ratio.known:
        return NOTHING
    said = quantity(step.ratio)
    if enough(step.ratio, STEP) and step.verdict not in ("faster", "slower"):
        said += f" {step.verdict}"
    return said if step.checked else f"{said} {UNCHECKED}"


def _notes(steps: list[Rung]) -> str:
    ratios = [step.ratio for rung in steps for step in rung.steps.values() if step.ratio.known]
    said = [f"Medians of one whole training step. Ratios are {BASE} / peer, paired in blocks:"]
    said[0] += f" below 1 {BASE} is faster."
    said[0] += " The peer is chosen from these rows, which favours it."
    if any(ratio.kind == "interval" for ratio in ratios):
        said.append("(low–high): 95 % interval.")
    if any(ratio.kind == "range" for ratio in ratios):
        said.append("[low–high]: lowest and highest value.")
    if not all(enough(ratio, STEP) for ratio in ratios):
        said.append(f"No verdict below {SMALLEST_N} blocks.")
    if any(step.ratio.known and not step.checked for r in steps for step in r.steps.values()):
        said.append(f"{UNCHECKED} not proven to train the same network in this run.")
    return " ".join(said)


def tables(steps: list[Rung]) -> list[str]:
    """Every system's step time, then each step less the products of its own framework."""
    lines: list[str] = []
    for optimizer in dict.fromkeys(rung.optimizer for rung in steps):
        part = [rung for rung in steps if rung.optimizer == optimizer]
        title = optimizer_name(part[0])
        lines += [f"### Step time of every system (µs), {title}", "", *_every(part), ""]
        lines += [f"### Everything but the products (µs), {title}", "", *_rest(part), ""]
    said = (
        "`matmul-only` makes the matrix products of a step and nothing else: with NumPy (for"
        " mapicx and scikit-learn), and with each framework's own calls. Everything but the"
        " products is the step less its own framework's products, paired in blocks. The two come"
        " from different processes, so a small difference may be negative."
    )
    return [*lines, said]


def headings(part: list[Rung]) -> list[str]:
    many = len({rung.threads for rung in part}) > 1
    return [f"{r.shape}, {r.batch}" + (f", {r.threads} threads" if many else "") for r in part]


def names_of(part: list[Rung]) -> list[str]:
    known = dict.fromkeys(name for rung in part for name in rung.steps)
    order = [BASE, *STEPWISE, WHOLE_LOOP]
    return sorted(known, key=lambda n: (order.index(n) if n in order else len(order), n))


def _every(part: list[Rung]) -> list[str]:
    body = []
    for name in names_of(part):
        cells = [r.steps[name].step if name in r.steps else Estimate() for r in part]
        body.append([markdown(name), *(quantity(cell, MICRO) for cell in cells)])
    for control in dict.fromkeys(PRODUCTS.values()):
        cells = [rung.products.get(control, Estimate()) for rung in part]
        if any(cell.known for cell in cells):
            body.append([control, *(quantity(cell, MICRO) for cell in cells)])
    return table(["system", *headings(part)], body)


def _rest(part: list[Rung]) -> list[str]:
    body = []
    for name in names_of(part):
        cells = [r.steps[name].rest if name in r.steps else Estimate() for r in part]
        if any(cell.known for cell in cells):
            body.append([markdown(name), *(quantity(cell, MICRO) for cell in cells)])
    if not body:
        return ["The products alone were not measured."]
    return table(["system", *headings(part)], body)
