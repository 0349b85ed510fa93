"""The documents as a site: what is generated is whole, and what is shown as an example works."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from baselines.contract import System
from benchmarks.plan.claims import read_claims
from benchmarks.plan.workload_file import read_file
from benchmarks.run import build_parser

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_artifact_page_has_every_claim_with_a_command_that_is_one(tmp_path):
    spec = importlib.util.spec_from_file_location("artifact_table", DOCS / "artifact_table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.write_table(tmp_path / "made" / "artifact.md")
    text = (tmp_path / "made" / "artifact.md").read_text()
    for claim in read_claims():
        assert text.count(f"| {claim.sentence} |") >= len(claim.readings)
    commands = set(re.findall(r"`python -m benchmarks\.run (.*?)`", text))
    assert commands and all(build_parser().parse_args(line.split()) for line in commands)
    minutes = re.findall(r"^\| `python.*` \| (\S+) \|$", text, re.M)
    assert len(minutes) == len(commands) and all(minute.isdigit() for minute in minutes)


def test_the_workloads_shown_are_valid(tmp_path):
    (example,) = re.findall(r"```toml\n(.*?)```", (DOCS / "own-workload.md").read_text(), re.S)
    (tmp_path / "mine.toml").write_text(example)
    assert set(read_file(tmp_path / "mine.toml")[0]) == {"my-moons", "my-widths"}


def test_the_page_on_systems_explains_every_part_of_the_contract():
    text = (DOCS / "add-a-system.md").read_text()
    methods = [name for name, value in vars(System).items() if callable(value) and name[0] != "_"]
    assert len(methods) == 8
    for name in [
        *methods,
        "supports",
        "family",
        "requires",
        "own_order",
        "steps",
        "samples_seen",
        "losses",
    ]:
        assert re.search(rf"`{name}\b", text), name


@pytest.mark.parametrize("page", ["docs/start.md", "skills/mapicx/SKILL.md"])
def test_the_program_that_a_page_shows_runs(page, tmp_path):
    text = (DOCS.parent / page).read_text()
    program = re.findall(r"```python\n(.*?)```", text, re.S)[0]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True,
        env={"PYTHONPATH": str(DOCS.parent), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_leaves_the_playground_alone(tmp_path):
    before = {path: path.read_bytes() for path in (DOCS / "playground").iterdir() if path.is_file()}
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", DOCS, tmp_path],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for page in DOCS.glob("*.md"):
        assert (tmp_path / f"{page.stem}.html").exists() or page.name == "package.md"
    assert "xp.matmul(self.inputs.T, dvalues" in re.sub(
        r"<.*?>", "", (tmp_path / "engine.html").read_text()
    )
    assert before == {path: path.read_bytes() for path in before}
