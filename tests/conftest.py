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


@pytest.fixture(scope="session", autouse=True)
def no_learners_progress(tmp_path_factory):
    """Tests must not count as the progress of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVLAB_PROGRESS", str(tmp_path_factory.mktemp("progress") / "progress.json"))
        yield
