"""Well-known wrong implementations of convolution and pooling, for tests that must tell them from the right one.

A mutant replaces one decision of `convolve`. A mutant that fails with an exception counts as told apart.
"""

from math import ceil

import numpy as np

from convlab.exercises.problems.decisions import convolve, same

__all__ = ["MUTANTS", "convolve"]

MUTANTS = {
    "kernel flipped (true convolution)": dict(kernel=lambda k: k[::-1, ::-1]),
    "kernel flipped in height": dict(kernel=lambda k: k[::-1]),
    "kernel flipped in width": dict(kernel=lambda k: k[:, ::-1]),
    "kernel and channels flipped": dict(kernel=lambda k: k[::-1, ::-1, ::-1]),
    "kernel transposed": dict(kernel=lambda k: k.transpose(1, 0, 2, 3)),
    "OIHW weights reshaped": dict(kernel=lambda k: k.transpose(3, 2, 0, 1).reshape(k.shape)),
    "channels and filters swapped": dict(kernel=lambda k: k.transpose(0, 1, 3, 2)),
    "strides swapped": dict(strides=lambda s: s[::-1]),
    "only the first stride": dict(strides=lambda s: (s[0], s[0])),
    "windows end at the end": dict(first=lambda n, reach, stride: (n - reach) % stride),
    "size rounded up": dict(outputs=lambda n, reach, stride: ceil((n - reach) / stride) + 1),
    "size rounded": dict(outputs=lambda n, reach, stride: round((n - reach) / stride) + 1),
    "forgot one": dict(outputs=lambda n, reach, stride: (n - reach) // stride),
    "one added before dividing": dict(outputs=lambda n, reach, stride: (n - reach + 1) // stride),
    "padding only before": dict(pads=lambda pads: [(before, 0) for before, _ in pads]),
    "all padding after": dict(pads=lambda pads: [(0, sum(p)) for p in pads]),
    "padding of height and width swapped": dict(pads=lambda pads: pads[::-1]),
    "same: the odd pixel before": dict(same=lambda n, k, reach, stride: same(n, reach, stride)[::-1]),
    "same: half the kernel on both sides": dict(same=lambda n, k, reach, stride: (k // 2, k // 2)),
    "same: smaller half on both sides": dict(same=lambda n, k, reach, stride: (same(n, reach, stride)[0],) * 2),
    "same: stride ignored": dict(same=lambda n, k, reach, stride: same(n, reach, 1)),
    "same: dilation ignored": dict(same=lambda n, k, reach, stride: same(n, k, stride)),
    "same: size kept": dict(outputs=lambda n, reach, stride: n),
    "edges repeated": dict(fill="edge"),
    "dilated kernel d k": dict(reach=lambda k, d: d * k),
    "dilations swapped": dict(dilation=lambda d: d[::-1]),
    "dilation ignored": dict(dilation=lambda d: (1, 1)),
    "only the first channel": dict(window=lambda p: p[..., 0].sum()),
    "mean over channels": dict(window=lambda p: p.sum((0, 1)).mean()),
    "largest channel": dict(window=lambda p: p.sum((0, 1)).max()),
    "one kernel for all channels": dict(kernel=lambda k: np.repeat(k[:, :, :1], k.shape[2], axis=2)),
    "mean of the window": dict(window=lambda p: p.mean()),
    "bias added per channel": dict(bias=lambda b, f, p: b[f] * p.shape[2]),
    "bias added per tap": dict(bias=lambda b, f, p: b[f] * p.size),
    "one bias for all filters": dict(bias=lambda b, f, p: b[0]),
    "bias forgotten": dict(bias=lambda b, f, p: 0),
    "groups interleaved": dict(group=lambda f, groups, filters: f % groups),
    "all groups see the first": dict(group=lambda f, groups, filters: 0),
    "one image for all": dict(image=lambda n: 0),
    "sums in the image's own integers": dict(accumulate=np.uint8),
}
