"""Files and messages of any content end in a sentence or a row: never in a traceback."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import benchmarks
from benchmarks.errors import UsageError
from benchmarks.measure.exit_status import judge_exit
from benchmarks.measure.process import ProcessEnd
from benchmarks.plan.table import prepare
from benchmarks.record.rows import find_damage
from benchmarks.record.run_json import KEYS, validate_run
from benchmarks.record.schema import FIELDS, find_fault

FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
MESSAGES = st.dictionaries(
    st.sampled_from([*FIELDS, "ended_at", "excluded_s", "modules", "measured_until"]), VALUES
)


def line(values: dict) -> bytes:
    return json.dumps(values).encode() + b"\n"


@FUZZ
@given(st.binary(max_size=200) | MESSAGES.map(lambda m: line({"status": "ok", "ended_at": 1, **m})))
def test_a_message_gives_a_row_that_can_be_recorded(message):
    end = ProcessEnd(message, "", 0, "", 0.0, 2.0)
    row = judge_exit(end, 120.0, None, ())
    row.pop("measured_until", None)
    assert find_fault(row) is None


@settings(FUZZ, max_examples=40)
@given(st.lists(st.binary(max_size=50) | MESSAGES.map(line), max_size=5))
def test_rows_of_any_content_are_loaded(tmp_path, lines):
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "trials.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    assert list(benchmarks.load(tmp_path).columns) == list(FIELDS)
    find_damage(tmp_path)


@FUZZ
@given(st.dictionaries(st.sampled_from(list(KEYS)), VALUES))
def test_a_run_json_of_any_content_is_valid_or_refused(values):
    try:
        validate_run({key: kind() for key, kind in KEYS.items()} | values)
    except ValueError as error:
        assert "cannot be used" in str(error)


def npz() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, x=np.arange(40.0), t=np.arange(40) % 2)
    return file.getvalue()


@FUZZ
@given(st.integers(0, len(npz()) - 1), st.binary(min_size=1, max_size=4), st.sampled_from("nc"))
def test_a_damaged_table_is_read_or_refused(tmp_path, place, patch, kind):
    content = npz() if kind == "n" else b"x,t\n" + b"1.5,a\n2.5,b\n" * 20
    place %= len(content)
    path = tmp_path / ("a.npz" if kind == "n" else "a.csv")
    path.write_bytes(content[:place] + patch + content[place + len(patch) :])
    try:
        prepare(str(path), "t")
    except UsageError as error:
        assert str(error)


@pytest.mark.parametrize("header", ["(10**9,)", "(3, 10**9)", "(5,)"])
def test_an_array_that_is_shorter_than_its_header_says_is_refused_at_once(tmp_path, header):
    text = f"{{'descr': '<U0', 'fortran_order': False, 'shape': {header}, }}".ljust(117) + "\n"
    text = text if header == "(5,)" else text.replace("<U0", "<f8").replace("10**9", "1000000000")
    text = text.strip().ljust(117) + "\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00\x76\x00" + text.encode())
    with pytest.raises(UsageError, match="plain arrays"):
        prepare(str(tmp_path / "a.npz"), "t")


@pytest.mark.parametrize("name", ["a" * 5000 + ".csv", "a\0b.csv", "loop.csv"])
def test_a_path_that_leads_nowhere_is_refused(tmp_path, name):
    Path(tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    with pytest.raises(UsageError):
        prepare(str(tmp_path / name), "t")
