"""The fixed text of reports and claims.md; statistical terms appear only here."""

from __future__ import annotations

from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.simulation import DESIGNS, simulate
from benchmarks.record.schema import FIELDS
from benchmarks.render.document import (
    Block,
    Cell,
    Items,
    Paragraph,
    Strong,
    Table,
    Text,
    make_table,
)
from benchmarks.render.numbers import format_margin

SIMULATED_BLOCKS = (5, 12)
METHOD = {
    "One trial, one fresh process": "A trial is one system on one workload with one seed. Time and"
    " memory never come from the same process. Systems run in blocks, in random order; the seed is"
    " the block's, so every comparison is paired. Only the seeds of an accuracy measure, of which"
    " nothing is timed, share a process.",
    "Flanks and repeats": "A core's speed changes by a third within seconds. So trials of mapicx"
    " stand between those of the others, and a ratio is formed with the nearest ones before and"
    " after; they add at most a tenth to a block. A system whose process is short is run several"
    " times in a block, spread through it, as often as fits into 2.6 s, at most 10 times; the"
    " block's value is the mean. A system that takes over 15 s and over 15 % of a block is timed in"
    " half of the blocks. The same rules hold for every system; runs from before they were"
    " introduced have one trial of each system per block.",
    "Time": "Wall time of the whole process from exec to exit (total), its phases, and the same"
    " training repeated in the same process (warm; at least three times, until half a second of"
    " each block is spent on it or 5 s have passed). Median with the exact order-statistic 95 %"
    " interval, which exists from six blocks on. Ratios are exp(mean of the logs of paired ratios)"
    " with Student's 95 % interval, from three blocks on. Over workloads: geometric mean of paired"
    " ratios, with Student's interval over blocks.",
    "Its own installation": "A built-in system sees the distributions that it requires, directly or"
    " not, and no others: frameworks import what they find, and would be measured with each other.",
    "Memory": "The kernel's high-water mark of the resident set, reset at each phase, as median and"
    " range. Where a machine has no such mark, the method stands with what was run.",
    "Accuracy": "On an independent, large draw per seed. Mean with Student's 95 % interval over"
    " seeds. Systems are compared with mapicx over paired seeds: equivalence by two one-sided tests"
    " (TOST) with a margin of {accuracy}, difference by Student's paired t. All pairs of networks"
    " are one more family. Systems whose scores are the same bit for bit count once in it. Splits"
    " of one fixed table overlap, so there the variance is corrected after Nadeau and Bengio"
    " (2003).",
    "Families": "Networks against mapicx are one family (same training, expected to be equal),"
    " classical models another (another method). Within a family, case and quantity the p values"
    " are corrected after Holm. The sizes of a crossover are each judged at 95 %.",
    "Break-even": "Start (total less training at warm speed) and step are subtracted within each"
    " block; (later start) / (time saved per step) is the median over blocks with the exact"
    " interval.",
    "Crossover": "At each size the framework's best variant there; log ratios of step times, mean"
    " over blocks, interpolated linearly in the log of the size; interval: percentile bootstrap"
    " over whole blocks, widened as Student's t is (Hesterberg 2015), from six blocks on.",
    "Verdicts": "A difference is called one when its interval excludes 1 (scores: 0), the corrected"
    " test rejects, and a ratio is beyond the smallest effect of interest ({time}). equivalent"
    " within x: the interval lies within x (scores: both one-sided tests). undecided: measured, and"
    " neither. too few: measured in too few blocks. mapicx is measured under a second name"
    " too, mapicx-again: its ratio to itself should be 1, and says how far the others can be"
    " trusted.",
    "Same work": "Network systems start from the same weights, see the same rows in the same order,"
    " and prove in float64 that they compute the same losses and weights. Ratios with a system that"
    " fails are not printed; those with a system that was not checked are marked. Step times are"
    " only divided where parameters, steps, samples seen and dtype are equal. Other families do"
    " different work, and the tables say so.",
    "Headlines": "use each framework's best variant for the quantity in question, chosen from these"
    " rows, which favours the framework. The beginner's variant stands beside it under that name.",
    "Digits": "No number has more digits than its bounds support. Nothing is removed as an"
    " outlier.",
}

# Hoefler and Belli, "Scientific benchmarking of parallel computing systems", SC 2015.
RULES = (
    ("1", "a speedup names its base case and gives its absolute value",
     "result tables: the base is mapicx; absolute values stand beside every ratio"),
    ("2", "a reason for every subset", "section Skipped, failed and not run; nothing else is left"
     " out, except from figures, whose captions say so"),
    ("3", "arithmetic means for costs only, harmonic ones for rates",
     "result tables: medians of costs; no rate is averaged"),
    ("4", "no averages of ratios", "ratios are geometric means, and only of paired ratios"),
    ("5", "say whether values are deterministic; intervals if not",
     "result tables: brackets in every cell that varies; footnote says which"),
    ("6", "no normality without a check", "times: order statistics; logs of paired ratios and"
     " paired scores: coverage simulated on noise like the recorded, in the tests"),
    ("7", "compare by sound statistics", "columns × mapicx and against mapicx; section Accuracy;"
     " verdicts as defined above"),
    ("8", "the central measure that fits the question", "result tables: medians; first and"
     " repeated training apart; section Time by phase"),
    ("9", "document every factor and the setup", "sections What was run and where and Environment;"
     " run.json beside the rows"),
    ("10", "say how parallel timing is done", "Method, One trial; threads stand in every title;"
     " times of different machines are never pooled"),
    ("11", "bounds on what can be reached", "Accuracy: ceiling and floor; Memory by phase: computed"
     " floor; Controls and noise: a trial that does nothing"),
    ("12", "plot as much as is needed; lines only where values between make sense",
     "figures: every raw value; lines only along steps, sizes and seconds"),
)  # fmt: skip

LIMITS = (
    "CPU only, these machines, one contestant was written by the suite's authors.",
    "Small networks: most of a step is overhead, not arithmetic; a ratio from here does not carry"
    " over to large networks, accelerators or several machines.",
    "Seeds are not data sets: an interval over seeds is about this data distribution and recipe.",
    "The recipe is fixed, so the time to reach a given accuracy is not what is compared.",
    "Peak memory counts library pages that processes on the same machine may share.",
    "Verdicts are corrected within a family, not over all tables of a report: of twenty families"
    " without any difference one may show one.",
)

WORDS = (
    ("faster / slower", "less / more time than mapicx, beyond interval and 5 %"),
    ("smaller / larger", "less / more memory than mapicx"),
    ("higher / lower", "better / worse score than mapicx"),
    ("equivalent within x", "shown to differ by less than x"),
    ("undecided", "measured, but these rows show neither a difference nor equivalence"),
    ("not measured", "there are no rows"),
    ("different work", "another method, or another amount of training"),
)


CLAIMS_PREFACE = (
    "The author of Mapicx asked the question that this repository works on, wrote the first engine"
    " and said in numbers what it does, so that others can measure them again. Thank you: the"
    " design is the ground this stands on. Below is each of those sentences, in our words, in the"
    " ways in which it may be meant, measured on the article's own program and on this engine; then"
    " each sentence of this README that states a number."
)
CLAIMS_LEGEND = (
    "The verdict on a sentence of the article is about the article's program, mapicx 0.1.0, unless"
    " the reading names this engine; on a sentence of this README, about this engine. A number"
    " about neither, such as the size of TensorFlow, stands in the first column of figures.",
    "holds: the whole 95 % interval lies within what is said. does not hold: the whole of it lies"
    " outside. undecided: measured, but the interval reaches across the limit, or the rows are too"
    " few for one. not measured: no recorded run has the rows.",
    "(low–high): 95 % interval; [low–high]: lowest and highest value, for memory, which hardly"
    " varies, and where there are too few rows; without bounds: counted. Ratios and differences"
    " are paired in blocks, at one thread. A framework stands for its best variant in the quantity"
    " concerned, chosen from the same rows, which favours it; of several systems the one that the"
    " sentence fits least is shown. Other versions, machines and recipes give other figures: that a"
    " number did not reproduce here says nothing about what its author saw.",
)


def describe_method(data: RunData) -> list[Block]:
    """Explain how numbers are obtained, and where rules of careful benchmarking are followed."""
    margins = {
        "accuracy": format_margin(data.margins["accuracy"], METRICS["accuracy_test"]),
        "time": format_margin(data.margins["time"], METRICS["time_total_s"]),
    }
    items: list[Text] = [(Strong(f"{k}."), f" {v.format(**margins)}") for k, v in METHOD.items()]
    rules = make_table(("rule", "demands", "kept by"), [list(rule) for rule in RULES], words=(1, 2))
    checked = (
        "How often intervals of ratios and verdicts are right, on simulated noise: a core with two"
    )
    checked += " states a third apart that change every few seconds, drift, heavy tails."
    intro = "Hoefler and Belli's twelve rules (Scientific benchmarking of parallel computing"
    return [
        Items(tuple(items)),
        Paragraph(checked),
        _tabulate_simulation(),
        Paragraph(f"{intro} systems, SC 2015):"),
        rules,
    ]


def _tabulate_simulation() -> Table:
    """Tabulate coverage, false verdicts and power of the design, as simulated."""
    rows: list[list[Cell]] = []
    for design in DESIGNS:
        for blocks in SIMULATED_BLOCKS:
            found = simulate(design, blocks)
            shares = (found.covered, found.false, found.power)
            rows.append([design.name, str(blocks), *(f"{share:.1%}" for share in shares)])
    head = ("system and base", "blocks", "interval holds the true ratio",
            "equal systems called different", "a ratio of 1.15 found")  # fmt: skip
    return make_table(head, rows, words=(), name="simulated")


def describe_limits(data: RunData) -> list[Block]:
    """Say what the numbers do not show."""
    return [Items(LIMITS)]


def describe_words(data: RunData) -> list[Block]:
    """Explain every heading, from the schema, and the verdict words."""
    shown = [name for name in FIELDS if name in METRICS or FIELDS[name].better]
    shown = [name for name in shown if data.frame[name].notna().any()] or shown
    meanings = [(FIELDS[name].heading, FIELDS[name].meaning) for name in shown]
    return [Items(tuple(f"{word}: {meaning}" for word, meaning in [*meanings, *WORDS]))]
