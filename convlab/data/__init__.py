"""Data that needs no network, and MNIST: images to convolve and handwritten digits to learn."""

from convlab.data.digits import digits
from convlab.data.handwriting import like_mnist
from convlab.data.images import IMAGES, image
from convlab.data.mnist import Handwriting, load_mnist, mnist_or_digits

__all__ = ["IMAGES", "Handwriting", "digits", "image", "like_mnist", "load_mnist", "mnist_or_digits"]
