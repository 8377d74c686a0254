"""Turn a notebook's cell into plain Python: what only IPython understands is taken out.

Lines keep their numbers, so that an error names the right one. Only text is looked at; nothing runs.
"""

import re
from dataclasses import dataclass
from textwrap import dedent

KEPT_CELLS = {"capture", "memit", "prun", "time", "timeit"}  # %% commands whose cell is Python, and stays
ESCAPES = tuple("%!?,;/")  # IPython's; a statement of Python begins with none of them
NAMED = 3  # commands of a cell that are named one by one
SHOWN = 60  # characters of each

SESSION, IN_SESSION = re.compile(r"[ \t]*>>>(?:[ \t]|$)"), re.compile(r"[ \t]*(?:>>>|\.\.\.)(?:[ \t]|$)")
PROMPT = re.compile(r"In \[\d+\]: |[ \t]*\.{3,}: ?")
INSTALL = re.compile(r"\s*(?:pip3?|conda|mamba)[ \t]+install\b[^\n]*\s*")  # needs no % where it is all of a cell
TIME = re.compile(r"%time[ \t]+(?=\S)")
COMMAND = re.compile(r"%[ \t]*[A-Za-z_]|!")  # after =
TOKEN = re.compile(
    r"""
    (?P<comment> \#.* )
    | (?P<string> \"{3} | '{3} | ["'] )
    | (?P<open> [(\[{] )
    | (?P<close> [)\]}] )
    | (?: \*\* | // | << | >> | [-+*/%&|^@=<>!:] ) =
    | (?P<assign> = )
    | (?P<help> \?{1,2} [ \t]* $ )
    | (?P<continued> \\ $ )
    | [\w \t.,]+
    | .
    """,
    re.VERBOSE,
)
# whatever is not found here is plain Python; most cells are, and to read on takes ten times as long
UNUSUAL = re.compile(
    r"""
    \r | \A (?: [ \t]*+ \n )*+ [ \t]++ \S
    | ^ [ \t]*+ (?: [%!?,;/] | >>> | \.{3} | In[ ]\[ | pip | conda | mamba )
    | ^ [^#\n]*+ (?<= \? ) [ \t]*+ $ | \?[ \t]++$ | = [ \t]*+ [%!]
    """,
    re.VERBOSE | re.MULTILINE,
)
INSIDE = {mark: re.compile(rf"(?:\\.|(?!{mark}).)*") for mark in ('"""', "'''", '"', "'")}


def plain_python(source: str) -> tuple[str, list[str]]:
    """The cell without IPython's commands, and what was left out, in sentences that follow "Cell 3: ".

    `%magic`, `!command` and `help?` become None, a cell in another language becomes empty, and what `%time` measures
    stays. Prompts and a common indentation go, as they do in IPython.

    >>> plain_python("%matplotlib inline\\nx = 7 % 4")
    ('None\\nx = 7 % 4', ['line 1, "%matplotlib inline", is a command for IPython and was left out.'])
    """
    if not UNUSUAL.search(source):
        return source, []
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    if re.match(r"(?:[ \t]*+\n)*+[ \t]++\S", source):
        source = dedent(source)  # which would change strings, where it is not needed
    lines = _unprompted(source.split("\n"))
    if foreign := _blank_cell_commands(lines):
        return "\n" * (len(lines) - 1), [f'it begins with "{_shown(foreign)}", so it is no Python and was left out.']
    if INSTALL.fullmatch(source):
        lines = [line and "%" + line for line in lines]
    lines, commands = _without_commands(lines)
    return "\n".join(lines), _sentences(commands)


def _unprompted(lines: list[str]) -> list[str]:
    """The lines without the prompts of a session that was copied."""
    first = next((line for line in lines if line.strip()), "")
    for initial, any_prompt in ((SESSION, IN_SESSION), (PROMPT, PROMPT)):
        if initial.match(first):
            return [any_prompt.sub("", line, count=1) if any_prompt.match(line) else line for line in lines]
    return lines


def _blank_cell_commands(lines: list[str]) -> str:
    """Blank the %% commands at the beginning whose cell is Python; give the first of another kind, or an empty text."""
    for number, line in enumerate(lines):
        command = re.match(r"%%(\w*)(\?*)", line)
        if (command is None and line.strip()) or (command and command[2]):
            break
        if command and command[1] not in KEPT_CELLS:
            return line
        lines[number] = ""
    return ""


@dataclass(frozen=True)
class _State:
    """Where a line begins: within a string that this mark ends, within so many brackets, after a backslash."""

    string: str = ""
    depth: int = 0
    continued: bool = False


START = _State()


def _without_commands(lines: list[str]) -> tuple[list[str], list[tuple[int, str]]]:
    """The lines with each command replaced by None, and the commands with the numbers of their lines."""
    plain: list[str] = []
    commands: list[tuple[int, str]] = []
    state, in_command = START, False
    for number, line in enumerate(lines, 1):
        if in_command:
            plain.append("")
        else:
            kept, after = _looked_at(line, state)
            plain.append(kept)
            if after is None:
                commands.append((number, line))
            else:
                state = after
        in_command = (in_command or after is None) and line.endswith("\\")
    return plain, commands


def _looked_at(line: str, state: _State) -> tuple[str, _State | None]:
    """What stays of a line, and the state after it; no state if it holds a command."""
    if state != START:
        return line, _scan(line, state)[0]
    indent = line[: len(line) - len(line.lstrip())]
    line = indent + TIME.sub("", line[len(indent) :], count=1) if TIME.match(line, len(indent)) else line
    if line.startswith(ESCAPES, len(indent)):
        return indent + "None", None
    after, assign, asks = _scan(line, state)
    if asks:
        return indent + "None", None
    value = line[assign:].lstrip() if assign else ""
    if TIME.match(value):
        line = f"{line[:assign]} {TIME.sub('', value, count=1)}"
        return line, _scan(line, state)[0]
    return (f"{line[:assign]} None", None) if COMMAND.match(value) else (line, after)


def _scan(line: str, state: _State) -> tuple[_State, int, bool]:
    """Read one line: the state after it, where the value that it assigns begins (or 0), and whether it ends in ?."""
    string, depth, assign, asks, continued, place = state.string, state.depth, 0, False, False, 0
    while place < len(line) or string:
        if string:
            place = INSIDE[string].match(line, place).end()  # type: ignore[union-attr]
            if place == len(line):
                break
            place, string = place + len(string), ""
            continue
        token = TOKEN.match(line, place)
        assert token is not None  # its last alternative takes any character
        kind, place = token.lastgroup, token.end()
        string = token[0] if kind == "string" else ""
        depth = max(depth + {"open": 1, "close": -1}.get(kind or "", 0), 0)
        assign = place if kind == "assign" and depth == 0 and not assign else assign
        asks, continued = kind == "help", kind == "continued"
    if len(string) == 1 and (len(line) - len(line.rstrip("\\"))) % 2 == 0:
        string = ""  # a string with one quote ends with its line, unless a backslash goes on with it
    return _State(string, depth, continued), assign, asks and depth == 0


def _sentences(commands: list[tuple[int, str]]) -> list[str]:
    said = [f'line {n}, "{_shown(text)}", is a command for IPython and was left out.' for n, text in commands[:NAMED]]
    more = len(commands) - NAMED
    return [*said, f"{more} more such commands were left out."] if more > 0 else said


def _shown(text: str) -> str:
    text = text.strip()
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
