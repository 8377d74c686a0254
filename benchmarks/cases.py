"""The layers that are measured: from one MNIST image to a stage of a residual network."""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from convlab.geometry import ConvSpec, DepthwiseSpec, SeparableSpec, TransposeSpec

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """One layer. kind: "conv", "depthwise", "separable" or "transposed". group: what it is summed up with."""

    name: str
    group: str
    kind: str
    x: Shape
    kernels: tuple[Shape, ...]
    strides: int = 1
    dilation: int = 1
    padding: str = "valid"

    @property
    def label(self) -> str:
        return f"{self.name} {self.padding}"

    @property
    def spec(self) -> Any:
        """The layer as `convlab.geometry` describes it."""
        kernel, more = self.kernels[0], {"strides": self.strides, "padding": self.padding, "dilation": self.dilation}
        if self.kind == "depthwise":
            return DepthwiseSpec(kernel[:2], depth_multiplier=kernel[3], **more)
        if self.kind == "separable":
            return SeparableSpec(kernel[:2], self.kernels[1][3], depth_multiplier=kernel[3], **more)
        if self.kind == "transposed":
            return TransposeSpec(kernel[:2], kernel[2], **more)
        return ConvSpec(kernel[:2], kernel[3], **more)

    @property
    def output(self) -> Shape:
        return (self.x[0], *self.spec.output_shape(self.x[1:]))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the definition for the whole batch."""
        return self.x[0] * self.spec.macs(self.x[1:])

    def arrays(self) -> tuple[np.ndarray, ...]:
        """x, the kernels, and a gradient with respect to the output: float32, the same in every run."""
        rng = np.random.default_rng(prod(self.x))
        return tuple(rng.standard_normal(shape, dtype=np.float32) for shape in (self.x, *self.kernels, self.output))


def _layers() -> list[Case]:
    return [
        Case("one MNIST image", "dense", "conv", (1, 28, 28, 1), ((3, 3, 1, 8),)),
        Case("MNIST first", "dense", "conv", (64, 28, 28, 1), ((3, 3, 1, 32),)),
        Case("MNIST second", "dense", "conv", (64, 26, 26, 32), ((3, 3, 32, 64),)),
        Case("ResNet stem 7x7 /2", "dense", "conv", (1, 224, 224, 3), ((7, 7, 3, 64),), strides=2),
        Case("ResNet stage 3x3", "dense", "conv", (8, 56, 56, 64), ((3, 3, 64, 64),)),
        Case("ResNet stage 3x3 /2", "dense", "conv", (8, 56, 56, 64), ((3, 3, 64, 128),), strides=2),
        Case("ResNet deep 3x3", "dense", "conv", (8, 14, 14, 256), ((3, 3, 256, 256),)),
        Case("5x5", "dense", "conv", (16, 28, 28, 32), ((5, 5, 32, 64),)),
        Case("image filter 3x3", "dense", "conv", (1, 512, 512, 1), ((3, 3, 1, 1),)),
        Case("1x1", "dense", "conv", (8, 56, 56, 64), ((1, 1, 64, 128),)),
        Case("dilation 2", "dilated", "conv", (8, 28, 28, 128), ((3, 3, 128, 128),), dilation=2),
        Case("15x15", "large kernel", "conv", (1, 256, 256, 3), ((15, 15, 3, 8),)),
        Case("image filter 31x31", "large kernel", "conv", (1, 512, 512, 1), ((31, 31, 1, 1),)),
        Case("depthwise 3x3", "depthwise", "depthwise", (8, 56, 56, 64), ((3, 3, 64, 1),)),
        Case("separable 3x3", "separable", "separable", (8, 56, 56, 64), ((3, 3, 64, 1), (1, 1, 64, 128))),
        Case("transposed 4x4 *2", "transposed", "transposed", (8, 14, 14, 128), ((4, 4, 64, 128),), strides=2),
    ]


def all_cases() -> list[Case]:
    """Every layer with both paddings."""
    paddings = ("valid", "same")
    return [Case(**{**vars(layer), "padding": padding}) for layer in _layers() for padding in paddings]


TINY = Case("tiny", "dense", "conv", (2, 6, 5, 2), ((3, 2, 2, 3),))
