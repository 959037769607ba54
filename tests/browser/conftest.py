"""Chromium for the browser tests; `make test-browser` brings Playwright and axe-core."""

import shutil

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="make test-browser brings it")
    if CHROMIUM is None:
        pytest.fail("There is no Chromium here; install it, on Debian and Ubuntu by `apt-get install chromium`.")
    with sync_api.sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
