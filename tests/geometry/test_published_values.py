"""Sizes and receptive fields against published values.

D&V: V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning" (2016), figures 2 to 5.
Distill: A. Araujo, W. Norris and J. Sim, "Computing receptive fields of convolutional neural networks" (2019), whose
table holds the networks as TF-Slim builds them.
"""

import pytest

from convlab.geometry import ConvSpec, DepthwiseSpec, PoolSpec, output_size, receptive_field, transposed_output_size


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "dilation", "expected"),
    [
        (4, 3, 1, 0, 1, 2),  # D&V figure 2.1
        (5, 4, 1, 2, 1, 6),  # 2.2
        (5, 3, 1, 1, 1, 5),  # 2.3
        (5, 3, 1, 2, 1, 7),  # 2.4
        (5, 3, 2, 0, 1, 2),  # 2.5
        (5, 3, 2, 1, 1, 3),  # 2.6
        (6, 3, 2, 1, 1, 3),  # 2.7: the last row and column are not met
        (7, 3, 1, 0, 2, 3),  # 5.1
    ],
)
def test_output_size(size, kernel, stride, padding, dilation, expected):
    assert output_size(size, kernel, stride, padding, dilation) == expected


@pytest.mark.parametrize(("size", "kernel", "stride", "expected"), [(2, 3, 1, 4), (2, 3, 2, 5)])
def test_transposed_output_size(size, kernel, stride, expected):
    """D&V figures 4.1 and 4.5."""
    assert transposed_output_size(size, kernel, stride) == expected


def alexnet_v2():
    convolutions = [ConvSpec(3, 1, padding="same")] * 3
    pool = PoolSpec(3, strides=2)
    return [ConvSpec(11, 1, strides=4), pool, ConvSpec(5, 1, padding="same"), pool, *convolutions, pool]


def vgg_16():
    return [layer for n in (2, 2, 3, 3, 3) for layer in [*[ConvSpec(3, 1, padding="same")] * n, PoolSpec(2)]]


def resnet_v1(*units):
    """The longest path; the last unit of each block but the last has the stride."""
    stack = [ConvSpec(7, 1, strides=2, padding="same"), PoolSpec(3, strides=2, padding="same")]
    for block, count in enumerate(units):
        for unit in range(count):
            stride = 2 if unit == count - 1 and block < 3 else 1
            stack += [ConvSpec(1, 1), ConvSpec(3, 1, strides=stride, padding="same"), ConvSpec(1, 1)]
    return stack


def mobilenet_v1():
    strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
    pairs = [[DepthwiseSpec(3, strides=s, padding="same"), ConvSpec(1, 1)] for s in strides]
    return [ConvSpec(3, 1, strides=2, padding="same"), *(layer for pair in pairs for layer in pair)]


@pytest.mark.parametrize(
    ("stack", "size", "stride"),
    [
        (alexnet_v2(), 195, 32),
        (vgg_16(), 212, 32),
        (mobilenet_v1(), 315, 32),
        (resnet_v1(3, 4, 6, 3), 483, 32),
        (resnet_v1(3, 4, 23, 3), 1027, 32),
        (resnet_v1(3, 8, 36, 3), 1507, 32),
    ],
    ids=["alexnet_v2", "vgg_16", "mobilenet_v1", "resnet_v1_50", "resnet_v1_101", "resnet_v1_152"],
)
def test_receptive_field(stack, size, stride):
    field = receptive_field(stack, (224, 224, 3))
    assert field.size == (size, size)
    assert field.jump == (stride, stride)
