"""The playground in a real browser, trained by the engine's own wheel."""

from __future__ import annotations

import pytest

TREES = "\n".join(f"{k % 7 + 9 * (k % 2)}, {k % 5}, {('ash', 'oak')[k % 2]}" for k in range(60))
READY = "#run:not([disabled])"
RESTING = "#run[aria-pressed=false]"


@pytest.fixture(scope="module")
def opened(chromium, site):
    """The page, loaded once, and what its console said."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, has_touch=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if m.type in ("error", "warning") else None)
    page.goto(site)
    page.wait_for_selector(READY, timeout=60_000)
    yield page, errors
    context.close()


@pytest.fixture
def page(opened):
    """The page with no error on its console, neither before nor after."""
    page, errors = opened
    yield page
    assert errors == []


def begin(page, address=""):
    """Go to an address of the loaded page, as the back button does."""
    page.evaluate(
        """address => {
            epoch.dataset.epoch = "none";
            history.replaceState(null, "", address || location.pathname);
            dispatchEvent(new Event("hashchange"));
        }""",
        address,
    )
    page.wait_for_function("epoch.dataset.epoch === '0'")
    page.wait_for_selector(RESTING)


def train(page, epochs):
    """Train to at least that epoch and pause; the epoch reached."""
    page.click("#run")
    page.wait_for_function(f"epoch.dataset.epoch >= {epochs}", timeout=60_000)
    page.click("#run")
    page.wait_for_selector(RESTING)
    return epoch(page)


def epoch(page):
    return int(page.get_attribute("#epoch", "data-epoch"))


def pixels(page, canvas):
    """A canvas as text, to see whether it changed."""
    return page.evaluate(f"document.getElementById('{canvas}').toDataURL()")


def test_the_spiral_is_learnt_paused_stepped_and_begun_anew(page):
    begin(page)
    page.wait_for_function("code.textContent")  # the first picture is drawn
    untrained = pixels(page, "boundary")
    reached = train(page, 200)
    assert float(page.inner_text("#accuracy")) > 0.8
    assert pixels(page, "boundary") != untrained
    page.wait_for_timeout(300)
    assert epoch(page) == reached  # a pause is a pause
    page.keyboard.press("s")
    page.wait_for_function(f"epoch.dataset.epoch == {reached + 1}")
    page.keyboard.press("c")
    page.wait_for_function("copy.textContent.startsWith('Copied')")
    program = page.evaluate("navigator.clipboard.readText()")
    assert program.startswith("from mapicx import") and f"epochs={reached + 1}," in program
    page.keyboard.press("r")
    page.wait_for_function("epoch.dataset.epoch == 0")


def test_own_points_work_and_bad_ones_get_a_sentence(page):
    begin(page)
    page.click("text=Your own")
    page.fill("#points", TREES)
    page.click("#use-points")
    page.wait_for_selector("#legend >> text=oak")
    train(page, 60)
    assert float(page.inner_text("#accuracy")) > 0.9
    page.fill("#points", TREES + "\n1, what, ash")
    page.click("#use-points")
    page.wait_for_selector("#message:not([hidden])")
    assert page.inner_text("#message").startswith("Line 61 needs two numbers")
    assert page.is_disabled("#run")
    page.fill("#points", TREES)
    page.click("#use-points")
    page.wait_for_selector(READY)
    assert page.is_hidden("#message")


def test_the_address_keeps_the_settings(page):
    begin(page, "#data=xor&layers=8&optimizer=momentum&lr=0.1&colour=red")
    assert "colour" in page.inner_text("#message")
    assert page.locator("#layers button").all_inner_texts() == ["2 → 8", "8 → 2"]
    page.select_option("[name=activation]", "tanh")
    page.wait_for_function("location.hash.includes('activation=tanh')")
    page.reload()
    page.wait_for_selector(READY, timeout=60_000)
    values = page.evaluate("Object.fromEntries(new FormData(settings))")
    kept = {"data": "xor", "layers": "8", "optimizer": "momentum", "lr": "0.1"}
    assert kept | {"activation": "tanh"} == {k: values[k] for k in [*kept, "activation"]}


def test_a_layer_can_be_looked_into(page):
    begin(page, "#layers=8,5")
    page.wait_for_function("document.querySelector('#weights-scale').innerText.startsWith('8 × 5')")
    page.click("text=2 → 8")
    page.wait_for_function("document.querySelector('#weights-scale').innerText.startsWith('2 × 8')")
    before = [pixels(page, name) for name in ("weights", "gradients", "neurons")]
    train(page, 5)
    page.wait_for_timeout(100)
    after = [pixels(page, name) for name in ("weights", "gradients", "neurons")]
    assert all(a != b for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(("scheme", "paper"), [("light", "246, 245, 241"), ("dark", "18, 20, 26")])
def test_a_phone_shows_all_of_it(page, scheme, paper):
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme=scheme)
    begin(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for target in ("#boundary", "#accuracy-curve", "#neurons", "[name=layers]"):
        box = page.locator(target).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 360 and box["height"] > 20, target
    page.tap("#run")
    page.wait_for_function("epoch.dataset.epoch > 3")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == f"rgb({paper})"


def test_a_page_that_was_not_built_says_how(chromium, site):
    page = chromium.new_page()
    page.route("**/runtime.json", lambda route: route.fulfill(status=404, body=""))
    page.goto(site)
    page.wait_for_selector("text=python docs/playground/build.py")
    page.close()
