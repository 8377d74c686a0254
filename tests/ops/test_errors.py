"""Bad input is a ConvlabError that names the numbers and the remedy, and never another exception."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convlab import ops
from convlab.errors import ConvlabError

X, K = np.ones((2, 5, 6, 3)), np.ones((3, 2, 3, 4))
TABLE = {
    "no batch axis": (lambda: ops.conv2d(X[0], K), r"\(5, 6, 3\).*batch axis.*np\.newaxis"),
    "no channel axis": (lambda: ops.conv2d(X[..., 0], K[:, :, :1]), r"\(2, 5, 6\).*channel axis.*np\.newaxis"),
    "one plane": (lambda: ops.conv2d(X[0, :, :, 0], K), r"\(5, 6\).*correlate2d"),
    "flat kernel": (lambda: ops.conv2d(X, K[:, :, 0, 0]), r"\(3, 2\).*kernel\[:, :, np\.newaxis"),
    "OIHW kernel": (lambda: ops.conv2d(X, np.ones((4, 3, 5, 2))), r"PyTorch's layout.*transpose\(2, 3, 1, 0\)"),
    "filters before channels": (
        lambda: ops.conv2d(X, K.transpose(0, 1, 3, 2)),
        r"3 channels.*4.*transpose\(0, 1, 3, 2",
    ),
    "channels first": (lambda: ops.conv2d(X.transpose(0, 3, 1, 2), K), r"6 channels.*expects 3.*channels_first"),
    "other depth": (lambda: ops.conv2d(X, np.ones((3, 2, 5, 4))), r"3 channels.*expects 5"),
    "kernel too tall": (lambda: ops.conv2d(X, np.ones((7, 2, 3, 4))), r"height.*7.*5.*at most 5.*padding='same'"),
    "dilated too wide": (lambda: ops.conv2d(X, K, dilation=(1, 9)), r"width.*spans 10.*6.*smaller dilation"),
    "groups and filters": (lambda: ops.conv2d(X, K, groups=3), r"groups=3.*filters=4"),
    "stride zero": (lambda: ops.conv2d(X, K, strides=(2, 0)), r"strides \(width\).*at least 1.*0"),
    "stride with batch": (lambda: ops.conv2d(X, K, strides=(1, 2, 2, 1)), r"pair.*4 entries.*batch and channel"),
    "float stride": (lambda: ops.conv2d(X, K, strides=2.0), r"strides.*integer.*2\.0.*float"),
    "padding name": (lambda: ops.conv2d(X, K, padding="full"), r"'valid', 'same'.*'full'"),
    "negative padding": (lambda: ops.conv2d(X, K, padding=((0, -1), (0, 0))), r"bottom.*at least 0.*-1"),
    "bias": (lambda: ops.conv2d(X, K, np.ones(3)), r"4 filters.*\(4,\).*\(3,\)"),
    "complex": (lambda: ops.conv2d(X * 1j, K), r"x holds complex.*\.real"),
    "method": (lambda: ops.conv2d(X, K, method="fast"), r"'fast'.*'im2col'"),
    "data_format": (lambda: ops.conv2d(X, K, data_format="NHWC"), r"channels_last.*'NHWC'"),
    "upstream": (lambda: ops.conv2d_gradients(X, K, X), r"upstream.*\(2, 3, 5, 4\).*\(2, 5, 6, 3\)"),
    "pooling all padding": (lambda: ops.max_pool2d(X, 2, padding=2), r"height.*windows of 2.*less than"),
    "transposed padding": (lambda: ops.conv2d_transpose(X, np.ones((3, 3, 4, 3)), padding=1), r"'valid' or 'same'"),
    "output_padding": (
        lambda: ops.conv2d_transpose(X, np.ones((3, 3, 4, 3)), strides=2, output_padding=2),
        r"output_padding.*less than the stride, 2.*2",
    ),
    "ragged": (lambda: ops.correlate2d([[1, 2], [3]], [[1]]), r"image.*rows.*equal length"),
}


@pytest.mark.parametrize("case", TABLE)
def test_message_names_numbers_and_remedy(case):
    call, message = TABLE[case]
    with pytest.raises(ConvlabError) as caught:
        call()
    assert re.search(message, str(caught.value)), str(caught.value)


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 6),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["same", "valid", "SAME", "channels_first", "loops", "winograd", "fft", b"same", 1j, {}, object()]),
    st.lists(st.integers(-1, 3), max_size=4),
    st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 3)), max_size=3),
)
ARRAYS = st.one_of(
    ODD,
    st.lists(st.integers(0, 4), max_size=5).map(np.ones),
    st.sampled_from([X, K, X.astype(np.int8), X > 0, X * 1j, X.astype(object), X.astype(str), [[1], [2, 3]]]),
)
CALLS = {
    ops.conv2d: ("strides", "padding", "dilation", "groups", "data_format", "method"),
    ops.depthwise_conv2d: ("strides", "padding", "dilation", "data_format"),
    ops.conv2d_transpose: ("strides", "padding", "output_padding", "dilation", "data_format"),
    ops.pointwise_conv2d: ("strides", "data_format"),
    ops.correlate2d: ("strides", "padding", "dilation", "method"),
    ops.max_pool2d: ("strides", "padding", "data_format"),
    ops.avg_pool2d: ("strides", "padding", "data_format"),
}


@pytest.mark.parametrize("function", CALLS, ids=lambda f: f.__name__)
@settings(max_examples=300)
@given(data=st.data())
def test_any_argument_is_answered_or_refused(function, data):
    """Whatever is passed, the answer is an array or a ConvlabError."""
    x, second = data.draw(st.just(X) | ARRAYS), data.draw(st.just(K) | ARRAYS)
    names = data.draw(st.lists(st.sampled_from(CALLS[function]), max_size=3, unique=True))
    try:
        y = function(x, second, **{name: data.draw(ODD, label=name) for name in names})
    except ConvlabError:
        return
    assert isinstance(y, np.ndarray)
