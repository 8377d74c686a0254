"""The Keras models of the course and what trains them. Keras is imported when the first one is built."""

from convlab.models.networks import NETWORKS, build
from convlab.models.progress import progress_bar
from convlab.models.schedule import one_cycle

__all__ = ["NETWORKS", "build", "one_cycle", "progress_bar"]
