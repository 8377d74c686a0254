"""Settings and the browser that all tests share."""

import pytest
from hypothesis import settings

from tests.chromium import chromium

settings.register_profile("convlab", deadline=None, derandomize=True)
settings.load_profile("convlab")


@pytest.fixture(scope="session")
def browser():
    with chromium() as found:
        yield found
