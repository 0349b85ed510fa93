"""Systems of installed packages: the example is one, and what a class gets wrong is said."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

import benchmarks

WRONG = {  # entry point -> (its class, status, words of the reason)
    "misspelt": ('family = "clasical"', "crashed", "family is 'clasical'; write one of network"),
    "nothing": ("requires = ()", "crashed", "handed no data; name what load() imports"),
    "text": ('requires = "numpy"', "crashed", "write a tuple of distributions"),
    "version": ('requires = ("numpy>=2",)', "crashed", "write the distribution's name alone"),
    "absent": ('requires = ("no-such-distribution",)', "unavailable", "requires no-such-distrib"),
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory, root):
    """The example and a package of faulty classes, installed into a folder of their own."""
    pytest.importorskip("sklearn")
    base = tmp_path_factory.mktemp("plug-ins")
    target = base / "target"
    source = shutil.copytree(root / "examples" / "my_system", base / "my_system")
    install = ["install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target"]
    subprocess.run([sys.executable, "-m", "pip", *install, target, source], check=True)
    code = ["from my_system import NaiveBayes"]
    points = ["[mapicx.baselines]"]
    for name, (line, _, _) in WRONG.items():
        code.append(f"class {name.title()}(NaiveBayes):\n    name = {name!r}\n    {line}")
        points.append(f"{name} = faulty_classes:{name.title()}")
    (target / "faulty_classes.py").write_text("\n\n".join(code))
    metadata = target / "faulty_classes-2.5.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty-classes\nVersion: 2.5")
    (metadata / "entry_points.txt").write_text("\n".join(points))
    return target


def test_the_example_is_listed_passes_conform_and_stands_in_a_report(installed, command, tmp_path):
    listed = command("benchmarks.run", "--list", PYTHONPATH=str(installed))
    assert "naive-bayes" in listed.stdout
    done = command("benchmarks.conform", "naive-bayes", PYTHONPATH=str(installed))
    assert done.returncode == 0, done.stdout
    done = command(
        "benchmarks.run", "--systems", "mapicx,naive-bayes", "--preset", "smoke", "--seeds", 1,
        "--results", tmp_path / "results", "--reports", tmp_path / "reports",
        PYTHONPATH=str(installed),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (report,) = (tmp_path / "reports").glob("*/report.md")
    assert "naive-bayes" in report.read_text()
    rows = benchmarks.load(tmp_path / "results")
    (version,) = set(rows.loc[rows["system"] == "naive-bayes", "system_version"])
    assert version.startswith("scikit-learn ") and version.endswith(", my-system 0.1")


def test_a_class_that_breaks_the_contract_has_a_row_that_says_what_to_write(
    installed, command, tmp_path
):
    """None of them vanishes, and none is measured as if all were well."""
    done = command(
        "benchmarks.run", "--systems", ",".join(["mapicx", *WRONG]), "--measures", "accuracy",
        "--preset", "smoke", "--seeds", 1, "--results", tmp_path / "results",
        "--reports", tmp_path / "reports", PYTHONPATH=str(installed),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    rows = benchmarks.load(tmp_path / "results").set_index("system")
    (report,) = (tmp_path / "reports").glob("*/report.md")
    for name, (_, status, words) in WRONG.items():
        assert rows.loc[name, "status"] == status
        assert words in rows.loc[name, "reason"]
        assert name in report.read_text()
    (run,) = (tmp_path / "results").glob("*/run.json")
    assert json.loads(run.read_text())["versions"]["faulty-classes"] == "2.5"
