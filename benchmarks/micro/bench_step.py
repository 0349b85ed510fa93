"""A hundred training steps, and the prediction of one row and of all test rows.

    python -m pytest benchmarks/micro --system mapicx --benchmark-save=mapicx
    python -m pytest benchmarks/micro --system torch-eager --benchmark-compare

pytest-benchmark's own options save and compare. A look, not a verdict: verdicts come from
`python -m benchmarks.run`, which interleaves fresh processes.
"""

from __future__ import annotations


def test_hundred_training_steps(benchmark, trained):
    """A step is a hundredth of this."""
    system, _, weights = trained
    benchmark.pedantic(
        system.train, setup=lambda: system.reset(weights), rounds=20, iterations=1, warmup_rounds=1
    )
    benchmark.extra_info["steps"] = system.steps


def test_predict_one_row(benchmark, trained):
    """What serving one request costs."""
    system, drawn, _ = trained
    benchmark(system.predict, drawn.X_test[:1])


def test_predict_test_rows(benchmark, trained):
    """All test rows at once."""
    system, drawn, _ = trained
    benchmark(system.predict, drawn.X_test)
