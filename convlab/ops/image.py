"""One 2-D image, one 2-D kernel: correlation and convolution beside each other, so that the flip is plain to see."""

from typing import Any

from convlab.errors import ConvlabError
from convlab.ops.blocks import Array
from convlab.ops.check import as_numbers
from convlab.ops.conv import conv2d


def correlate2d(
    image: Any, kernel: Any, *, strides: Any = 1, padding: Any = "valid", dilation: Any = 1, method: str = "auto"
) -> Array:
    """Slide the kernel over the image as it is; multiply and sum at each place. What deep learning calls convolution.

        y[i, j] = sum over u, v of  image[i s_h + u d_h, j s_w + v d_w]  kernel[u, v]

    image: (H, W). kernel: (kh, kw). The other arguments are those of `conv2d`. Returns (OH, OW).

    >>> correlate2d([[1, 2, 3]], [[1, 0]])
    array([[1., 2.]])
    """
    image, kernel = _plane(image, "image"), _plane(kernel, "kernel")
    y = conv2d(
        image[None, :, :, None],
        kernel[:, :, None, None],
        strides=strides,
        padding=padding,
        dilation=dilation,
        method=method,
    )
    return y[0, :, :, 0]


def convolve2d(
    image: Any, kernel: Any, *, strides: Any = 1, padding: Any = "valid", dilation: Any = 1, method: str = "auto"
) -> Array:
    """Convolution as mathematics means it: `correlate2d` with the kernel turned by half a turn.

    >>> convolve2d([[1, 2, 3]], [[1, 0]])
    array([[2., 3.]])
    """
    kernel = _plane(kernel, "kernel")
    return correlate2d(image, kernel[::-1, ::-1], strides=strides, padding=padding, dilation=dilation, method=method)


def _plane(value: Any, name: str) -> Array:
    array = as_numbers(value, name)
    if array.ndim != 2:
        more = "use conv2d for batches and channels" if array.ndim > 2 else "write it as a list of rows"
        raise ConvlabError(f"{name} must have two axes (height, width), but has shape {array.shape}: {more}.")
    return array
