"""Run notebooks from a clean kernel and save them so that two runs give the same bytes."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from convlab.errors import ConvlabError
from convlab.files import replace_whole
from convlab.optional import need

COLOR = re.compile("\x1b\\[[0-9;]*m")
TIMEOUT = 600  # seconds for one cell
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
MEASURED = "nbval-ignore-output"  # the tag of a cell whose output tells about the machine, and is not compared
WIDGET = "application/vnd.jupyter.widget-view+json"  # of a kernel that is gone; a widget's picture and words stay


def run(paths: Iterable[Path]) -> None:
    """Run each notebook from top to bottom in its own folder, and save its outputs.

    Raises `ConvlabError` that names the notebook and shows the error where a cell fails; the file is left as it was.
    """
    nbformat, nbclient = need("nbformat"), need("nbclient")
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # the Python that runs this, not one that a user has installed
    for path in paths:
        if not path.is_file():
            raise ConvlabError(f"there is no notebook {path}.")
        notebook, saved = nbformat.read(path, as_version=4), nbformat.read(path, as_version=4)
        folder = {"metadata": {"path": str(path.parent)}}
        client = nbclient.NotebookClient(
            notebook, timeout=TIMEOUT, resources=folder, store_widget_state=False, coalesce_streams=True
        )
        try:
            with TemporaryDirectory() as nobody:  # whose progress in the exercises this is
                client.execute(env=os.environ | {"CONVLAB_PROGRESS": str(Path(nobody, "progress.json"))})
        except nbclient.exceptions.CellExecutionError as error:
            raise ConvlabError(f"{path} does not run: {COLOR.sub('', str(error))}") from error
        _keep_measured(saved, notebook)
        tidy(notebook)
        replace_whole(path, nbformat.writes(notebook) + "\n")


def _keep_measured(saved: Any, notebook: Any) -> None:
    """Leave the outputs of cells that measure this machine as they were saved, so that two runs give equal files."""
    for before, after in zip(saved.cells, notebook.cells, strict=True):
        if MEASURED in after.metadata.get("tags", []) and before.get("outputs"):
            after.outputs = before.outputs


def tidy(notebook: Any) -> None:
    """Take out of a notebook what differs from run to run or from machine to machine."""
    notebook.metadata.clear()
    notebook.metadata.update(METADATA)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if len(output.get("data", {})) > 1:
                output.data.pop(WIDGET, None)
