"""Web pages of one file each: no script, no network, for light and dark screens and for paper."""

from html import escape
from pathlib import Path

from convlab.files import writing

# even a page that went wrong can load nothing, run nothing and send nothing
ALLOWED = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --soft: #595959; --line: #d4d4d4; --box: #f6f7f8;
  --right: #1a8a54; --wrong: #d0562a; --link: #0b4f8a; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --paper: #16181b; --soft: #a9adb2; --line: #3d4248;
  --box: #1f2226; --right: #35ad73; --wrong: #e2754c; --link: #74aee8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 62rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .2rem 0; }
h2 { font-size: 1.4rem; line-height: 1.25; margin: 0; }
h3 { font-size: 1.1rem; line-height: 1.3; margin: 0; }
p { margin: .4rem 0; }
a { color: var(--link); }
a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
code { font-size: .92em; }
table { border-collapse: collapse; }
.soft { color: var(--soft); }
.bar { display: block; height: .8rem; border: 1px solid var(--soft); border-radius: 3px; overflow: hidden;
  print-color-adjust: exact; }
.bar > span { display: block; height: 100%; background: var(--right); }
footer { margin-top: 3rem; padding-top: .8rem; border-top: 1px solid var(--line); color: var(--soft);
  font-size: .9rem; }
@media print { :root { --ink: #000; --paper: #fff; --soft: #444; --line: #bbb; --box: #fff; --right: #1a8a54;
  --wrong: #d0562a; } body { padding: 0; max-width: none; font-size: 10.5pt; } a { color: inherit; } }
"""


def page(title: str, style: str, body: str) -> str:
    """A whole page. title: plain text. style: CSS beyond that of all pages. body: HTML."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{ALLOWED}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{plain(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def plain(text: str) -> str:
    """A text from anywhere as HTML that shows it."""
    return escape(text.encode("utf-8", "backslashreplace").decode())


def bar(share: float) -> str:
    """A horizontal bar; the number that it shows stands beside it, so that it is not read aloud."""
    return f'<span class="bar" aria-hidden="true"><span style="width:{100 * share:.1f}%"></span></span>'


def write_page(path: Path, html: str) -> None:
    """Write a page whole or not at all; its folder is made. Raises `ConvlabError` where that cannot be done."""
    with writing(path) as part:
        part.write(html)
