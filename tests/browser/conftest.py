"""Chromium and JupyterLab for the browser tests; `make test-browser` brings Playwright and axe-core."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import urlopen

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

RUNS = "document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator')?.dataset.status"


@contextmanager
def jupyterlab(command, folder, config):
    """The address of a JupyterLab that a command starts, on a port of its own and without opening a browser."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"open_browser": False, "port": port, "allow_root": True}
    for name in ("jupyter_server_config", "jupyter_lab_config"):
        own = {"ServerApp": settings, "LabApp": settings, "IdentityProvider": {"token": ""}}
        (config / f"{name}.json").write_text(json.dumps(own))
    places = {f"JUPYTER_{kind}_DIR": str(config) for kind in ("CONFIG", "DATA", "RUNTIME")}
    with (config / "log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=os.environ | places, stdout=log, stderr=log, start_new_session=True
        )
    try:
        for _ in range(240):
            try:
                with urlopen(f"http://127.0.0.1:{port}/api/status"):
                    break
            except (URLError, ConnectionError):
                time.sleep(0.5)
        else:
            pytest.fail(f"{command} did not start JupyterLab: {(config / 'log').read_text()[-2000:]}")
        yield f"http://127.0.0.1:{port}/"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def open_chapter(page, address, name):
    """Open a chapter by a click on the start page, and wait for its kernel."""
    page.goto(address)
    page.locator(f"a[href*='{name}.ipynb']").first.click(timeout=60_000)
    page.locator(f".lm-TabBar-tab.lm-mod-current >> text={name}.ipynb").wait_for()
    until_idle(page, 60)


def run_all_cells(page):
    """Run the notebook in front, by the menu, and wait until it is done."""
    page.locator(".lm-MenuBar-item >> text=Run").click()
    page.locator(".lm-Menu-itemLabel >> text=/^Run All Cells$/").click()
    page.wait_for_function(f"{RUNS} !== 'idle'")
    until_idle(page, 300)


def until_idle(page, seconds):
    """Wait until the kernel of the notebook in front has had nothing to do for two seconds; between cells it rests for less."""
    calm, end = 0, time.monotonic() + seconds
    while calm < 10:
        assert time.monotonic() < end, f"the kernel was still busy after {seconds} seconds"
        calm = calm + 1 if page.evaluate(RUNS) == "idle" else 0
        page.wait_for_timeout(200)


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield page
    page.close()


@pytest.fixture(scope="session")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="make test-browser brings it")
    if CHROMIUM is None:
        pytest.fail("There is no Chromium here; install it, on Debian and Ubuntu by `apt-get install chromium`.")
    with sync_api.sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
