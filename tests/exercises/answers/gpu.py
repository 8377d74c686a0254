"""Correct answers written differently, catalogue entries, and answers with two mistakes, for problems/gpu.py."""

# --- gpu_step

import contextlib


def gpu_step_nested(report):
    """One return, nested conditions."""
    answer = "start a new Python process"
    if not report["built_with_cuda"] or not report["cuda_libraries"]:
        answer = "install tensorflow[and-cuda]"
    if report["driver"] is None:
        answer = "install the driver"
    elif int(report["driver"].partition(".")[0]) < 525:
        answer = "update the driver"
    if report["system"] == "Windows":
        answer = "use WSL2"
    if report["card"] is None or report["card"][:6] != "NVIDIA" or report["system"] == "macOS":
        answer = "use the CPU"
    if len(report["gpus"]) > 0:
        answer = "use the GPU"
    return answer


def gpu_step_match(report):
    """Pattern matching."""
    match report:
        case {"gpus": [_, *_]}:
            return "use the GPU"
        case {"system": "macOS"} | {"card": None}:
            return "use the CPU"
        case {"card": card} if "NVIDIA" not in card:
            return "use the CPU"
        case {"system": "Windows"}:
            return "use WSL2"
        case {"driver": None}:
            return "install the driver"
        case {"driver": version} if float(".".join(version.split(".")[:2])) < 525:
            return "update the driver"
        case {"built_with_cuda": True, "cuda_libraries": True}:
            return "start a new Python process"
    return "install tensorflow[and-cuda]"


def gpu_step_table(report):
    """A list of conditions and answers."""
    driver = report["driver"] or "0"
    version = [int(part) for part in driver.split(".")]
    table = [
        (bool(report["gpus"]), "use the GPU"),
        (report["system"] == "macOS" or not str(report["card"]).startswith("NVIDIA"), "use the CPU"),
        (report["system"] == "Windows", "use WSL2"),
        (not report["driver"], "install the driver"),
        (version < [525], "update the driver"),
        (report["built_with_cuda"] + report["cuda_libraries"] < 2, "install tensorflow[and-cuda]"),
        (True, "start a new Python process"),
    ]
    return next(answer for fits, answer in table if fits)


def gpu_step_numpy(report):
    """NumPy's choice of the first condition; texts come back as NumPy's."""
    import numpy as np

    old = report["driver"] is not None and int(report["driver"][: report["driver"].index(".")]) < 525
    conditions = [
        len(report["gpus"]) != 0,
        report["system"] == "macOS" or report["card"] is None or report["card"].split()[0] != "NVIDIA",
        report["system"] == "Windows",
        report["driver"] is None,
        old,
        not report["built_with_cuda"] or not report["cuda_libraries"],
    ]
    answers = [
        "use the GPU",
        "use the CPU",
        "use WSL2",
        "install the driver",
        "update the driver",
        "install tensorflow[and-cuda]",
    ]
    return np.select(conditions, answers, "start a new Python process")


def gpu_step_doctor(report):
    """The course's own doctor, but for what it does not know: whose card it is."""
    from dataclasses import replace

    from convlab.hardware.facts import Facts
    from convlab.hardware.gpu_advice import gpu_step

    if report["gpus"]:
        return "use the GPU"
    if not (report["card"] or "").startswith("NVIDIA"):
        return "use the CPU"
    names = Facts.__dataclass_fields__
    facts = Facts(**dict.fromkeys(names))
    facts = replace(
        facts,
        system={"WSL2": "Linux", "macOS": "Darwin"}.get(report["system"], report["system"]),
        wsl=report["system"] == "WSL2",
        driver=report["driver"],
        built_with_cuda=report["built_with_cuda"],
        cuda_libraries=report["cuda_libraries"],
        gpus=tuple(report["gpus"]),
    )
    step = gpu_step(facts)
    if report["driver"] is None and report["system"] in ("Linux", "WSL2"):
        return "install the driver"
    words = {
        "WSL2:": "use WSL2",
        "install its driver": "install the driver",
        "too old": "update the driver",
        "[gpu]": "install tensorflow[and-cuda]",
        "start a new": "start a new Python process",
    }
    return next((answer for word, answer in words.items() if word in step), "use the CPU")


def gpu_step_text_and_wsl(report):
    """Two mistakes: versions compared as text, WSL2 taken for Windows."""
    if report["gpus"]:
        return "use the GPU"
    if report["system"] == "macOS" or not (report["card"] or "").startswith("NVIDIA"):
        return "use the CPU"
    if report["system"] in ("Windows", "WSL2"):
        return "use WSL2"
    if report["driver"] is None:
        return "install the driver"
    if report["driver"] < "525":
        return "update the driver"
    if not (report["built_with_cuda"] and report["cuda_libraries"]):
        return "install tensorflow[and-cuda]"
    return "start a new Python process"


def gpu_step_any_card_any_driver(report):
    """Two mistakes: any card will do, any driver will do."""
    if report["gpus"]:
        return "use the GPU"
    if report["system"] == "macOS" or report["card"] is None:
        return "use the CPU"
    if report["system"] == "Windows":
        return "use WSL2"
    if report["driver"] is None:
        return "install the driver"
    if not (report["built_with_cuda"] and report["cuda_libraries"]):
        return "install tensorflow[and-cuda]"
    return "start a new Python process"


def gpu_step_code_and_last(report):
    """Two mistakes: code for CUDA is enough, the list of GPUs is looked at last."""
    if report["system"] == "macOS" or not (report["card"] or "").startswith("NVIDIA"):
        return "use the CPU"
    if report["system"] == "Windows":
        return "use WSL2"
    if report["driver"] is None:
        return "install the driver"
    if int(report["driver"].split(".")[0]) < 525:
        return "update the driver"
    if not report["built_with_cuda"]:
        return "install tensorflow[and-cuda]"
    return "use the GPU" if report["gpus"] else "start a new Python process"


# --- training_bytes


def training_bytes_loops(maps, kernels, batch, mixed=False):
    """Plain loops."""
    total = 0
    for height, width, channels in maps:
        for _ in ("forward", "gradient"):
            total += batch * height * width * channels * (2 if mixed else 4)
    for kh, kw, channels, filters in kernels:
        for _ in ("weights", "gradients", "mean", "mean of squares"):
            total += (kh * kw * channels * filters + filters) * 4
    return total


def training_bytes_nbytes(maps, kernels, batch, mixed=False):
    """What NumPy's arrays of these shapes take."""
    import numpy as np

    kind = np.float16 if mixed else np.float32
    of_maps = sum(np.broadcast_to(kind(0), (2, batch, *shape)).nbytes for shape in maps)
    of_weights = sum(np.zeros((4, *shape), np.float32).nbytes for shape in kernels)
    return of_maps + of_weights + sum(np.zeros((4, shape[-1]), np.float32).nbytes for shape in kernels)


def training_bytes_vectors(maps, kernels, batch, mixed=False):
    """Products along an axis; a NumPy number comes back."""
    import numpy as np

    maps, kernels = np.asarray(maps), np.asarray(kernels)
    return 2 * (2 if mixed else 4) * batch * maps.prod(axis=1).sum() + 16 * (kernels.prod(axis=1) + kernels[:, -1]).sum(
        dtype=np.int64
    )


def training_bytes_geometry(maps, kernels, batch, mixed=False):
    """With the course's own specifications of layers."""
    from math import prod

    from convlab.geometry import ConvSpec

    weights = sum(ConvSpec((kh, kw), filters).parameters((kh, kw, channels)) for kh, kw, channels, filters in kernels)
    return 2 * batch * sum(map(prod, maps)) * (4, 2)[mixed] + 4 * 4 * weights


def training_bytes_float(maps, kernels, batch, mixed=False):
    """Other names of the arguments' parts, and a float as a result."""
    from functools import reduce
    from operator import mul

    def count(shape):
        return reduce(mul, shape, 1)

    per_number = 16 // 8 if mixed else 32 // 8
    activations = 2.0 * batch * per_number * sum(count(shape) for shape in maps)
    return activations + 4.0 * 4 * sum(count(shape) * (1 + 1 / count(shape[:3])) for shape in kernels)


def _training_bytes(maps, kernels, batch, mixed, copies=2, states=4, bias=1, of_maps=4, of_weights=4):
    from math import prod

    numbers = sum(prod(shape) for shape in maps)
    weights = sum(prod(shape) + bias * shape[-1] for shape in kernels)
    return copies * batch * numbers * of_maps + states * weights * of_weights


def training_bytes_no_bias_no_averages(maps, kernels, batch, mixed=False):
    """Two mistakes: biases and averages are forgotten."""
    return _training_bytes(maps, kernels, batch, mixed, states=2, bias=0, of_maps=2 if mixed else 4)


def training_bytes_forward_weights_once(maps, kernels, batch, mixed=False):
    """Two mistakes: maps counted once, weights counted once."""
    return _training_bytes(maps, kernels, batch, mixed, copies=1, states=1, of_maps=2 if mixed else 4)


def training_bytes_batch_and_mixed(maps, kernels, batch, mixed=False):
    """Two mistakes: the batch is forgotten, mixed precision makes no difference."""
    return _training_bytes(maps, kernels, 1, mixed)


# --- memory_growth


def memory_growth_else(tf):
    """`try` with `else`, and the list looked at last."""
    devices = tf.config.list_physical_devices(device_type="GPU")
    try:
        for k in range(len(devices)):
            tf.config.experimental.set_memory_growth(device=devices[k], enable=True)
    except RuntimeError:
        return "too late"
    else:
        return "growth is on" if devices else "no GPU"


def memory_growth_old_name(tf):
    """The old name of the list, and `map`."""
    experimental = tf.config.experimental
    gpus = experimental.list_physical_devices("GPU")
    if len(gpus) == 0:
        return "no GPU"
    try:
        list(map(experimental.set_memory_growth, gpus, [True] * len(gpus)))
    except RuntimeError as error:
        print(error)
        return "too late"
    return "growth is on"


def memory_growth_asks_first(tf):
    """Asks each GPU before it sets anything."""
    answer = "no GPU"
    for gpu in tf.config.list_physical_devices("GPU"):
        if not tf.config.experimental.get_memory_growth(gpu):
            try:
                tf.config.experimental.set_memory_growth(gpu, True)
            except RuntimeError:
                answer = "too late"
        answer = answer if answer == "too late" else "growth is on"
    return answer


def memory_growth_filters(tf):
    """Picks the GPUs out of all devices."""
    gpus = [device for device in tf.config.list_physical_devices() if device.device_type == "GPU"]
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:
            return "too late"
    return "growth is on" if len(gpus) else "no GPU"


def memory_growth_visible(tf):
    """The visible devices, and a look at the result."""
    gpus = tf.config.get_visible_devices("GPU")
    try:
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
    except Exception:
        pass
    if gpus == []:
        return "no GPU"
    return "growth is on" if all(map(tf.config.experimental.get_memory_growth, gpus)) else "too late"


def memory_growth_first_and_silent(tf):
    """Two mistakes: only the first GPU, and nobody is told that it is too late."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "no GPU"
    with contextlib.suppress(RuntimeError):
        tf.config.experimental.set_memory_growth(gpus[0], True)
    return "growth is on"


def memory_growth_none_and_uncaught(tf):
    """Two mistakes: no GPU taken for success, the error is not caught."""
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    return "growth is on"


def memory_growth_logical_uncaught(tf):
    """Two mistakes: logical devices are listed, the error is not caught."""
    gpus = tf.config.list_logical_devices("GPU")
    if not gpus:
        return "no GPU"
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    return "growth is on"


VARIANTS = {
    "gpu_step": [gpu_step_nested, gpu_step_match, gpu_step_table, gpu_step_numpy, gpu_step_doctor],
    "training_bytes": [
        training_bytes_loops,
        training_bytes_nbytes,
        training_bytes_vectors,
        training_bytes_geometry,
        training_bytes_float,
    ],
    "memory_growth": [
        memory_growth_else,
        memory_growth_old_name,
        memory_growth_asks_first,
        memory_growth_filters,
        memory_growth_visible,
    ],
}


DOUBLES = {
    "gpu_step": [gpu_step_text_and_wsl, gpu_step_any_card_any_driver, gpu_step_code_and_last],
    "training_bytes": [
        training_bytes_no_bias_no_averages,
        training_bytes_forward_weights_once,
        training_bytes_batch_and_mixed,
    ],
    "memory_growth": [memory_growth_first_and_silent, memory_growth_none_and_uncaught, memory_growth_logical_uncaught],
}
