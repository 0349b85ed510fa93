"""A page of the distribution's Chromium, for tests of HTML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
# No sandbox: a container's root may not make one. No network but what a page asks for.
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, once for all tests; a skip with its reason where it is missing."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing; install the distribution's package chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=OPTIONS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """An empty page. The test fails if the page wrote an error to its console."""
    context = browser.new_context()
    made = context.new_page()
    errors: list[str] = []
    made.on(
        "console", lambda message: errors.append(message.text) if message.type == "error" else None
    )
    made.on("pageerror", lambda error: errors.append(str(error)))
    yield made
    context.close()
    assert not errors
