"""JupyterLab as a learner starts it, and a notebook opened and run in it."""

import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import nbformat

from convlab.course.notebooks import METADATA

OPEN, RUN = 60_000, 400_000  # milliseconds to open and to run a notebook
PORT = 8931


class Lab(NamedTuple):
    address: str
    token: str
    folder: Path  # of the lessons


@contextmanager
def serve(folder, environment=None):
    """`convlab lab` on a copy of the lessons in `folder`, until the end of the block."""
    command = [sys.executable, "-m", "convlab", "lab", "--no-browser", "--dir", str(folder), "--port", str(PORT)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    try:
        yield Lab(*_address(server), Path(folder, "notebooks"))
    finally:
        server.terminate()
        server.wait(30)


def _address(server):
    said = []
    for line in server.stdout:
        said.append(line)
        found = re.search(r"(http://\S+?)/lab\S*\?token=(\w+)", line)
        if found:
            return found.groups()
    raise RuntimeError("JupyterLab did not start:\n" + "".join(said))


def write_notebook(path, cells):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=METADATA)
    nbformat.write(notebook, path)


def open_notebook(page, lab, name, folder="notebooks"):
    page.set_default_timeout(OPEN)
    page.goto(f"{lab.address}/lab/workspaces/auto-{name}/tree/{folder}/{name}.ipynb?token={lab.token}&reset")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for(state="attached")
    page.wait_for_timeout(1500)  # a command given just after the kernel turned idle can be lost


def start_all(page):
    """Run all cells, and do not wait."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def run_all(page, cells):
    """Run all cells and wait until the kernel has done so."""
    start_all(page)
    done = (
        "cells => { const at = document.querySelector('.jp-Notebook-ExecutionIndicator');"
        " return at.dataset.status === 'idle' && at.textContent.includes(`Executed ${cells} cells`); }"
    )
    page.wait_for_function(done, arg=cells, timeout=RUN)
