"""`import convlab` needs NumPy alone, and rooms import only rooms below them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import convlab

PACKAGE = Path(convlab.__file__).parent
# from the ground up; a room may import those before it
ROOMS = ["errors", "optional", "files", "geometry", "ops", "layers", "data", "plots", "widgets", "hardware"]
ROOMS += ["models", "exercises", "grading", "course", "cli", "__main__"]
BELOW = {room: ROOMS[:place] for place, room in enumerate(ROOMS)}
BELOW["layers"] = ["errors", "optional", "geometry", "ops"]
BELOW["plots"] = ["errors", "optional", "geometry", "ops"]
BELOW["hardware"] = ["errors", "optional"]
BELOW["exercises"] = ["errors", "optional", "files", "geometry", "ops", "layers", "data", "models", "hardware"]
BELOW["grading"] = ["errors", "optional", "files", "hardware", "exercises"]
BELOW["course"] = ["errors", "optional", "files", "exercises"]
FREE = {"numpy", "threadpoolctl", *sys.stdlib_module_names}  # what a module may import as it is imported
# what nobody enters without these
HEAVY = {"widgets": {"anywidget", "traitlets"}, "course/server.py": {"jupyter_server", "jupyterlab"}}

FILES = sorted(file for file in PACKAGE.rglob("*.py") if file != PACKAGE / "__init__.py")


def room(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST):
    """(module, is it imported as this module is imported) of every import of convlab's own or another's code."""
    lazy = {node for function in ast.walk(tree) if isinstance(function, ast.FunctionDef) for node in ast.walk(function)}
    typing = {
        node
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and ast.unparse(test.test) == "TYPE_CHECKING"
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            names = [f"{node.module}.{name.name}" for name in node.names]
        else:
            continue
        for name in names:
            yield name, node not in lazy and node not in typing


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_run_downwards_and_heavy_ones_are_lazy(file):
    here = room(file)
    assert here in ROOMS, f"{here} is a new room: give it a place in ROOMS"
    for name, at_once in imports(ast.parse(file.read_text())):
        top, *rest = name.split(".")
        if top == "convlab":
            assert rest[0] in {*BELOW[here], here, "__version__"}, f"{here} must not import {name}"
        elif at_once:
            heavy = HEAVY.get(here, set()) | HEAVY.get(file.relative_to(PACKAGE).as_posix(), set())
            assert top in FREE | heavy, f"import {top} inside of the function that needs it"


def test_import_convlab_pulls_in_nothing_but_numpy():
    code = "import sys; before = set(sys.modules); import convlab; print(*sorted(set(sys.modules) - before))"
    out = subprocess.run([sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path}; {code}"], **RUN).stdout
    loaded = {name.partition(".")[0] for name in out.split()}
    assert "numpy" in loaded
    assert loaded - set(sys.stdlib_module_names) <= {"convlab", "numpy", "_distutils_hack"}
    rooms = {name for name in out.split() if name.count(".") == 1 and name.startswith("convlab.")}
    assert rooms <= {"convlab.errors", "convlab.geometry", "convlab.ops"}


RUN = dict(capture_output=True, text=True, check=True)


ENTERED = ["data", "geometry", "layers", "ops", "plots", "models", "hardware", "exercises", "course"]


@pytest.mark.parametrize("name", ENTERED)
def test_every_room_can_be_entered_with_numpy_alone(name):
    block = "class Block:\n def find_spec(self, name, *_):\n  if name.split('.')[0] in HEAVY: raise ImportError(name)\n"
    heavy = (
        "{'tensorflow', 'keras', 'matplotlib', 'scipy', 'sklearn', 'ipywidgets', 'PIL', 'pooch', 'tqdm', 'jupyterlab'}"
    )
    code = f"import sys; HEAVY = {heavy}\n{block}sys.meta_path.insert(0, Block())\nimport convlab.{name}"
    subprocess.run([sys.executable, "-c", code], **RUN)


def test_rooms_are_reached_by_name():
    assert convlab.geometry is sys.modules["convlab.geometry"]
    assert {"data", "geometry", "layers", "ops", "plots"} <= set(dir(convlab))
    with pytest.raises(AttributeError, match="no attribute 'plot'"):
        _ = convlab.plot
