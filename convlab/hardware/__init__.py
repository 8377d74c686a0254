"""What this machine has for the course, what is missing and the one next step, and how to set TensorFlow up for it."""

from convlab.hardware.advice import doctor, examine
from convlab.hardware.facts import Facts, gather
from convlab.hardware.quiet import quiet_tensorflow
from convlab.hardware.report import Finding, Report
from convlab.hardware.setup import grow_memory, mixed_precision, use_device, use_threads

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
    "use_device",
    "use_threads",
]
