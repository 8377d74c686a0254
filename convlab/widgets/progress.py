"""A bar that Python moves while it works."""

from typing import Any

import traitlets

from convlab.widgets.base import Widget, bundle


class Progress(Widget):
    """A bar with a sentence. `show` moves it."""

    _esm = bundle("progress")
    done = traitlets.Float(0.0).tag(sync=True)
    description = traitlets.Unicode("").tag(sync=True)

    def show(self, done: float, words: str, over: bool = False) -> None:
        """Move the bar to `done`, from 0 to 1, and say `words`."""
        with self.hold_sync():
            self.done, self.description = done, words

    def words(self) -> str:
        return f"Progress: {self.description or 'not begun'}."

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super(Widget, self)._repr_mimebundle_(**kwargs)
        data = (bundle[0] if isinstance(bundle, tuple) else bundle) or {}
        return data | {"text/plain": "A progress bar, which moves while the cell runs."}, {}
