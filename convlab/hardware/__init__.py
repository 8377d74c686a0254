"""What this machine has for the course, what is missing and the one next step, and how to set TensorFlow up for it."""

from convlab.hardware.advice import Finding, Report, doctor, examine
from convlab.hardware.facts import Facts, gather
from convlab.hardware.quiet import quiet_tensorflow
from convlab.hardware.setup import grow_memory, mixed_precision, use_threads

__all__ = [
    "Facts",
    "Finding",
    "Report",
    "doctor",
    "examine",
    "gather",
    "grow_memory",
    "mixed_precision",
    "quiet_tensorflow",
    "use_threads",
]
