"""IPython's commands are taken out of cells, and nothing else is."""

import ast
import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convlab.grading.examination import magics
from convlab.grading.examination.magics import KEPT_CELLS, plain_python

ROOT = Path(__file__).parents[2]
PIECES = [
    "x = 7 % 4\n",
    "x = (7\n% 4)\n",
    "x = 7 \\\n% 4\n",
    "y = 3 != 4\n",
    "z = '%s' % 3\n",
    "z = '''\n%time\n!ls\nwhat?\n'''\n",
    'f"{x!r:>{10}} {x % 2}"\n',
    "def f(a):\n    '''Of a?'''\n    %time b = a\n    return a\n",
    "if x:\n    !echo {x}\nelse:\n    w = !ls\n",
    "for i in range(3):\n    # %time\n    pass\n",
    "%matplotlib inline\n",
    "%time x = 3\n",
    "t = %timeit -o f(3)\n",
    "t = %time f(3)\n",
    "a, b = !ls 'it''s\n",
    "x: list = !ls\n",
    "d['k'] = %who\n",
    "!pip install \\\n  numpy\n",
    "!!ls\n",
    "%cd ..\n",
    "np.pad?\n",
    "np.pad??\n",
    "?np\n",
    "%time?\n",
    "x = {'a': 1,\n  'b?': 2}\n",
    "x = r'\\'\n",
    "x = 'it\\\n%time'\n",
    "x %= 3\n",
    "x == 3\n",
    "f(a=3)\n",
    "g = lambda a=1, *b: a % 2\n",
    "# it's (a comment\n",
    "\n",
    "@property\ndef p(self): return '#%'\n",
]


def plain(source):
    return plain_python(source)[0]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("%matplotlib inline\nx = 1", "None\nx = 1"),
        ("x = !ls\nx = 3", "x = None\nx = 3"),
        ("x = %timeit f()", "x = None"),
        ("%time y = f(3)", "y = f(3)"),
        ("q = %time f(2)", "q = f(2)"),
        ("%time", "None"),
        ("!ls \\\n  -l \\\n  -a\nx = 1", "None\n\n\nx = 1"),
        ("%%bash\nls\nx = 1", "\n\n"),
        ("%%writefile a.py\nx = 1", "\n"),
        ("%%html\n<script>", "\n"),
        ("%%time\nx = 1", "\nx = 1"),
        ("%%timeit -n 3\n%%capture out\nx = 1\n!ls", "\n\nx = 1\nNone"),
        ("\n\n%%time\nx = 1", "\n\n\nx = 1"),
        ("x = 1\n%%time", "x = 1\nNone"),
        ("np.pad?\n?np\n??np", "None\nNone\nNone"),
        ("if x:\n    !ls\n    y = 1", "if x:\n    None\n    y = 1"),
        ("  x = 1\n  %cd\n", "x = 1\nNone\n"),
        (">>> x = 1\n>>> if x:\n...     y = 2", "x = 1\nif x:\n    y = 2"),
        ("In [1]: x = 1\n   ...: y = 2", "x = 1\ny = 2"),
        ("pip install numpy", "None"),
        ("x = 1\r\n%cd\r\ny = 2", "x = 1\nNone\ny = 2"),
    ],
)
def test_commands_are_taken_out_and_lines_keep_their_numbers(source, expected):
    assert plain(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "x = (3\n% 2)",
        "x = 3 \\\n% 2",
        "s = '''\n%time\n!ls\n'''",
        "x = 'what?'",
        "# what?",
        "x != y",
        "x %= 3",
        "'a' % b",
        "x = [\n# it's\n1\n]",
        'x = "\\""\ny = "%"',
        "x = '''\n   \n'''",
        "def f():\n    '''\n    >>> f()\n    !x\n    '''",
        "x = f(a=1) % 2",
        "f(a=!b)",
        "x = (a?\n)",
        "",
        "\n",
    ],
)
def test_plain_python_stays_as_it_is(source):
    assert plain_python(source) == (source, [])


def test_what_was_left_out_is_said():
    _, said = plain_python("%a\n!b\nx = !c\n%d\n" + "!" + "e" * 100)
    assert said[:3] == [
        'line 1, "%a", is a command for IPython and was left out.',
        'line 2, "!b", is a command for IPython and was left out.',
        'line 3, "x = !c", is a command for IPython and was left out.',
    ]
    assert said[3:] == ["2 more such commands were left out."]
    assert plain_python("%%bash\nls")[1] == ['it begins with "%%bash", so it is no Python and was left out.']
    assert plain_python("%time x = 1")[1] == []


def cells():
    """All code cells of the course."""
    for file in sorted(ROOT.glob("*/*.ipynb")):
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                yield "".join(cell["source"])


def test_the_course_is_plain_python():
    sources = list(cells())
    assert len(sources) > 100
    for source in sources:
        assert plain_python(source) == (source, [])


class Plain(ast.NodeTransformer):
    """What IPython would ask itself to do, replaced by what `plain_python` says instead."""

    def visit_Call(self, node):
        if not ast.unparse(node.func).startswith("get_ipython()"):
            return self.generic_visit(node)
        name, *rest = [argument.value for argument in node.args]
        if node.func.attr == "run_line_magic" and name == "time" and rest[0]:
            return ast.parse(rest[0], mode="eval").body if "=" not in rest[0] else ast.Name(id=rest[0])
        return ast.Constant(None)


def by_ipython(source, manager):
    """The program that IPython makes of a cell, without its commands."""
    text = manager.transform_cell(source)
    tree = ast.parse(text)
    call = tree.body[0].value if tree.body and isinstance(tree.body[0], ast.Expr) else None
    if isinstance(call, ast.Call) and ast.unparse(call.func) == "get_ipython().run_cell_magic":
        name, _, body = (argument.value for argument in call.args)
        return by_ipython(body, manager) if name in KEPT_CELLS else []
    return lines(Plain().visit(tree))


def lines(tree):
    """The statements as text, without those that are only None."""
    return [line for node in tree.body if (line := ast.unparse(node)) != "None"]


@pytest.fixture(scope="module")
def manager():
    module = pytest.importorskip("IPython.core.inputtransformer2", reason="IPython is not installed")
    return module.TransformerManager()


def compare(source, manager):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the pieces' own making, such as a comparison that does nothing
        try:
            expected = by_ipython(source, manager)
        except SyntaxError:
            return
        assert lines(ast.parse(plain(source))) == expected


@given(
    pieces=st.lists(st.sampled_from(PIECES), max_size=6), first=st.sampled_from(["", "", "%%time\n", "%%bash\n", "\n"])
)
@settings(max_examples=150)
def test_a_cell_becomes_the_program_that_ipython_makes_of_it(manager, pieces, first):
    compare(first + "".join(pieces), manager)


def test_each_piece_becomes_the_program_that_ipython_makes_of_it(manager):
    for piece in PIECES:
        compare(piece, manager)


@given(st.text(alphabet="%!?=()[]'\"\\\n #xyf,;/{}.:", max_size=200) | st.text(max_size=100))
@settings(max_examples=300)
def test_any_text_is_taken_and_keeps_its_lines(source):
    text, said = plain_python(source)
    unified = source.replace("\r\n", "\n").replace("\r", "\n")
    assert text.count("\n") == unified.count("\n")
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in said)


@pytest.mark.parametrize(
    "piece", ["'", '"', "\\", "(", "%\n", "x = !", "'''", "=", "\n", "? ", "a" * 50 + "\n", ">>> "]
)
def test_long_texts_are_taken(piece):
    """If the time grew with the square of the length, this would take hours."""
    plain_python(piece * (200_000 // len(piece)))


def test_it_needs_nothing_but_the_standard_library():
    code = f"import sys, runpy; runpy.run_path({magics.__file__!r}); print('numpy' in sys.modules)"
    out = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
