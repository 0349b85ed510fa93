"""The workflows ask for little and pin what they use; their scripts do what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.benchmarks import synthetic

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
LOCKS = sorted((ROOT / ".ci" / "locks").glob("*.txt"))
MEASURING = (".ci/compare", "benchmarks.run", ".ci/measure")


def read(path):
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_pin_their_actions_and_ask_for_little(path):
    content = read(path)
    assert content["permissions"] == {} and "concurrency" in content
    for job in content["jobs"].values():
        assert job["permissions"] and "timeout-minutes" in job
        for step in job["steps"]:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step.get("uses", f"a@{'0' * 40}"))
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False
            # Values from outside come as variables, which no shell reads as code.
            assert "${{" not in step.get("run", "")
            if any(name in step.get("run", "") for name in MEASURING):  # then rows survive
                assert step["timeout-minutes"] < job["timeout-minutes"]


def test_only_jobs_that_run_nothing_of_a_pull_request_may_write():
    for path in WORKFLOWS:
        content = read(path)
        for job in content["jobs"].values():
            writes = {key for key, value in job["permissions"].items() if value == "write"}
            text = " ".join(step.get("run", "") for step in job["steps"])
            if "pull_request" in content.get("on", content.get(True)):
                assert not writes, path.name
            if writes & {"contents", "issues", "pull-requests"}:
                assert "python" not in text and "benchmarks" not in text
            if "pull-requests" in writes:
                assert not any("uses" in step for step in job["steps"])


def test_scripts_that_workflows_run_are_there():
    for path in WORKFLOWS + ACTIONS:
        for name in re.findall(r"\.ci/[\w.-]+", path.read_text()):
            script = ROOT / name
            runs = os.access(script, os.X_OK) or script.suffix == ".py" or name == ".ci/anchor"
            assert script.exists() and runs, name


def test_what_jobs_install_is_locked_but_for_the_newest_versions():
    unlocked = [
        (path.name, step.get("name"))
        for path in WORKFLOWS
        for job in read(path)["jobs"].values()
        for step in job["steps"]
        for line in step.get("run", "").splitlines()
        if "pip install" in line and "--no-deps" not in line
    ]
    assert unlocked == [("perf.yml", "Install the newest versions")]


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_a_lock_holds_the_pinned_versions_with_their_digests(path):
    pins = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    )
    entries = re.split(r"\n(?=\S)", path.read_text().strip())
    locked = dict(re.match(r"([\w.-]+)==([\w.+]+)", entry).groups() for entry in entries)
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry) for entry in entries)
    # Of wheels for other systems constraints.txt, which is made on one, says nothing.
    assert {name: pins.get(name, version) for name, version in locked.items()} == locked
    wanted = {"harness": "scipy", "bench": "torch", "site": "sphinx", "release": "build"}
    assert set(wanted) == {lock.stem for lock in LOCKS} and wanted[path.stem] in locked


def test_the_anchor_is_a_commit_of_this_history():
    git = ["git", "-C", str(ROOT), "rev-parse"]
    shallow = subprocess.run([*git, "--is-shallow-repository"], capture_output=True, text=True)
    if shallow.stdout.strip() != "false":
        pytest.skip("there is no git repository, or only a part of its history")
    anchor = (ROOT / ".ci" / "anchor").read_text().strip()
    known = subprocess.run([*git, "--verify", f"{anchor}^{{commit}}"], capture_output=True)
    assert known.returncode == 0


POSIX = pytest.mark.skipif(sys.platform == "win32", reason="the scripts are bash's")


def run(*arguments, path="", **variables):
    """Run a script of .ci with this interpreter as `python`."""
    places = [path, str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {**os.environ, "PATH": os.pathsep.join(p for p in places if p), **variables}
    return subprocess.run(
        [ROOT / ".ci" / arguments[0], *map(str, arguments[1:])], cwd=ROOT, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@POSIX
def test_a_regression_is_told_only_after_a_second_comparison(tmp_path):
    slower = dict(synthetic.SYSTEMS)
    slower["mapicx"] = ("network", 0.3, 0.1, 40, 0.865)
    runs = [
        synthetic.run_folder(tmp_path, synthetic.rows(6, systems, run_id=name))
        for name, systems in (("20260102T030405-a", None), ("20260103T030405-b", slower))
    ]
    done = run("compare", *runs, "1m", tmp_path / "perf")
    assert done.returncode == 3, done.stderr
    comment = (tmp_path / "perf" / "comment.md").read_text()
    assert comment.count("**slower:**") == 2 and "Once more" in comment
    assert (tmp_path / "perf" / "comparison.json").exists()
    same = run("compare", runs[0], runs[0], "1m", tmp_path / "same")
    assert same.returncode == 0, same.stderr
    assert "Once more" not in (tmp_path / "same" / "comment.md").read_text()


@POSIX
def test_figures_are_appended_to_a_branch_that_need_not_exist(tmp_path):
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", remote], check=True)
    for night in ("1", "2"):
        (tmp_path / "comparison.json").write_text(night)
        done = run("append-data", remote, "data", night, tmp_path / "comparison.json")
        assert done.returncode == 0, done.stderr
    listed = subprocess.run(
        ["git", "-C", remote, "ls-tree", "-r", "--name-only", "data"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert listed.stdout.split() == ["1/comparison.json", "2/comparison.json"]


@POSIX
@pytest.mark.parametrize("open_issue", ["", "7"])
def test_one_alarm_is_one_issue(tmp_path, open_issue):
    """A program in place of gh writes down how it was called."""
    gh = tmp_path / "bin" / "gh"
    gh.parent.mkdir()
    answer = f'if [ "$2" = list ]; then echo "{open_issue}"; fi'
    gh.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n{answer}\n')
    gh.chmod(0o755)
    (tmp_path / "comment.md").write_text("slower")
    done = run("open-issue", tmp_path / "comment.md", path=str(gh.parent))
    assert done.returncode == 0, done.stderr
    last = (tmp_path / "calls").read_text().splitlines()[-1]
    assert last.startswith("issue comment 7" if open_issue else "issue create --title")


@POSIX
def test_a_release_is_not_built_under_another_version_than_its_tag(tmp_path):
    done = run("release", "v0.0.1", tmp_path)
    assert done.returncode == 1 and "pyproject.toml says" in done.stderr


@POSIX
@pytest.mark.slow
def test_a_release_is_built_and_its_wheel_trains_a_network(tmp_path):
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert version
    done = run("release", f"v{version[1]}", tmp_path / "dist")
    assert done.returncode == 0, done.stdout + done.stderr
    sums = (tmp_path / "dist" / "SHA256SUMS").read_text()
    assert len(sums.splitlines()) == 2 and ".whl" in sums


@POSIX
@pytest.mark.slow
def test_the_site_is_built_with_playground_report_and_history(tmp_path):
    done = run("pages", tmp_path / "site")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("index.html", "playground/index.html", "report/index.html", "history"):
        assert (tmp_path / "site" / name).exists(), name
