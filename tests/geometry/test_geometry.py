"""Sizes, costs and receptive fields against published values."""

import pytest

from convlab.errors import ConvlabError
from convlab.geometry import ConvSpec, PoolSpec, SeparableSpec, receptive_field


def test_published_parameter_counts():
    assert ConvSpec(3, 32).parameters((28, 28, 16)) == 4_640
    assert SeparableSpec(3, 32).parameters((28, 28, 16)) == 688


def test_receptive_field_counts_strides_once():
    assert receptive_field([ConvSpec(3, 8), PoolSpec(2)] * 2, (28, 28, 1)).size == (10, 10)


def test_kernel_larger_than_input_names_the_numbers():
    with pytest.raises(ConvlabError, match="width.*kernel of 5.*input of 4"):
        ConvSpec((3, 5), 1).output_shape((9, 4, 1))
