"""Data that needs no network, and MNIST: images to convolve and handwritten digits to learn."""

from convlab.data.digits import digits
from convlab.data.images import IMAGES, image
from convlab.data.mnist import Handwriting, load_mnist, mnist_or_digits

__all__ = ["IMAGES", "Handwriting", "digits", "image", "load_mnist", "mnist_or_digits"]
