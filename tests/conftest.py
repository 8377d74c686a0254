"""Settings that all tests share."""

from hypothesis import settings

settings.register_profile("convlab", deadline=None, derandomize=True)
settings.load_profile("convlab")
