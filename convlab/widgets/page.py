"""A widget as a web page of its own, without a server, a kernel or a network."""

import json
from html import escape
from pathlib import Path
from typing import Any

from convlab.errors import ConvlabError
from convlab.widgets.base import STATIC, Widget, bundle

# What a notebook gives a widget as `model`, in the few lines that a page needs.
MODEL = """
const heard = {};
const model = {
  get: (name) => state[name],
  set(name, value) {
    if (JSON.stringify(state[name]) === JSON.stringify(value)) return;
    state[name] = value;
    for (const call of heard[`change:${name}`] ?? []) call();
  },
  on: (event, call) => (heard[event] ??= []).push(call),
  off() {},
  save_changes() {},
  send() {},
};
globalThis.convlabModel = model;
widget.render({ model, el: document.getElementById("widget") });
"""


def page(widget: Widget, title: str = "convlab") -> str:
    """The widget as it stands now, as the text of an HTML file that works by itself in any browser.

    Raises `ConvlabError` for a widget that computes in Python.
    """
    module = type(widget)._module
    if module is None:
        raise ConvlabError(f"{type(widget).__name__} computes in Python, so it needs a notebook.")
    code = bundle(module).replace("export default", "const widget =")
    state = json.dumps(_state(widget)).replace("</", "<\\/")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f"<style>{(STATIC / 'style.css').read_text(encoding='utf-8')}</style></head>"
        f'<body><main id="widget"></main><script type="module">\nconst state = {state};\n{code}\n{MODEL}</script>'
        "</body></html>\n"
    )


def save_page(widget: Widget, path: Any, title: str = "convlab") -> None:
    """Write `page(widget)` to `path`."""
    Path(path).write_text(page(widget, title), encoding="utf-8")


def _state(widget: Widget) -> dict[str, Any]:
    own = {name for name in type(widget).class_trait_names(sync=True) if not name.startswith("_")}
    unwanted = set(Widget.class_trait_names())
    return {name: getattr(widget, name) for name in sorted(own - unwanted)}
