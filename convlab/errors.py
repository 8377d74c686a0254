"""The one error that convlab raises for bad input."""


class ConvlabError(ValueError):
    """Input that convlab cannot work with.

    The message says what was given, what was expected and what to do next. It is a `ValueError`, so code that
    already guards against those needs no change.
    """
