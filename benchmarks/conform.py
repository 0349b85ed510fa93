"""python -m benchmarks.conform NAME: does a system keep the contract, and if not, what to change?

Exit codes: 0 every check passed; 1 one failed; 2 wrong usage.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import baselines
from benchmarks.errors import check_known
from benchmarks.measure.conformance import PROMISES, Finding, examine_system
from benchmarks.measure.conformance_data import RECIPES
from benchmarks.measure.signals import handle_signals
from benchmarks.measure.workspace import Workspace
from benchmarks.options import make_parser, read_names, read_positive, split_names
from benchmarks.streams import report_errors, run_command, say

EXAMPLE = """examples:
  python -m benchmarks.conform torch-eager
  python -m benchmarks.conform my-system                 from an installed package
  python -m benchmarks.conform my-system --recipes mse   the mathematics of one recipe alone

recipes of the parity check: """


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    what = "Check whether a system, built in or of an installed package, keeps the contract of"
    what += " baselines/contract.py."
    result = make_parser("conform", what, EXAMPLE + ", ".join(RECIPES))
    result.add_argument("name", metavar="NAME", help="a system, as benchmarks.run --list has it")
    result.add_argument("--recipes", type=read_names, metavar="a,b", help="of parity (all)")
    result.add_argument(
        "--timeout", type=read_positive, default=300.0, help="seconds for a group of checks (300)"
    )
    return result


@report_errors()
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = build_parser().parse_args(argv)
    recipes = split_names(options.recipes) or list(RECIPES)
    check_known("system", [options.name], baselines.names())
    check_known("recipe", recipes, RECIPES)
    findings = []
    with Workspace():
        for finding in examine_system(options.name, timeout=options.timeout, recipes=recipes):
            findings.append(finding)
            say(format_finding(finding))
    failed = [finding.check for finding in findings if finding.faults]
    if failed:
        print(f"{options.name} does not keep the contract: {', '.join(failed)} failed.")
        if findings[-1].check != "trial":
            made = {finding.check for finding in findings}
            names = ", ".join(check for check in PROMISES if check not in made)
            print(f"Not checked until that is fixed: {names}.")
        return 1
    print(f"{options.name} keeps the contract.")
    return 0


def format_finding(finding: Finding) -> str:
    """Format one line for a check, and one for each of its faults."""
    if finding.skipped:
        return f"skipped  {finding.check}: {finding.skipped}"
    if not finding.faults:
        return f"ok       {finding.check}: {PROMISES[finding.check]}"
    lines = [f"FAILED   {finding.check}: {PROMISES[finding.check]}"]
    return "\n".join([*lines, *(f"         - {text}." for text in finding.faults)])


if __name__ == "__main__":
    handle_signals()
    run_command(main)
