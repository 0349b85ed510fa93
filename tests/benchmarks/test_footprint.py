"""What an installation weighs is what lies on the disk, with all that it requires."""

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from benchmarks.analyse.run_data import read_run_data
from benchmarks.measure import footprint
from benchmarks.measure.dependencies import find_dependencies, find_distribution
from benchmarks.measure.footprint import Installations
from benchmarks.render.footprint import make_section
from benchmarks.render.markdown import write_blocks, write_table
from tests.benchmarks.synthetic import rows, run_folder


def distribution(site: Path, name: str, requires=(), files=(("module.py", "x = 1\n"),)):
    """An installed distribution: its files, its metadata and its list of files."""
    folder = name.replace("-", "_")
    info = site / f"{folder}-1.0.dist-info"
    info.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0"]
    lines += [f"Requires-Dist: {text}" for text in requires]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    listed = []
    for file, text in files:
        path = site / folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        listed.append(f"{folder}/{file},,")
    (info / "RECORD").write_text("\n".join([*listed, f"{info.name}/METADATA,,"]) + "\n")
    return info


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return tmp_path


def names(*texts):
    found, absent = find_dependencies(texts)
    return sorted(found), absent


def test_dependencies_follow_requirements_extras_and_markers(site):
    distribution(site, "top", ["left>=1", "Right_One", "never; python_version < '3'"])
    distribution(site, "left", ["speed; extra == 'fast'", "missing-one"])
    distribution(site, "right-one", ["left[fast]", "top"])  # a ring, and an extra met later
    distribution(site, "speed")
    distribution(site, "never")
    assert names("top") == (["left", "right-one", "speed", "top"], ["missing-one"])
    assert names("left") == (["left"], ["missing-one"])
    assert names("left[fast]") == (["left", "speed"], ["missing-one"])


def test_bytes_are_those_on_the_disk_and_caches_come_on_top(site):
    big = [("a.py", "x = 1\n" * 50), ("lib.so", "\0" * 1000), ("gone.py", "y = 2\n")]
    info = distribution(site, "top", files=big)
    (site / "top" / "gone.py").unlink()  # listed, but removed since
    plain = 300 + 1000 + (info / "METADATA").stat().st_size
    assert footprint.installed_size(metadata.distribution("top")) == (plain, plain)
    caches = site / "top" / "__pycache__"
    caches.mkdir()
    (caches / "a.cpython-311.pyc").write_bytes(b"c" * 77)
    (caches / "other.cpython-311.pyc").write_bytes(b"c" * 5000)  # of no listed module
    assert footprint.installed_size(metadata.distribution("top")) == (plain, plain + 77)
    # Installers that compile also list the caches: they still count once, as caches.
    record = info / "RECORD"
    record.write_text(record.read_text() + "top/__pycache__/a.cpython-311.pyc,,\n")
    assert footprint.installed_size(metadata.distribution("top")) == (plain, plain + 77)


def test_what_is_not_installed_or_not_listed_has_no_weight(site):
    distribution(site, "half", ["missing"])
    found = Installations({}).describe(["half"])
    assert found["installed_bytes"] and found["absent"] == ["missing"]
    found = Installations({}).describe(["half", "missing"])
    assert found["installed_bytes"] is None and found["installed_distributions"] is None
    (distribution(site, "unlisted") / "RECORD").unlink()
    assert Installations({}).describe(["unlisted"])["installed_bytes"] is None


def test_a_distribution_apart_is_never_mistaken_for_the_installed_one(site):
    distribution(site, "mapicx")
    assert Installations({"mapicx": None}).describe(["mapicx"])["absent"] == ["mapicx"]
    distribution(site, "tensorflow-cpu")
    assert find_distribution(Requirement("tensorflow")).name == "tensorflow-cpu"


def test_a_wheel_that_cannot_be_built_is_named_without_folders(tmp_path, monkeypatch):
    def fail(folder):
        raise OSError(f"cannot open {Path.home()}/secret/pyproject.toml\nfor reading")

    monkeypatch.setattr(footprint, "build_wheel", fail)
    monkeypatch.setattr(footprint.original, "wheel", lambda: None)
    unpacked, (warning,) = footprint._unpack_wheels(tmp_path)
    assert unpacked["mapicx"] is None
    assert warning.endswith("OSError: cannot open pyproject.toml for reading")


@pytest.fixture(scope="module")
def weighed():
    return footprint.measure_footprint(
        {"mapicx": ["mapicx", "numpy"], "plain": ["numpy"], "idle": []}, 300
    )


def test_mapicx_weighs_what_its_wheel_holds(weighed, root):
    found, warnings = weighed
    assert warnings == [] and sorted(found) == ["mapicx", "plain"]
    assert sorted(found["mapicx"]["distributions"]) == ["mapicx", "numpy"]
    sources = sum(path.stat().st_size for path in (root / "mapicx").rglob("*.py"))
    own = found["mapicx"]["distributions"]["mapicx"]
    assert sources < own < sources + 40_000, "the modules and some metadata, nothing else"
    difference = found["mapicx"]["installed_bytes_without_caches"]
    assert difference - found["plain"]["installed_bytes_without_caches"] == own
    assert found["mapicx"]["installed_bytes"] > difference + sources / 2, "compiled too"
    assert found["mapicx"]["code_lines_core"] < found["mapicx"]["code_lines_package"]


def test_numpy_weighs_what_its_files_weigh(weighed):
    paths = [Path(str(file.locate())) for file in metadata.files("numpy")]
    plain = sum(p.stat().st_size for p in paths if "__pycache__" not in p.parts and p.exists())
    assert weighed[0]["plain"]["distributions"]["numpy"] == plain


LOADED = """
import sys
from benchmarks.measure.worker import count_loaded
before = frozenset(sys.modules)
import benchmarks.measure.exit_status, colorsys
own = ("benchmarks", "colorsys")
first = count_loaded(before | {n for n in sys.modules if not n.startswith(own)})
shared = count_loaded(before)["shared_objects"]
import numpy
print(first["modules_imported"], shared, count_loaded(before)["shared_objects"])
"""


def test_modules_and_shared_objects_are_counted_without_the_harness(root):
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=root, capture_output=True, text=True, check=True
    )
    modules, before, after = done.stdout.split()
    assert modules == "1", "colorsys, and none of the harness's own"
    if sys.platform == "linux":
        assert 0 < int(before) < int(after)
    else:
        assert before == after == "None"


def test_a_run_of_memory_records_and_reports_it(command, tmp_path):
    done = command(
        "benchmarks.run", "--systems", "mapicx,numpy-plain", "--preset", "smoke", "--measures",
        "memory", "--results", tmp_path / "results", "--reports", tmp_path / "reports",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "results").iterdir()
    recorded = json.loads((run / "run.json").read_text())
    assert sorted(recorded["footprint"]) == ["mapicx", "numpy-plain"] and not recorded["warnings"]
    counts = {}
    for line in (run / "trials.jsonl").read_text().splitlines():
        row = json.loads(line)
        counts[row["system"]] = row["modules_imported"]
        assert (row["shared_objects"] is None) == (sys.platform != "linux")
    assert counts["noop"] < counts["numpy-plain"] < counts["mapicx"]
    assert lines_of(read_run_data(run))[0].split(" | ")[-1] == "1 |"


def lines_of(data):
    """The rows of the report's table."""
    return write_table(make_section(data).blocks[0])[2:]


def entry(size, count, absent=()):
    known = size is not None
    return {
        "installed_bytes_without_caches": size,
        "installed_bytes": size + 2**20 if known else None,
        "installed_distributions": count,
        "distributions": {},
        "absent": list(absent),
    }


def test_the_section_is_a_table_beside_mapicx(tmp_path):
    sizes = {
        "torch-eager": entry(500 * 2**20, 10) | {"distributions": {"torch": 1, "t-x": 1}},
        "mapicx": entry(50 * 2**20, 2),
        "keras-fit": entry(None, None, ["keras"]),
        "noop": entry(7, 1),
    }
    made = rows(2)
    for row in made:
        if row["measure"] == "memory":
            row |= {"modules_imported": 1234 + row["block"], "shared_objects": 40}
            row["distributions"] = ["torch", "T_x", "S_y"] if row["system"] == "torch-eager" else []
    run = run_folder(tmp_path / "r", made, footprint=sizes)
    data = read_run_data(run)
    table = lines_of(data)
    assert table[0] == "| mapicx | 50.0 | 51.0 | 2 | 1,234 \\[1,234–1,235\\] | 40 | 1 |"
    assert table[1] == "| torch-eager | 500 | 501 | 10 | 1,234 \\[1,234–1,235\\] | 40 | 10.0 |"
    assert not any(line.startswith("| noop") for line in table)
    text = "\n".join(write_blocks(make_section(data).blocks))
    assert "- keras-fit: not installed: keras." in text
    assert "- torch-eager: loaded because it is installed here, though not required: s-y." in text


def test_a_run_without_footprint_has_no_such_section(tmp_path):
    assert make_section(read_run_data(run_folder(tmp_path / "r", rows(1)))) is None
