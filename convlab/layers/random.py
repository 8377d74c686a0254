"""The one source of chance in this package: fresh weights, dropped activations, the order of examples."""

import numpy as np

_generator = np.random.default_rng()


def set_random_seed(seed: int) -> None:
    """Start the source anew, so that what follows is repeated exactly, as `keras.utils.set_random_seed` does."""
    global _generator
    _generator = np.random.default_rng(seed)


def generator(seed: int | None = None) -> np.random.Generator:
    """A generator of its own for a seed; the shared one for None."""
    return _generator if seed is None else np.random.default_rng(seed)
