"""Promises of the repository as a whole: the wheel, the documents, the workflows, the pins."""

from __future__ import annotations

import ast
import itertools
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = {".md", ".py", ".toml", ".yml", ".cff", ".txt", ".json", ".jsonl", ".csv", ".ipynb"}


def tracked() -> list[Path]:
    """Every file that git knows; all files where there is no git."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = done.stdout.decode().split("\0") if done.returncode == 0 else []
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of the sdist and of the wheel made from it, built from a copy of the sources."""
    import shutil

    source = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "mapicx", source / "mapicx", ignore=shutil.ignore_patterns("__pyc*"))
    (source / "docs").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "docs/package.md"):
        shutil.copy(ROOT / name, source / name)
    folder = tmp_path_factory.mktemp("built")
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", folder, source],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    """The wheel alone."""
    (found,) = built.glob("*.whl")
    return found


def test_what_is_published_passes_the_checks_of_its_trade_and_says_what_it_holds(built, wheel):
    (sdist,) = built.glob("*.tar.gz")
    for command in (["twine", "check", "--strict", sdist, wheel], ["check_wheel_contents", wheel]):
        done = subprocess.run(
            [sys.executable, "-m", *command], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        (found,) = (name for name in archive.getnames() if name.count("/") == 1
                    and name.endswith("PKG-INFO"))  # fmt: skip
        text = archive.extractfile(found).read().decode()
    assert not any(name.startswith(("tests", "benchmarks", "results")) for name in names)
    assert "Design and name are those of" in text


def test_citation_metadata_agree_with_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = (ROOT / "CITATION.cff").read_text()
    deposit = json.loads((ROOT / ".zenodo.json").read_text())
    authors = {author["name"] for author in project["authors"]}
    assert (
        f"version: {project['version']}" in citation
        and f"license: {project['license']}" in citation
    )
    assert {creator["name"] for creator in deposit["creators"]} == authors
    assert all(f'- name: "{name}"' in citation for name in authors)
    assert deposit["title"] in citation and deposit["version"] == project["version"]
    assert deposit["license"] == project["license"].lower()


def test_the_wheel_holds_mapicx_alone_and_needs_numpy_alone(wheel):
    assert wheel.stat().st_size <= 48 * 1024
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (name for name in names if name.endswith("METADATA"))
        required = re.findall(r"^Requires-Dist: (.*)$", archive.read(metadata).decode(), re.M)
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"mapicx"}
    assert [name for name in required if "extra ==" not in name] == ["numpy>=2.0"]


PROGRAM = """
import sys
before = set(sys.modules)
import mapicx
loaded = {name.split(".")[0] for name in set(sys.modules) - before}
foreign = loaded - sys.stdlib_module_names - {"mapicx", "numpy"}
assert not foreign, foreign
from mapicx import (
    SGD, CategoricalCrossentropy, Dense, Dropout, Mapicx, NeuralNetwork, ReLU, Softmax)
from mapicx.datasets import spiral_data
X, y = spiral_data(samples=20, classes=3, seed=0)
net = NeuralNetwork(
    layers=[Dense(2, 64), ReLU(), Dropout(0.2), Dense(64, 3), Softmax()],
    loss_activation=CategoricalCrossentropy(),
    optimizer=SGD(lr=1.0, decay=1e-3, momentum=0.9), seed=0)
net.train(X, y, epochs=5)
assert net.forward(X).shape == (60, 3)
model = Mapicx(seed=0)
model.add(2, 128, layer='Dense', activation='Relu')
model.add(0, 0, layer='Dropout', rate=0.1)
model.add(128, 3, layer='Dense', activation='Softmax')
model.compile(optimizer=SGD(lr=0.1))
history = model.fit(X, y, epochs=10, print_every=5)
model.predict(X); model.predict_classes(X); model.evaluate(X, y); model.score(X, y)
model.summary()
model.save("spiral.npz")
assert (mapicx.load("spiral.npz").predict(X) == model.predict(X)).all()
print("all is well")
"""


def test_the_wheel_runs_where_there_is_numpy_alone(wheel, tmp_path):
    place = tmp_path / "environment"
    venv.create(place, with_pip=True)
    python = place / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel],
        check=True,
        capture_output=True,
    )
    done = subprocess.run(
        [python, "-I", "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "all is well" in done.stdout, done.stderr


def test_arrows_between_the_buildings_point_downward():
    allowed = {"mapicx": {"mapicx"}, "baselines": {"mapicx", "baselines"}}
    for package, known in allowed.items():
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    names = [node.module or ""]
                roots = {name.split(".")[0] for name in names}
                assert not roots & ({"mapicx", "baselines", "benchmarks"} - known), path


def test_nothing_tells_a_user_to_install_the_articles_package():
    wrong = re.compile(r"pip3? install (?!-)(?:['\"])?mapicx\b", re.I)
    for path in tracked():
        if path.suffix in TEXT and path != Path(__file__).resolve():
            assert not wrong.search(path.read_text(encoding="utf-8")), path


def test_the_documents_name_no_folder_of_one_machine():
    private = re.compile(r"(?<![\w.])/(?:work|root|home/(?!some))/\w")
    for path in tracked():
        if path.suffix in TEXT and "tests" not in path.relative_to(ROOT).parts:
            found = private.search(path.read_text(encoding="utf-8"))
            assert not found, f"{path}: {found and found[0]}"


def test_readme_fits_a_strangers_two_minutes():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    for command in (
        'python -m pip install -c constraints.txt -e ".[bench]" && python -m benchmarks.run',
        'python -m pip install -c constraints.txt -e ".[test]" && python -m pytest -n auto',
    ):
        assert command in text


def test_no_table_of_the_readme_is_stale():
    from benchmarks.render.readme import find_stale_parts

    assert find_stale_parts(ROOT / "README.md", ROOT / "results") == []


def test_an_edited_cell_of_the_readme_is_found(tmp_path):
    from benchmarks.render.readme import find_stale_parts

    text = (ROOT / "README.md").read_text()
    (row,) = re.findall(r"^\| numpy-plain \|.*$", text, re.M)
    for wrong in (row[:-3] + "9 |", ""):
        (tmp_path / "README.md").write_text(text.replace(row, wrong))
        assert find_stale_parts(tmp_path / "README.md", ROOT / "results")


def test_the_readmes_example_runs_as_written(tmp_path):
    text = (ROOT / "README.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.S)
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_is_installed_from_a_clone_works_in_the_folder_that_holds_the_clone(tmp_path):
    (tmp_path / "mapicx").symlink_to(ROOT, target_is_directory=True)  # a folder of that name
    code = "from mapicx import Adam; import baselines, benchmarks; print(benchmarks.__file__)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(ROOT)


def test_every_requirement_is_pinned_in_constraints():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, groups = settings["project"], settings["dependency-groups"]
    extras = project["optional-dependencies"].values()
    assert set().union(*groups.values()) <= set(project["optional-dependencies"]["test"]) | {
        "numpy"
    }
    asked = [*project["dependencies"], *itertools.chain.from_iterable(extras)]
    names = {re.split(r"[\[<>=; ]", line)[0].lower() for line in asked} - {"mapicx"}
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {line.split("==")[0].lower() for line in pins if "==" in line}
    assert names <= pinned, names - pinned
    assert "torch==2.13.0" in pins


# Each imports nothing of those that stand after it in its line.
BUILDINGS = [
    ("mapicx", "baselines", "benchmarks"),
    ("benchmarks/plan", "benchmarks/measure"),
    ("benchmarks/plan", "benchmarks/analyse", "benchmarks/render"),
    ("benchmarks/record", "benchmarks/analyse", "benchmarks/render"),
    ("benchmarks/measure", "benchmarks/analyse", "benchmarks/render"),
]


@pytest.mark.parametrize("line", BUILDINGS, ids="<".join)
def test_arrows_point_downward_only(line):
    for place, folder in enumerate(line):
        above = tuple(name.replace("/", ".") for name in line[place + 1 :])
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    names = [f"{node.module}.{alias.name}" for alias in node.names]
                upward = [n for n in names if any(f"{n}.".startswith(f"{a}.") for a in above)]
                assert not upward, f"{path.relative_to(ROOT)} imports {upward}"


def test_every_file_that_contributing_names_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    names = re.findall(r"`([\w./*]+\.(?:py|toml))`", text)
    assert len(names) > 30
    for name in names:
        places = [ROOT, ROOT / "benchmarks", ROOT / "tests/benchmarks"]
        places += (ROOT / "benchmarks").glob("*/")
        assert any(list(place.glob(name)) for place in places), name


def test_the_hooks_of_a_commit_are_checks_of_ci():
    hooks = re.findall(r"entry: (\S+)", (ROOT / ".pre-commit-config.yaml").read_text())
    assert set(hooks) == {"ruff", "mypy", "check-jsonschema", "zizmor"}
    assert all(f"\n{hook} " in (ROOT / ".ci/run").read_text() for hook in hooks)
