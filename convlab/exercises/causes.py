"""What a Python error in an array exercise usually comes from."""

import re

# (type, words in the message, likely cause); the first that fits is told
CAUSES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str, str], ...] = (
    (
        ValueError,
        r"could not be broadcast|broadcast (input|output) |shapes? mismatch",
        "Two arrays of different shapes meet. Print both shapes: often a window is cut off at the border, or the "
        "output was made with another size than the loop fills.",
    ),
    (
        ValueError,
        r"matmul|not aligned|core dimension|mismatch in its core",
        "The inner sizes of a matrix product differ. Print both shapes; one of them may need a reshape or .T.",
    ),
    (
        ValueError,
        r"cannot reshape",
        "The new shape holds another count of numbers than the old one. Multiply both shapes out.",
    ),
    (
        ValueError,
        r"truth value of an array",
        "An array stands where one true or false is needed, as in `if a == b`. Use np.array_equal, .any() or .all().",
    ),
    (ValueError, r"negative dimensions", "A size came out negative: look at the formula of the output size."),
    (ValueError, r"unpack", "The value has more or fewer parts than names on the left. Print its shape."),
    (
        IndexError,
        r"out of bounds",
        "An index reaches past the end. The last window begins at size - kernel: there are size - kernel + 1 of them.",
    ),
    (
        IndexError,
        r"too many indices",
        "The array has fewer axes than you index. Print its shape: (batch, height, width, channels), or only two axes?",
    ),
    (IndexError, r"only integers", "An index is a fraction: divide with // instead of /."),
    (
        TypeError,
        r"cannot be interpreted as an integer|slice indices must be integers",
        "A size or an index is a fraction: divide with // instead of /.",
    ),
    (
        TypeError,
        r"NoneType",
        "Something is None: a function without `return`, or a variable that was never set, was used in arithmetic.",
    ),
    (
        TypeError,
        r"positional argument|unexpected keyword|required",
        "A function is called with other arguments than it takes. Compare the call with its signature.",
    ),
    (TypeError, r"not subscriptable|not iterable", "A single number is treated as a list or an array."),
    (TypeError, r"unsupported operand", "Two things that cannot be combined: a list where an array belongs?"),
    (UnboundLocalError, r"", "The variable is read before anything was assigned to it in this function."),
    (NameError, r"'np'", "NumPy is not imported under this name: run the notebook's first cell."),
    (NameError, r"", "This name does not exist: a typing error, or a cell above that was not run."),
    (ZeroDivisionError, r"", "Something is divided by zero: which quantity can be 0 here?"),
    (RecursionError, r"", "The function calls itself without end."),
    (MemoryError, r"", "An array is far larger than meant. Print the shape before it is made."),
    (AttributeError, r"NoneType", "Something is None: a function without `return`, or a variable that was never set."),
    (AttributeError, r"object has no attribute", "This kind of object has nothing of that name. Print its type."),
    (KeyError, r"", "The dict has no such key. Print its keys."),
    (ModuleNotFoundError, r"", "This library is not installed."),
    (AssertionError, r"", "One of your own assertions does not hold here."),
    (SystemExit, r"", "Your function ends Python. Return a result instead."),
    (OverflowError, r"", "A number is larger than its type can hold."),
)


def likely_cause(error: BaseException) -> str:
    """A sentence on where such an error usually comes from, or an empty text."""
    for kind, words, cause in CAUSES:
        if isinstance(error, kind) and re.search(words, str(error)):
            return cause
    return ""
