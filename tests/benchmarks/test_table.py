"""--data: a user's table is checked before anything is trained, and nothing in it is executed."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import json
import os
import sys

import numpy as np
import pandas as pd
import pytest

from baselines.contract import Workload
from benchmarks.errors import UsageError
from benchmarks.measure import data, parity
from benchmarks.plan import table, table_columns, table_file

ROWS = 60


def frame(**changed) -> pd.DataFrame:
    """A small table that is right, with some columns replaced (None: left out)."""
    rng = np.random.default_rng(0)
    whole = {
        "length": rng.normal(5, 2, ROWS),
        "count": rng.integers(0, 1000, ROWS),
        "kind": rng.choice(["a", "b", "c"], ROWS),
        "class": np.tile(["no", "yes", "maybe"], ROWS // 3),
    }
    whole |= changed
    return pd.DataFrame({name: values for name, values in whole.items() if values is not None})


def prepared(tmp_path, whole=None, target="class", task=None, **options) -> table.Table:
    path = tmp_path / "mine.csv"
    (frame() if whole is None else whole).to_csv(path, index=False)
    return table.prepare(str(path), target, task, **options)


def with_hole(values, filler):
    values = list(values)
    values[7] = filler
    return values


GOOD = frame()
# What is wrong -> (the table, target, words of the sentence).
BAD_TABLES = {
    "an unknown column": (GOOD, "clas", ["'clas'", "'class'"]),
    "no target named": (GOOD, None, ["--target", "'length'"]),
    "a missing target": (
        frame(**{"class": with_hole(GOOD["class"], None)}), "class",
        ["'class'", "1 missing", "row 8"],
    ),
    "a missing feature": (
        frame(length=with_hole(GOOD["length"], np.nan)), "class", ["'length'", "missing", "row 8"],
    ),
    "an infinite feature": (
        frame(length=with_hole(GOOD["length"], np.inf)), "class", ["'length'", "infinite", "row 8"],
    ),
    "a feature beyond squaring": (
        frame(length=with_hole(GOOD["length"], 1e200)), "class", ["'length'", "1e+100"],
    ),
    "one class only": (frame(**{"class": "yes"}), "class", ["'class'", "'yes'", "every row"]),
    "a rare class": (
        frame(**{"class": with_hole(GOOD["class"], "rare")}), "class",
        ["'rare'", "'class'", "1 row;", "at least 4"],
    ),
    "too many texts": (
        frame(kind=[f"name {i}" for i in range(ROWS)]), "class",
        ["'kind'", "60 different", "most 30"],
    ),
    "a text among numbers": (
        frame(length=with_hole(GOOD["length"].astype(str), "wide")), "class",
        ["'length'", "1 text such", "'wide'", "row 8"],
    ),
    "a mark for missing among numbers": (
        frame(length=with_hole(GOOD["length"].astype(str), "?")), "class",
        ["'length'", "1 missing value, written '?'", "row 8", "--missing"],
    ),
    "a mark among few numbers": (
        frame(count=with_hole(np.arange(ROWS) % 3, "N/A")), "class", ["'count'", "written 'N/A'"],
    ),
    "a mark in a quantity to learn": (
        frame(**{"class": with_hole(GOOD["length"].astype(str), "-")}), "class",
        ["the target 'class'", "written '-'", "row 8"],
    ),
    "missing values in several columns": (
        frame(length=with_hole(GOOD["length"], np.nan), count=with_hole(GOOD["count"], None)),
        "class", ["'length' has 1 missing", "'count' has 1 missing", "--missing median"],
    ),
    "commas within numbers": (
        frame(count=[f"{k + 1},{k * 37 % 1000:03d}" for k in range(ROWS)]), "class",
        ["'count'", "'1,000'", "plain numbers"],
    ),
    "units": (frame(count=[f"{k % 9} %" for k in range(ROWS)]), "class", ["'0 %'", "units"]),
    "a text in every row": (
        frame(count=[f"0x{k:x}" for k in range(ROWS)])[:40], "class", ["40 different", "most 20"],
    ),
    "a sign that is no minus": (
        frame(count=[f"\N{MINUS SIGN}{k}" for k in range(ROWS)]), "class", ["plain numbers"],
    ),
    "dates": (
        frame(count=[f"2024-0{1 + k % 9}-11" for k in range(ROWS)]), "class",
        ["'count'", "dates", "'2024-01-11'", "leave it out"],
    ),
    "numbers that floats cannot tell apart": (
        frame(count=[10**18 + k for k in range(ROWS)]), "class", ["'count'", "2**53", "leave it"],
    ),
    "a rare whole number": (
        frame(**{"class": with_hole(np.arange(ROWS) % 5, 12)}), "class",
        ["'12'", "1 row;", "--task regression"],
    ),
    "numbers beyond the largest, as text": (
        frame(length=[10**400 + i for i in range(ROWS)]), "class",
        ["'length'", "60 values", "1e+100"],
    ),
    "a text as a class": (
        frame(**{"class": np.tile(["no", "y" * 10**6], ROWS // 2)}), "class",
        ["'class'", "1,000,000 characters", "200"],
    ),
    "nothing but constants": (
        frame(length=1.0, count=None, kind="a"), "class", ["'class'", "no column"],
    ),
    "few rows": (GOOD[:10], "class", ["10 rows", "20"]),
}  # fmt: skip
HEADER = b"length,class\n"
# The bytes of a .csv -> words of the sentence.
BAD_BYTES = {
    "empty": (b"", ["empty"]),
    "a byte-order mark only": (b"\xef\xbb\xbf", ["no columns"]),
    "only white space": (b" \n\n", ["empty"]),
    "header only": (HEADER, ["header and no rows"]),
    "duplicate names": (b"a,b,a\n" + 30 * b"1,2,3\n", ["more than one", "'a'"]),
    "no name": (b",a,b\n" + 30 * b"1,2,3\n", ["column 1"]),
    "latin-1": (b"gr\xf6\xdfe,class\n" + 30 * b"1,2\n", ["UTF-8", "0xf6", "line 1"]),
    "latin-1 further down": (HEADER + 30 * b"1,2\n" + b"\xe9,2\n", ["UTF-8", "line 32"]),
    "utf-16": ("length,class\n1,2\n".encode("utf-16"), ["UTF-8"]),
    "a title": (b"My table\na,b,class\n" + 30 * b"1,2,3\n", ["'My table'", "no line above"]),
    "a mark among decimal commas": (
        b"x;class\n" + b"".join(b"%d,5;%c\n" % (k, b"ab"[k % 2]) for k in range(30)) + b"?;a\n",
        ["1 missing value, written '?'", "row 31"],
    ),
    "decimal commas and points": (
        b"pop\trate\tclass\n"
        + b"".join(b"1,%03d\t3.5\t%c\n" % (k, b"ab"[k % 2]) for k in range(30)),
        ["commas and others with points", "one decimal sign"],
    ),
    "digits of another script": (
        b"x,class\n" + "".join(f"\uff11\uff12{k},{'ab'[k % 2]}\n" for k in range(30)).encode(),
        ["'x'"],
    ),
    "no header": (b"".join(b"%d.5,3,%c\n" % (k, b"ab"[k % 2]) for k in range(30)), ["no header"]),
    "no header and equal cells": (b"1,1,a\n" + 30 * b"2,3,a\n", ["no header", "'1,1,a'"]),
    "no header, texts alone": (15 * b"red,yes\nblue,no\n", ["no header", "'red,yes'"]),
    "no header, numbers alone": (b"5,3,1\n" + 30 * b"2,3,1\n", ["no header"]),
    "a row in quotation marks": (
        b'x,s,class\n1,"q,a\n' + 9 * b"2,q,b\n" + b'3,q",a\n' + 20 * b"2,q,b\n",
        ["opens in line 2", "up to 12"],
    ),
    "one column": (b"class\n" + 30 * b"1\n", ["one column", "'class'"]),
    "longer rows": (HEADER + 30 * b"1,2\n" + b"1,2,3\n", ["Expected 2 fields in line 32, saw 3"]),
    "all rows longer": (HEADER + 30 * b"1,2,3\n", ["do not fit"]),
    "shorter rows": (b"a,b,class\n" + 30 * b"1,2,3\n" + b"1\n", ["'class'", "missing"]),
    "binary rubbish": (bytes(range(256)) * 40, ["zero bytes"]),
    "binary without zeros": (bytes(range(128, 256)) * 40, ["UTF-8"]),
    "too many columns": (",".join(f"c{i}" for i in range(50_001)).encode() + b"\n", ["50,001"]),
    "a long first line": (b"x" * 5000 + b",b\n1,2\n", ["5000 characters"]),
    "an open quotation mark": (b'a,class\n"1,2\n' + 30 * b"1,2\n", ["opens in line 2"]),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_table_that_cannot_be_learnt_is_refused_by_a_sentence_naming_the_column(tmp_path, case):
    whole, target, words = BAD_TABLES[case]
    with pytest.raises(UsageError) as error:
        prepared(tmp_path, whole, target)
    for word in words:
        assert word in str(error.value)
    assert str(tmp_path) not in str(error.value) and "\n" not in str(error.value)


def test_truth_values_with_gaps_beside_decimal_commas_are_read(tmp_path):
    path = tmp_path / "mine.csv"
    rows = [f"{k},5;{'True' if k % 3 else ''};{'ab'[k % 2]}" for k in range(40)]
    path.write_text("a;b;class\n" + "\n".join(rows) + "\n")
    assert table_file.read_file(path)[0]["a"].tolist()[1] == 1.5


@pytest.mark.parametrize("case", BAD_BYTES)
def test_a_file_that_is_no_table_is_refused_by_a_sentence(tmp_path, case):
    content, words = BAD_BYTES[case]
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError) as error:
        table.prepare(str(path), "class")
    for word in words:
        assert word in str(error.value)
    assert str(tmp_path) not in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name",
    ["missing.csv", "table.xlsx", "table.json", "folder.csv", "loop.csv", "x" * 300 + ".csv"],
)
def test_a_missing_file_or_another_kind_of_file_is_named(tmp_path, name):
    (tmp_path / "table.xlsx").write_bytes(b"PK")
    (tmp_path / "table.json").write_bytes(b"[]")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    with pytest.raises(UsageError, match=name[:40]):
        table.prepare(str(tmp_path / name), "class")


def test_a_folder_or_a_pipe_is_called_what_it_is(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    for name, words in (("folder.csv", "is a folder"), ("pipe.csv", "not a regular file")):
        with pytest.raises(UsageError, match=words):
            table.prepare(str(tmp_path / name), "class")


def test_whole_numbers_beyond_64_bits_are_numbers(tmp_path):
    found = prepared(tmp_path, frame(length=[10**30 * (1 + i) for i in range(ROWS)]))
    assert "length" in found.facts["numeric"]


def test_a_nearby_file_is_offered(tmp_path):
    GOOD.to_csv(tmp_path / "mine.csv")
    with pytest.raises(UsageError, match=r"mine\.csv"):
        table.prepare(str(tmp_path / "mien.csv"), "class")


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_rubbish_in_other_formats_is_refused(tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    for content in (bytes(range(256)) * 10, b"PK\x03\x04" + bytes(100), b"PAR1" + bytes(100)):
        path.write_bytes(content)
        with pytest.raises(UsageError):
            table.prepare(str(path), "class")


def test_a_damaged_archive_is_refused_wherever_the_damage_is(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez_compressed(path, X=np.random.default_rng(0).random((40, 2)), y=np.arange(40) % 2)
    whole = path.read_bytes()
    for start in range(0, len(whole), 7):
        path.write_bytes(whole[:start] + bytes(15) + whole[start + 15 :])
        with contextlib.suppress(UsageError):  # or it still holds the arrays
            table.prepare(str(path), "y")


TEXT = GOOD.to_csv(index=False)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mine.tsv", TEXT.replace(",", "\t").encode()),
        ("mine.csv", TEXT.replace(",", ";").replace(".", ",").encode()),
        ("mine.csv", TEXT.replace(",", "|").encode()),
        ("mine.csv", TEXT.replace("\n", "\r").encode()),
        ("mine.csv", TEXT.replace("\n", "\r\n").encode("utf-8-sig")),
        ("mine.csv.gz", gzip.compress(TEXT.encode())),
    ],
    ids=["tabs", "decimal commas", "bars", "old Mac", "Windows", "packed"],
)
def test_the_same_table_in_another_dress_is_the_same_table(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    found, plain = table.prepare(str(tmp_path / name), "class"), prepared(tmp_path / "..")
    for fact in ("columns", "numeric", "categorical", "classes", "rows"):
        assert found.facts[fact] == plain.facts[fact]
    separator = (
        next((m for m in "\t;|" if m.encode() in content), ",") if ".gz" not in name else ","
    )
    assert ("separated by" in found.facts["notes"][0]) == (separator != ",")
    ours, theirs = (drawn(tmp_path / part, one, part=part) for part, one in
                    (("o", found), ("t", plain)))  # fmt: skip
    np.testing.assert_array_equal(ours.X_train, theirs.X_train)


def test_a_damaged_packed_file_is_refused(tmp_path):
    for content in (gzip.compress(TEXT.encode())[:-20], b"no gzip at all", b"\x1f\x8b" + bytes(40)):
        (tmp_path / "mine.csv.gz").write_bytes(content)
        with pytest.raises(UsageError, match="not a complete gzip file"):
            table.prepare(str(tmp_path / "mine.csv.gz"), "class")


@pytest.mark.parametrize(
    "names", [["2019", "2020", "2021"], ["0", "1", "2"], ["400.5", "401", "9e2"]]
)
def test_numbers_that_rise_are_names_of_columns(tmp_path, names):
    numbers = np.random.default_rng(0).normal(size=(40, 3)).round(3)
    whole = pd.DataFrame(dict(zip(names, numbers.T, strict=True)))
    assert prepared(tmp_path, whole, names[2]).facts["rows"] == 40


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([2**53, 2**53 + 1], ["9007199254740992", "9007199254740993"]),
        ([10**20, 10**20 + 1], [str(10**20), str(10**20 + 1)]),
        (["01", "1", "001"], ["001", "01", "1"]),
        (["NA", "US"], ["NA", "US"]),
        (["?", "yes"], ["?", "yes"]),
    ],
)
def test_labels_stay_as_they_are_written(tmp_path, labels, classes):
    values = (labels * ROWS)[:ROWS]
    assert prepared(tmp_path, frame(**{"class": values})).facts["classes"] == classes


def test_values_of_a_text_column_stay_as_they_are_written(tmp_path):
    found = prepared(tmp_path, frame(kind=np.tile(["NA", "US", "n/a"], 20)))
    assert found.facts["categorical"] == {"kind": 3}
    codes = prepared(tmp_path, frame(kind=np.tile(["007", "7", "07"], 20)))
    assert codes.facts["categorical"] == {"kind": 3}


def test_whole_numbers_of_parquet_beyond_floats_stay_apart(tmp_path):
    polars = pytest.importorskip("polars")
    labels = [2**53 + k % 2 for k in range(ROWS)]
    polars.DataFrame({"x": range(ROWS), "y": labels}).write_parquet(tmp_path / "mine.parquet")
    found = table.prepare(str(tmp_path / "mine.parquet"), "y")
    assert found.facts["classes"] == ["9007199254740992", "9007199254740993"]


def test_numbers_with_zeros_before_them_are_numbers_where_nothing_is_lost(tmp_path):
    found = prepared(tmp_path, frame(count=[f"{k:03d}" for k in range(ROWS)], kind=None))
    assert found.facts["numeric"] == ["length", "count"]


def test_spaces_after_commas_are_no_part_of_names_and_labels(tmp_path):
    (tmp_path / "mine.csv").write_text('x, "y", class\n' + '1, "2", a\n2, 3, "b"\n' * 15)
    found = table.prepare(str(tmp_path / "mine.csv"), "class")
    assert found.facts["numeric"] == ["x", "y"] and found.facts["classes"] == ["a", "b"]


def test_an_empty_cell_among_texts_is_a_value_with_a_note(tmp_path):
    found = prepared(tmp_path, frame(kind=with_hole(GOOD["kind"], None)))
    assert found.facts["categorical"] == {"kind": 4}
    assert any("empty cell" in note and "'kind'" in note for note in found.facts["notes"])
    assert drawn(tmp_path, found).X_train.shape[1] == found.workload.layers[0]


@pytest.mark.parametrize("name", ["id", "ID", "customer_id", "userId", "index", "Unnamed: 0"])
def test_an_id_is_left_out_with_a_note(tmp_path, name):
    for values in (np.arange(ROWS) + 1000, [f"C-{k}" for k in range(ROWS)]):
        found = prepared(tmp_path, pd.DataFrame({name: values}).join(GOOD))
        assert found.facts["ids"] == [name] and name not in found.facts["numeric"]
        assert any("ID" in note and repr(name) in note for note in found.facts["notes"])


@pytest.mark.parametrize("name", ["width", "acid", "period"])
def test_a_column_with_another_value_in_each_row_is_not_an_id_by_that_alone(tmp_path, name):
    found = prepared(tmp_path, frame(count=None).assign(**{name: np.arange(ROWS)}))
    assert found.facts["ids"] == [] and name in found.facts["numeric"]


def test_an_empty_column_is_dropped(tmp_path):
    assert prepared(tmp_path, frame(count=np.nan)).facts["dropped"] == ["count"]


def test_few_values_of_a_quantity_bring_the_hint_at_classes(tmp_path):
    found = prepared(tmp_path, frame(**{"class": np.tile([0.5, 1.5], 30)}))
    assert "--task classification" in found.facts["notes"][0]


def test_a_long_text_over_several_lines_is_a_value(tmp_path):
    notes = np.tile(["first\nsecond, third\nfourth", "short"], ROWS // 2)
    assert prepared(tmp_path, frame(kind=notes)).facts["categorical"] == {"kind": 2}


def gappy() -> pd.DataFrame:
    """Holes in two columns of numbers, one of them marked, and in the target."""
    return frame(
        length=with_hole(GOOD["length"].round(2).astype(str), "?"),
        count=[None if k in (3, 7, 11) else k for k in GOOD["count"].index],
        **{"class": [None if k == 20 else label for k, label in enumerate(GOOD["class"])]},
    )


@pytest.mark.parametrize(
    ("fill", "rows", "inputs", "gaps"),
    [
        ("median", 59, 2 + 3, {"length": 1, "count": 3}),
        ("indicator", 59, 2 + 2 + 3, {"length": 1, "count": 3}),
        ("drop", 56, 2 + 3, {}),
    ],
)
def test_missing_values_are_filled_as_asked_and_it_is_said(tmp_path, fill, rows, inputs, gaps):
    found = prepared(tmp_path, gappy(), fill=fill)
    facts, notes = found.facts, " ".join(found.facts["notes"])
    assert (facts["rows"], facts["inputs"], facts["missing_values"]) == (rows, inputs, gaps)
    assert facts["missing"] == found.workload.dataset_args["missing"] == fill
    assert f"{ROWS - rows} row" in notes and ("SimpleImputer" in notes) == bool(gaps)
    X = drawn(tmp_path, found).X_train
    assert X.shape[1] == inputs and np.isfinite(X).all()
    if fill == "indicator":
        seeds = [drawn(tmp_path, found, seed=s, part=str(s)) for s in range(4)]
        holes = [np.concatenate([d.X_train, d.X_test])[:, 2:4].sum(axis=0) for d in seeds]
        assert all(np.all(h <= [1, 3]) and h.sum() >= 2 for h in holes)


def test_medians_come_from_the_training_rows_alone(tmp_path):
    numbers = np.array([np.nan, 1.0, 2.0, 9.0, np.nan, 1000.0, 2000.0])
    columns = table_columns.Columns({"x": numbers}, {}, np.zeros(7), [], [], gaps={"x": 2})
    X = data._preprocess(columns, np.arange(4))[:, 0]
    assert X[0] == X[4] == X[2] and X[1] < X[2] < X[3]


def test_a_column_may_be_left_out(tmp_path):
    found = prepared(tmp_path, leave_out=["length", "kind"])
    assert found.facts["numeric"] == ["count"] and found.facts["categorical"] == {}
    assert drawn(tmp_path, found).X_train.shape[1] == 1
    assert any("as asked: 'length', 'kind'" in note for note in found.facts["notes"])
    for name, words in (("lenght", "'length'"), ("class", "the target 'class' cannot")):
        with pytest.raises(UsageError, match=words):
            prepared(tmp_path, leave_out=[name])


@pytest.mark.parametrize(
    ("name", "values", "is_said"),
    [
        ("number", np.arange(ROWS) + 7, True),
        ("number", np.random.default_rng(1).permutation(ROWS), True),
        ("number", np.arange(ROWS) ** 2, True),
        ("customer_id", np.arange(ROWS) // 2, True),
        ("number", np.random.default_rng(1).permutation(ROWS) ** 2, False),
        ("number", np.arange(ROWS) / 3, False),
    ],
)
def test_numbers_that_may_be_an_id_bring_advice(tmp_path, name, values, is_said):
    found = prepared(tmp_path, frame(count=None).assign(**{name: values}))
    assert name in found.facts["numeric"]
    assert any(f"--drop {name!r}" in note for note in found.facts["notes"]) == is_said


class Trap:
    """Unpickling this would leave a trace."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_an_npz_never_executes_what_it_holds(tmp_path):
    trace = tmp_path / "trace"
    np.savez(tmp_path / "mine.npz", x=np.array([Trap(trace)] * 30, dtype=object), y=np.arange(30))
    with pytest.raises(UsageError, match="pickled"):
        table.prepare(str(tmp_path / "mine.npz"), "y")
    assert not trace.exists()


def test_an_npz_gives_columns_and_numbered_columns(tmp_path):
    X = np.random.default_rng(0).normal(size=(40, 3))
    np.savez(tmp_path / "mine.npz", X=X, y=np.tile([0, 1], 20))
    found = table.prepare(str(tmp_path / "mine.npz"), "y")
    assert found.facts["columns"] == ["X_0", "X_1", "X_2", "y"]
    assert found.workload.layers[0] == 3 and found.workload.layers[-1] == 1


def test_arrays_of_different_lengths_are_named(tmp_path):
    np.savez(tmp_path / "mine.npz", x=np.zeros(30), y=np.arange(31))
    with pytest.raises(UsageError, match=r"'x' has 30 rows, 'y' 31"):
        table.prepare(str(tmp_path / "mine.npz"), "y")


def test_parquet_gives_the_same_table_as_csv(tmp_path):
    polars = pytest.importorskip("polars")
    whole = GOOD.assign(flag=np.arange(ROWS) % 2 == 0, price=np.arange(ROWS) / 4)
    typed = {"count": polars.Int16, "kind": polars.Categorical, "price": polars.Decimal(10, 2)}
    columns = {name: column.tolist() for name, column in whole.items()}
    polars.DataFrame(columns).cast(typed).write_parquet(tmp_path / "mine.parquet")
    found = table.prepare(str(tmp_path / "mine.parquet"), "class")
    of_csv = prepared(tmp_path, whole)
    for name in ("columns", "numeric", "categorical", "classes", "inputs", "task"):
        assert found.facts[name] == of_csv.facts[name]
    ours, theirs = (drawn(tmp_path / part, one, part=part) for part, one in
                    (("p", found), ("c", of_csv)))  # fmt: skip
    np.testing.assert_allclose(ours.X_train, theirs.X_train)


def test_parquet_holes_and_lists_are_named(tmp_path):
    polars = pytest.importorskip("polars")
    for name, values, words in (
        ("hole", with_hole(range(ROWS), None), "'hole' has 1 missing value, the first in row 8"),
        ("list", [[1, 2]] * ROWS, "'list' of type List"),
    ):
        path = tmp_path / f"{name}.parquet"
        polars.DataFrame({name: values, "class": GOOD["class"].tolist()}).write_parquet(path)
        with pytest.raises(UsageError, match=words):
            table.prepare(str(path), "class")


def test_without_a_reader_of_parquet_a_sentence_says_what_to_install(tmp_path, monkeypatch):
    for reader in ("polars", "pyarrow", "fastparquet"):
        monkeypatch.setitem(sys.modules, reader, None)
    path = tmp_path / "mine.parquet"
    path.write_bytes(b"PAR1" + bytes(64) + b"PAR1")
    with pytest.raises(UsageError, match="pip install polars"):
        table.prepare(str(path), "class")


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (np.tile(["no", "yes"], 30), "classification", ["no", "yes"]),
        (np.tile([True, False], 30), "classification", ["False", "True"]),
        (np.tile([3, 1, 7], 20), "classification", ["1", "3", "7"]),
        (np.tile([1.0, 2.0], 30), "classification", ["1", "2"]),
        (np.tile([0.5, 1.5], 30), "regression", []),
        (np.arange(60), "regression", []),
        (np.tile(np.arange(30), 2), "regression", []),
    ],
)
def test_the_task_follows_from_the_values_of_the_target(tmp_path, values, task, classes):
    found = prepared(tmp_path, frame(**{"class": values}))
    assert (found.workload.task, found.facts["classes"]) == (task, classes)
    assert "--task overrides" in found.facts["notes"][0]


def test_task_overrides_what_the_values_look_like(tmp_path):
    numbers = frame(**{"class": np.tile([1, 2, 3], 20)})
    assert prepared(tmp_path, numbers, task="regression").workload.loss == "mse"
    halves = frame(**{"class": np.tile([0.5, 1.5], 30)})
    assert prepared(tmp_path, halves, task="classification").facts["classes"] == ["0.5", "1.5"]
    with pytest.raises(UsageError, match="regression needs numbers"):
        prepared(tmp_path, task="regression")
    with pytest.raises(UsageError, match="--task regression"):
        prepared(tmp_path, frame(**{"class": np.arange(60)}), task="classification")


def test_constant_columns_are_dropped_with_a_note(tmp_path):
    found = prepared(tmp_path, frame(count=1))
    assert found.facts["dropped"] == ["count"]
    assert "'count'" in found.facts["notes"][-1]
    assert found.workload.layers[0] == 1 + 3


@pytest.mark.parametrize("rows", [40, 500, 3_000, 30_000, 150_000])
def test_every_update_sees_equally_many_rows(rows):
    rng = np.random.default_rng(0)
    found = table_columns.Columns({"x": rng.normal(size=rows)}, {}, rng.normal(size=rows), [], [])
    one = table._choose_recipe(found, {"target": "y"})
    assert one.train_rows + one.test_rows == rows
    assert one.test_rows / rows >= 0.25
    if one.batch_size is not None:
        assert 32 <= one.batch_size <= 128 and one.train_rows % one.batch_size == 0
    assert 50 <= one.epochs * one.train_rows // (one.batch_size or one.train_rows) <= 8_000


def test_batches_are_row_indices_that_cover_every_row_in_order(tmp_path):
    found = prepared(tmp_path, pd.concat([frame()] * 10, ignore_index=True))
    split = drawn(tmp_path, found)
    batches = split.batches(3)
    assert {len(rows) for rows in batches} == {32}
    assert np.concatenate(batches).tolist() == list(range(found.workload.train_rows))


def drawn(tmp_path, found: table.Table, seed=0, workload=None, part="a") -> data.Data:
    workload = workload or found.workload
    data.write_data(tmp_path / part, workload, seed, "float64", str(found.source))
    return data.Data(tmp_path / part, workload)


def test_the_same_seed_gives_the_same_split_and_another_seed_another(tmp_path):
    found = prepared(tmp_path)
    first, again = drawn(tmp_path, found), drawn(tmp_path, found, part="b")
    other = drawn(tmp_path, found, seed=1, part="c")
    assert (first.X_train == again.X_train).all() and (first.y_test == again.y_test).all()
    assert not (first.X_train == other.X_train).all()
    assert np.bincount(first.y_test).tolist() == np.bincount(other.y_test).tolist() == [5, 5, 5]


def test_numbers_are_standardised_by_the_training_rows_and_texts_become_one_input_each(tmp_path):
    X = drawn(tmp_path, prepared(tmp_path)).X_train
    np.testing.assert_allclose(X[:, :2].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(X[:, :2].std(axis=0), 1)
    test = drawn(tmp_path, prepared(tmp_path), part="b").X_test
    assert np.abs(test[:, :2].mean(axis=0)).min() > 1e-6
    assert (X[:, 2:].sum(axis=1) == 1).all() and set(X[:, 2:].ravel()) == {0.0, 1.0}


def test_a_text_that_occurs_once_does_not_change_the_width(tmp_path):
    found = prepared(tmp_path, frame(kind=with_hole(GOOD["kind"], "once")))
    shapes = {drawn(tmp_path, found, seed=seed, part=str(seed)).X_train.shape for seed in range(5)}
    assert shapes == {(45, 6)} and found.workload.layers[0] == 6


def test_a_regression_target_is_standardised_by_the_training_rows(tmp_path):
    found = prepared(tmp_path, frame(**{"class": 1e6 + 1e3 * GOOD["length"]}))
    split = drawn(tmp_path, found)
    assert found.workload.layers[-1] == 1 and split.n_classes == 0
    assert split.y_train.mean() == pytest.approx(0, abs=1e-9)
    assert split.y_train.std() == pytest.approx(1)
    assert abs(split.y_test.mean()) > 1e-6


def test_parity_takes_rows_of_the_table(tmp_path):
    whole = pd.concat([frame()] * 5, ignore_index=True)
    found = prepared(tmp_path, whole)
    reduced = parity.reduce_workload(found.workload)
    split = drawn(tmp_path, found, workload=reduced)
    assert split.X_train.shape == (64, 5) and len(split.X_test) == 64
    assert reduced.layers[0] == 5 and reduced.batch_size is None


def test_a_file_that_changed_since_the_plan_is_not_trained_on(tmp_path):
    found = prepared(tmp_path)
    frame(count=None).to_csv(found.source, index=False)
    with pytest.raises(ValueError, match=r"mine.csv.*changed"):
        drawn(tmp_path, found)
    with pytest.raises(UsageError, match="SHA-256"):
        table_file.check_same_file(str(found.source), found.facts["sha256"])


def test_what_travels_names_no_folder(tmp_path):
    found = prepared(tmp_path)
    for part in (dataclasses.asdict(found.workload), found.facts):
        assert str(tmp_path) not in json.dumps(part)
    assert Workload(**json.loads(json.dumps(dataclasses.asdict(found.workload)))) == found.workload


def test_notes_are_single_printable_lines_whatever_the_names(tmp_path):
    strange = "a\x1b[31m\nb"
    whole = frame().rename(columns={"count": strange, "class": "=cmd|x"})
    whole["same"] = 1
    for note in prepared(tmp_path, whole, target="=cmd|x").facts["notes"]:
        assert note.isprintable()
