"""Start TensorFlow, Keras' backend and the sandbox, each in a process of its own: one may end, hang, or speak."""

import json
import re
import sys
from typing import Any

from convlab.hardware.running import Said, ask

PATIENCE = 120  # seconds for TensorFlow to start; without bytecode and on a slow disk it takes long

PROBE = """
import json
import tensorflow as tf
build = tf.sysconfig.get_build_info()
gpus = tf.config.list_physical_devices("GPU")
try:
    import keras
    trouble = None
except Exception as error:
    trouble = f"{type(error).__name__}: {error}"
print("\\nFACTS", json.dumps({
    "version": str(tf.__version__),
    "built_with_cuda": bool(tf.test.is_built_with_cuda()),
    "cuda_wanted": build.get("cuda_version"),
    "cudnn_wanted": build.get("cudnn_version"),
    "built_for": list(build.get("cuda_compute_capabilities") or ()),
    "gpus": [gpu.name for gpu in gpus],
    "details": [tf.config.experimental.get_device_details(gpu) for gpu in gpus],
    "keras_error": trouble,
}))
"""
BACKEND_PROBES = {
    "jax": "import jax; devices = [f'{device.platform}:{device.id}' for device in jax.devices()]",
    "torch": "import torch; devices = ['cpu'] + [f'cuda:{k} {torch.cuda.get_device_name(k)}' "
    "for k in range(torch.cuda.device_count())] + ['mps'] * torch.backends.mps.is_available()",
}
TELL_DEVICES = "\nimport json; print('\\nFACTS', json.dumps({'devices': devices}))"
ENDED = {0xC000001D: "an illegal instruction", 0xC0000005: "an access violation", 0xC0000409: "abort()"}  # on Windows
SIGNALS = {4: "an illegal instruction", 6: "abort()", 9: "out of memory, or killed", 11: "a segmentation fault"}


def tensorflow() -> tuple[dict[str, Any], str | None]:
    """What TensorFlow says of itself, or the last words of its import.

    TensorFlow starts Keras with it, and fails where that has a backend that it cannot find; which is not its fault.
    """
    return understand(ask([sys.executable, "-c", PROBE], PATIENCE, {"KERAS_BACKEND": "tensorflow"}))


def backend_devices(backend: str) -> tuple[tuple[str, ...], str | None]:
    """The devices that another backend of Keras sees, or the last words of its import."""
    code = BACKEND_PROBES.get(backend)
    if code is None:
        return (), None
    told, error = understand(ask([sys.executable, "-c", code + TELL_DEVICES], PATIENCE))
    return tuple(map(str, told.get("devices", ()))), error


def understand(said: Said | None) -> tuple[dict[str, Any], str | None]:
    """What a probe has told, or why it has told nothing."""
    if said is None:
        return {}, "Python cannot be started"
    if said.status is None:
        return {}, f"it did not start within {PATIENCE} seconds"
    found = re.findall(r"^FACTS (\{.*\})$", said.out, re.MULTILINE)
    try:
        told = json.loads(found[-1]) if found else None
    except ValueError:
        told = None
    return (told, None) if isinstance(told, dict) else ({}, last_words(said.status or 0, said.errors))


def last_words(status: int, text: str) -> str:
    """Of all that a failed process has written, the line that says why.

    TensorFlow puts advice after the error that it met, and other errors have several lines, so it is not simply the
    last one.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit)\b", line)]
    fatal = [line for line in lines if re.search(r"FATAL|LLVM ERROR|Check failed|these aren't available", line)]
    words = (errors or fatal or lines[-1:] or [""])[-1][:400]
    if status < 0:
        cause = SIGNALS.get(-status)
        end = f"the process was ended by signal {-status}" + (f" ({cause})" if cause else "")
        return f"{end}: {fatal[-1][:400]}" if fatal else end
    if status in ENDED:
        return f"the process was ended by {ENDED[status]}"
    return words or f"exit status {status}"


def sandbox() -> tuple[str, str]:
    """What keeps a student's code apart from this machine, and what hinders a better sandbox, each found by trying."""
    said = ask([sys.executable, "-m", "convlab.grading.sandbox"], PATIENCE)
    try:
        found = json.loads(said.out) if said else {}
        return str(found["level"]), str(found["hindrance"])
    except (ValueError, KeyError, TypeError):
        return "none", "the trial of it failed"
