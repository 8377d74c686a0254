"""Pages of widgets in a browser."""

import pytest

from convlab.widgets import save_page
from tests.chromium import complaints


@pytest.fixture
def open_page(browser, tmp_path):
    """A function that opens a widget as a page of its own; the test fails if the page complained."""
    pages, said = [], []

    def open_widget(widget, **options):
        path = tmp_path / f"{len(pages)}.html"
        save_page(widget, path)
        page = browser.new_page(**options)
        pages.append(page)
        said.append(complaints(page))
        page.goto(path.as_uri())
        page.locator("section.cl").wait_for()
        return page

    yield open_widget
    for page in pages:
        page.close()
    assert not any(said), said
