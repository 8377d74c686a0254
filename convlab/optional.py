"""Libraries that only some rooms need, imported when they are first used."""

from importlib import import_module
from typing import Any

from convlab.errors import ConvlabError


def need(module: str) -> Any:
    """The module named `module`; where it is not installed, a `ConvlabError` that says how to install it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or module).partition(".")[0]
        if missing != module.partition(".")[0]:
            raise  # the library is there, but lacks something of its own: its own message says it best
        raise ConvlabError(
            f"{missing} is needed here and is not installed: install it with the course's other libraries, "
            'pip install "convlab[course]" (in a checkout: pip install -e ".[course]").'
        ) from error
