"""What all widgets share: their JavaScript from small modules, and a still picture and a sentence where none runs."""

import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import anywidget

from convlab.plots import Drawing

STATIC = Path(__file__).parent / "static"
_IMPORT = re.compile(r'^import\s+\{[^}]*\}\s+from\s+"\./(\w+)\.js";\n', re.MULTILINE)


def bundle(name: str) -> str:
    """One ES module out of static/NAME.js and what it imports, for a notebook hands a widget a single file.

    The modules are put one after the other, each after those it needs, without their words import and export; so
    names must differ between modules. Only NAME's `export default` stays.
    """
    parts: dict[str, str] = {}

    def add(module: str) -> None:
        if module in parts:
            return
        text = (STATIC / f"{module}.js").read_text(encoding="utf-8")
        for needed in _IMPORT.findall(text):
            add(needed)
        text = re.sub(r"^export (?!default)", "", _IMPORT.sub("", text), flags=re.MULTILINE)
        parts[module] = f"// {module}.js\n{text}"

    add(name)
    return "\n".join(parts.values())


class Widget(anywidget.AnyWidget):
    """A widget that draws itself in the browser; what the reader chose can be read from its traits.

    Where no widget can run (a notebook that is not trusted yet, a page that shows notebooks), its picture and words
    are shown instead.
    """

    _module: str | None = None  # the JavaScript module of a widget that needs no Python
    _css = (STATIC / "style.css").read_text(encoding="utf-8")

    def words(self) -> str:
        """What is to be seen, in words."""
        raise NotImplementedError

    def still(self) -> Drawing:
        """What is to be seen, as a picture."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data = (bundle[0] if isinstance(bundle, tuple) else bundle) or {}
        data |= {"image/png": b64encode(self.still().png()).decode("ascii"), "text/plain": self.words()}
        return data, {"image/png": {"alt": self.words()}}

    def __repr__(self) -> str:
        return self.words()
