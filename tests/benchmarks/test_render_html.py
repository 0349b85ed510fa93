"""report.html in a real browser: it sorts, filters, folds, and asks nobody for anything."""

import io
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.benchmarks.synthetic import NASTY


@pytest.fixture
def report(full_report):
    return full_report.full


@pytest.fixture
def opened(page, report):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    return page


def first_cells(table):
    return table.locator("tbody tr:visible td:first-child").all_inner_texts()


def test_it_is_one_small_file_that_loads_nothing(report):
    text = report.read_text()
    assert report.stat().st_size < 5 * 2**20
    assert "https://" not in text and 'src="' not in text and "@import" not in text


def test_no_id_occurs_twice(report):
    found = re.findall(r'<[^>]* id="([^"]+)"', report.read_text().partition("<script")[0])
    assert len(found) == len(set(found)) > 5


def test_a_table_sorts_by_value_both_ways_and_by_keyboard(opened):
    table = opened.locator("table").first
    head = table.get_by_role("button", name="start to end")
    head.click()
    head.focus()
    opened.keyboard.press("Enter")
    assert table.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    assert first_cells(table)[0] in ("keras-fit", "tf-loop")
    head.click()
    assert first_cells(table)[0] in ("bayes-rule", "mapicx")


def test_a_table_filters(opened):
    section = opened.locator("#every-system-spiral-1-thread")
    section.get_by_role("searchbox").first.fill("torch")
    assert first_cells(section.locator("table").first) == ["torch-fused", "torch-eager"]


def test_sections_fold_and_unfold(opened):
    opened.get_by_role("button", name="Unfold all").click()
    assert opened.locator("details:not([open])").count() == 0
    assert opened.locator("#method").get_by_text("One trial, one fresh process").is_visible()
    opened.get_by_role("button", name="Fold all", exact=True).click()
    assert opened.locator("details[open]").count() == 0


def test_the_rows_are_downloaded_as_they_are(opened):
    with opened.expect_download() as waiting:
        opened.get_by_role("button", name="Rows as CSV").click()
    table = pd.read_csv(io.StringIO(Path(waiting.value.path()).read_text(encoding="utf-8")))
    assert table["trial_id"].is_unique and NASTY in set(table["system"])
    assert table["status"].value_counts()["ok"] == len(table) - 1


def test_figures_tell_values_where_one_points(opened):
    tips = opened.locator("figure svg title").all_text_contents()
    assert any(tip.startswith("mapicx, training: ") for tip in tips)
    assert opened.locator("figure svg").count() >= 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_downward_only(page, report, scheme):
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme=scheme)
    page.goto(report.as_uri())
    page.get_by_role("button", name="Unfold all").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (colour == "rgb(255, 255, 255)") == (scheme == "light")


def test_nothing_from_rows_becomes_markup(opened):
    assert opened.locator("i, b").count() == 0
    assert opened.get_by_text("<script>|x|`y`").count() > 0
