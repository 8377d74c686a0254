"""Things to play with in a notebook, each made by one call."""

from convlab.widgets.kernel_explorer import KernelExplorer, kernel_explorer

__all__ = ["KernelExplorer", "kernel_explorer"]
