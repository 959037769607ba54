"""The executed chapters, for tests of what they claim; stale chapters are executed first."""

import pytest

from book.build import executed_notebooks, glued


@pytest.fixture(scope="session")
def notebooks():
    return executed_notebooks()


@pytest.fixture(scope="module")
def chapter(request, notebooks):
    """The numbers glued by the chapter that the test module is named after; words stay words."""
    name = request.module.__name__.rsplit(".", 1)[-1].removeprefix("test_")
    return {key: _number(text) for key, text in glued(notebooks[name]).items()}


def _number(text):
    try:
        return float(text)
    except ValueError:
        return text
