"""The fixed text of a report: method and limits. Statistical terms stand here only."""

from __future__ import annotations

METHOD = """\
- **One trial, one fresh process.** A trial is one system on one workload with one seed. Time and
  memory never come from the same process. Systems run in blocks: every system once, in shuffled
  order; the seed is the block's, so every comparison is paired.
- **Time.** Wall time of the whole process from exec to exit (total), its phases, and the same
  training repeated in the same process (warm). Median with the exact order-statistic 95 %
  interval, which exists from six blocks on. Ratios are exp(median of the logs of paired ratios),
  with the exact interval of that median. Over workloads: geometric mean of paired ratios, with a
  bootstrap over blocks.
- **Its own installation.** A built-in system sees the distributions that it requires, directly or
  not, and no others: frameworks import what they find, and would be measured with each other.
- **Memory.** The kernel's high-water mark of the resident set, reset at each phase, as median and
  range. Where a machine has no such mark, the method stands with what was run.
- **Accuracy.** On an independent, large draw per seed. Mean with the BCa bootstrap interval over
  seeds. Systems are compared with mapicx over paired seeds: equivalence by two one-sided tests
  (TOST) with a margin of {accuracy}, difference by sign flips, or by Student's paired t
  where the seeds are too few for sign flips to reach 5 %; both corrected after Holm over the
  systems compared. All pairs of networks are one more family. Splits of one fixed table overlap,
  so there intervals and both tests are Student's with the variance corrected after Nadeau and
  Bengio (2003).
- **Break-even.** Start (total less training at warm speed) and step are subtracted within each
  block; (later start) / (time saved per step) is the median over blocks with the exact interval.
- **Crossover.** At each size the framework's best variant there; log ratios of step times, mean
  over blocks, interpolated linearly in the log of the size; interval: percentile bootstrap over
  whole blocks, widened as Student's t is (Hesterberg 2015), from six blocks on.
- **Verdicts.** *equivalent within x*: the interval lies within x (scores: both one-sided tests).
  *faster*, *slower*, *smaller*, *larger*: the interval of the ratio excludes 1 and the ratio is
  beyond the A/A noise, which is what mapicx run twice per block seems to differ from itself.
  *higher*, *lower*: the corrected paired test. *undecided*: anything else, and every time ratio
  from fewer than six blocks. Verdicts on ratios are each at 95 %, not corrected for their number.
- **Same work.** Network systems start from the same weights, see the same rows in the same order,
  and prove in float64 that they compute the same losses and weights. Ratios with a system that
  fails are not printed; those with a system that was not checked are marked. Step times are only
  divided where parameters, steps, samples seen and dtype are equal. Other families do different
  work, and the tables say so.
- **Headlines** use each framework's best variant for the quantity in question, chosen from these
  rows, which favours the framework. The beginner's variant stands beside it under that name.
- **Digits.** No number has more digits than its bounds support. Nothing is removed as an outlier.
"""

# Hoefler and Belli, "Scientific benchmarking of parallel computing systems", SC 2015.
RULES = (
    ("1", "a speedup names its base case and gives its absolute value",
     "result tables: the base is mapicx; absolute values stand beside every ratio"),
    ("2", "a reason for every subset", "section Skipped, failed and not run; nothing else is left"
     " out, except from figures, whose captions say so"),
    ("3", "arithmetic means for costs only, harmonic ones for rates",
     "result tables: medians of costs; no rate is averaged"),
    ("4", "no averages of ratios", "result tables: medians of paired ratios; over workloads the"
     " geometric mean, and only of paired ratios"),
    ("5", "say whether values are deterministic; intervals if not",
     "result tables: brackets in every cell that varies; footnote says which"),
    ("6", "no normality without a check", "Method, Time and Accuracy: order statistics and"
     " bootstrap; Student's t only where it is named"),
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
     "figures: every system with its bounds; lines only along steps, sizes and seconds"),
)  # fmt: skip

LIMITS = (
    "CPU only, these machines, one contestant was written by the suite's authors.",
    "Small networks: most of a step is overhead, not arithmetic; a ratio from here does not carry"
    " over to large networks, accelerators or several machines.",
    "Seeds are not data sets: an interval over seeds is about this data distribution and recipe.",
    "The recipe is fixed, so the time to reach a given accuracy is not what is compared.",
    "Peak memory counts library pages that processes on the same machine may share.",
    "Verdicts on ratios are not corrected for their number: of twenty true draws one may be called"
    " a difference.",
)

VERDICT_WORDS = (
    ("faster / slower", "less / more time than mapicx, beyond interval and A/A noise"),
    ("smaller / larger", "less / more memory than mapicx"),
    ("higher / lower", "better / worse score than mapicx"),
    ("equivalent within x", "shown to differ by less than x"),
    ("undecided", "these rows show neither a difference nor equivalence"),
    ("different work", "another method, or another amount of training"),
)
