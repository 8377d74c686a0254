"""One row of pixels, every window on it, and two conventions of "same" side by side."""

from typing import Any

import numpy as np
import traitlets

from convlab import plots
from convlab.errors import ConvlabError
from convlab.geometry import ConvSpec, effective_kernel, output_size, padding_amounts
from convlab.widgets.base import Widget, bundle

MOST = {"size": 24, "kernel": 9, "stride": 6, "dilation": 4}


class Ruler(Widget):
    """What `ruler` makes. `pads`, `outputs` and `never_read` tell what the reader's choice gives."""

    _module = "ruler"
    _esm = bundle(_module)
    size = traitlets.Int(10).tag(sync=True)
    kernel = traitlets.Int(3).tag(sync=True)
    stride = traitlets.Int(1).tag(sync=True)
    dilation = traitlets.Int(1).tag(sync=True)
    padding = traitlets.Unicode("same").tag(sync=True)
    before = traitlets.Int(0).tag(sync=True)
    after = traitlets.Int(0).tag(sync=True)

    @property
    def pads(self) -> tuple[int, int]:
        """Zeros (before, after)."""
        padding = (self.before, self.after) if self.padding == "own" else self.padding
        return padding_amounts(self.size, self.kernel, self.stride, padding, self.dilation)

    @property
    def outputs(self) -> int:
        """How many windows there are."""
        return output_size(self.size, self.kernel, self.stride, self.pads, self.dilation)

    @property
    def never_read(self) -> list[int]:
        """The pixels that lie in no window."""
        starts = np.arange(self.outputs)[:, np.newaxis] * self.stride - self.pads[0]
        read = set((starts + self.dilation * np.arange(self.kernel)).ravel().tolist())
        return [pixel for pixel in range(self.size) if pixel not in read]

    def words(self) -> str:
        before, after = self.pads
        missed = ", ".join(map(str, self.never_read)) or "none"
        return (
            f"Padding and stride ruler: {self.size} pixels, kernel {self.kernel}, stride {self.stride}, dilation "
            f"{self.dilation} (the kernel spans {effective_kernel(self.kernel, self.dilation)}), padding "
            f"{self.padding}: {before} before, {after} after; {self.outputs} outputs. Pixels never read: {missed}."
        )

    def still(self) -> plots.Drawing:
        return plots.strides(
            (1, self.size),
            (1, self.kernel),
            (1, self.stride),
            padding=((0, 0), self.pads),
            dilation=(1, self.dilation),
        )


def ruler(size: int = 10, kernel: int = 3, *, stride: int = 1, padding: Any = "same", dilation: int = 1) -> Ruler:
    """Windows on one row of `size` pixels, at most 24, beside what PyTorch users usually write.

    padding: "valid", "same" or (before, after).

    Raises `ConvlabError` for what does not fit.
    """
    for name, value in {"size": size, "kernel": kernel, "stride": stride, "dilation": dilation}.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST[name]:
            raise ConvlabError(f"{name} must be a whole number from 1 to {MOST[name]}, but {value!r} was given.")
    own = (0, 0) if isinstance(padding, str) else padding_amounts(size, kernel, padding=padding)
    mode = padding if isinstance(padding, str) else "own"
    ConvSpec((1, kernel), strides=stride, padding=padding if mode != "own" else ((0, 0), own), dilation=dilation)
    output_size(size, kernel, stride, padding, dilation)
    return Ruler(size=size, kernel=kernel, stride=stride, dilation=dilation, padding=mode, before=own[0], after=own[1])
