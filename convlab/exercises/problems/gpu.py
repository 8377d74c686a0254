"""Exercises on the set-up of a GPU: what to do next, how much memory training takes, and how to let it grow."""

from collections.abc import Callable, Iterable
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from convlab.errors import ConvlabError
from convlab.exercises.problem import Case, Fresh, Group, Hint, Misconception, Problem, case
from convlab.geometry import ConvSpec, activation_bytes

LESSON = "07_gpu_setup"
NEEDS, SEES, GROWTH, MIXED, MISTAKES = (
    f"{LESSON}#{heading}"
    for heading in (
        "2. What it needs",
        "3. What does TensorFlow see?",
        "5. Memory growth",
        "6. Mixed precision",
        "Mistakes people make here",
    )
)


def gpu_step(report: dict) -> str:
    """The next step towards a GPU.

    report: what was found out about a machine:
        "system": "Linux", "WSL2" (Linux inside of Windows), "Windows" (Windows itself) or "macOS";
        "card": the name of its graphics card, or None; NVIDIA's begin with "NVIDIA";
        "driver": the version of NVIDIA's driver, such as "550.54.14", or None;
        "built_with_cuda": has this TensorFlow the code for CUDA?
        "cuda_libraries": are the Python packages with CUDA and cuDNN installed?
        "gpus": list of the GPUs that TensorFlow sees, such as ["GPU:0"]; it may be empty.
    Returns one of the texts of the exercise.
    """
    # TODO: go through the texts from the top, and return the first one that fits
    # BEGIN SOLUTION
    if report["gpus"]:
        return "use the GPU"
    if report["system"] == "macOS" or not (report["card"] or "").startswith("NVIDIA"):
        return "use the CPU"
    if report["system"] == "Windows":
        return "use WSL2"
    if report["driver"] is None:
        return "install the driver"
    if int(report["driver"].split(".")[0]) < 525:
        return "update the driver"
    if not (report["built_with_cuda"] and report["cuda_libraries"]):
        return "install tensorflow[and-cuda]"
    return "start a new Python process"
    # END SOLUTION


# The table of the statement: each answer with the reports that it fits.
ANSWERS: dict[str, Callable[[dict], bool]] = {
    "use the GPU": lambda r: len(r["gpus"]) > 0,
    "use the CPU": lambda r: r["system"] == "macOS" or not _is_nvidia(r),
    "use WSL2": lambda r: r["system"] == "Windows",
    "install the driver": lambda r: r["driver"] is None,
    "update the driver": lambda r: tuple(int(part) for part in r["driver"].split(".")) < (525,),
    "install tensorflow[and-cuda]": lambda r: not all((r["built_with_cuda"], r["cuda_libraries"])),
    "start a new Python process": lambda r: True,
}


def _is_nvidia(report: dict) -> bool:
    """Is its card one of NVIDIA's?"""
    return report["card"] is not None and report["card"].split()[0] == "NVIDIA"


def _decided(
    changes: dict[str, Callable[[dict], bool]] | None = None, order: Iterable[str] = tuple(ANSWERS)
) -> Callable[[dict], str]:
    """Looks the answer up in the table. changes: other conditions for some answers; order: another order."""
    rules = ANSWERS | (changes or {})
    return lambda report: next(answer for answer in order if rules[answer](report))


def _machine(
    system: str,
    card: str | None,
    driver: str | None,
    built_with_cuda: bool,
    cuda_libraries: bool,
    gpus: tuple[str, ...] = (),
) -> Case:
    """A case whose report is shown whole."""
    report = dict(
        system=system,
        card=card,
        driver=driver,
        built_with_cuda=built_with_cuda,
        cuda_libraries=cuda_libraries,
        gpus=list(gpus),
    )
    return case(Fresh(lambda: dict(report, gpus=list(gpus)), str(report)))


def _machines(rng: np.random.Generator) -> Iterable[Case]:
    """Reports from all branches, each with other details."""
    new, old = ("525.60.13", "535.183.01", "570.86.15"), ("71.86.15", "96.43.23", "390.157", "470.223.02")
    for system in ("Linux", "WSL2", "Windows", "macOS"):
        for built, libraries in ((True, True), (True, False), (False, True), (False, False)):
            yield _machine(system, "NVIDIA RTX A2000", str(rng.choice(new)), built, libraries)
        seen = ("GPU:0",) if system in ("Linux", "WSL2") else ()
        yield _machine(system, "NVIDIA L4", str(rng.choice(new)), True, bool(rng.random() < 0.5), seen)
        yield _machine(system, "NVIDIA GTX 960M", str(rng.choice(old)), bool(rng.random() < 0.5), False)
        yield _machine(system, "AMD Radeon Pro W7900", None, False, False, seen)  # by a build for AMD's ROCm
        for card in (None, "AMD Radeon Pro W6600", "NVIDIA RTX A2000"):
            yield _machine(system, card, None, bool(rng.random() < 0.5), bool(rng.random() < 0.5))


CARD, DRIVER = "NVIDIA T4", "550.54.14"

GPU_STEP = Problem(
    solution=gpu_step,
    title="What to do next?",
    lesson=LESSON,
    statement="""You have a report about a machine, a dict. Go through these texts **from the top**, and return the first
one that fits:

| text | when it fits |
|---|---|
| `"use the GPU"` | TensorFlow sees at least one GPU, however that came about |
| `"use the CPU"` | the card is not one of NVIDIA's, or there is none, or the system is macOS |
| `"use WSL2"` | the system is Windows itself |
| `"install the driver"` | there is no driver (in WSL2 it belongs on the side of Windows) |
| `"update the driver"` | its version is below 525; the number before the first point decides |
| `"install tensorflow[and-cuda]"` | this TensorFlow has no code for CUDA, or the CUDA libraries are missing |
| `"start a new Python process"` | all is there, but TensorFlow does not see it yet |""",
    reference=_decided(),
    groups=(
        Group(
            "one thing is missing",
            1,
            (
                _machine("Linux", CARD, DRIVER, True, False),
                _machine("Linux", CARD, DRIVER, False, True),
                _machine("Linux", CARD, None, True, True),
                _machine("Linux", None, None, True, True),
                _machine("Linux", CARD, DRIVER, True, True),
                _machine("Linux", CARD, DRIVER, True, True, ("GPU:0",)),
            ),
        ),
        Group(
            "old drivers",
            1,
            (
                _machine("Linux", CARD, "470.223.02", True, True),
                _machine("Linux", CARD, "525.60.13", True, True),
                _machine("Linux", "NVIDIA GeForce 7300", "96.43.23", True, True),
            ),
        ),
        Group(
            "other systems, and more than one thing",
            1,
            (
                _machine("WSL2", CARD, DRIVER, True, False),
                _machine("Windows", CARD, DRIVER, False, False),
                _machine("macOS", "Apple M2", None, False, False),
                _machine("macOS", "NVIDIA GeForce GT 750M", None, False, False),
                _machine("WSL2", "AMD Radeon RX 6800", None, True, True),
                _machine("Linux", CARD, "470.223.02", False, False),
                _machine("Linux", CARD, DRIVER, True, False, ("GPU:0", "GPU:1")),
                _machine("macOS", "Apple M2", None, False, False, ("GPU:0",)),  # by Apple's own plugin
            ),
        ),
        Group("other machines", 1, _machines, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "code for CUDA is enough",
            _decided({"install tensorflow[and-cuda]": lambda r: not r["built_with_cuda"]}),
            "You look at `built_with_cuda` only, but plain `pip install tensorflow` on Linux has the code and not the "
            "libraries. Ask for the CUDA libraries too: both must be there.",
            SEES,
        ),
        Misconception(
            "the libraries are enough",
            _decided({"install tensorflow[and-cuda]": lambda r: not r["cuda_libraries"]}),
            "You look at `cuda_libraries` only, but a TensorFlow for processors (`tensorflow-cpu`) cannot use them. Ask for "
            "`built_with_cuda` too: both must be there.",
            SEES,
        ),
        Misconception(
            "versions compared as text",
            _decided({"update the driver": lambda r: r["driver"] < "525"}),
            'You compare the version as text, letter by letter, and then "96.43.23" comes after "525". Take the number '
            "before the first point, as in int(driver.split('.')[0]), and compare numbers.",
            NEEDS,
        ),
        Misconception(
            "any driver will do",
            _decided({"update the driver": lambda r: False}),
            "You ask whether there is a driver, and not how old it is. CUDA 12 needs version 525 or newer: compare the number "
            "before the first point.",
            NEEDS,
        ),
        Misconception(
            "525 itself is refused",
            _decided({"update the driver": lambda r: int(r["driver"].split(".")[0]) <= 525}),
            "You ask for more than 525, but the branch 525 is new enough. Only versions **below** 525 are too old: "
            "compare with <.",
            NEEDS,
        ),
        Misconception(
            "WSL2 taken for Windows",
            _decided({"use WSL2": lambda r: r["system"] in ("Windows", "WSL2")}),
            'You answer "use WSL2" to somebody who is in WSL2 already. There everything goes on as on Linux: only "Windows" '
            "itself gets this answer.",
            NEEDS,
        ),
        Misconception(
            "Windows treated like Linux",
            _decided({"use WSL2": lambda r: False}),
            "You look for the driver and for CUDA on Windows itself, where TensorFlow has used no GPU since 2.11. Answer "
            '"use WSL2" for Windows, before you look at the driver.',
            NEEDS,
        ),
        Misconception(
            "any card will do",
            _decided({"use the CPU": lambda r: r["system"] == "macOS" or r["card"] is None}),
            "You ask whether there is a card, and not whose. CUDA and its driver are NVIDIA's: for a card whose name does not "
            'begin with "NVIDIA" the answer is "use the CPU".',
            NEEDS,
        ),
        Misconception(
            "TensorFlow before the driver",
            _decided(
                order=(*list(ANSWERS)[:3], "install tensorflow[and-cuda]", *list(ANSWERS)[3:5], *list(ANSWERS)[6:])
            ),
            "You look at TensorFlow and its libraries before you look at the driver. Without a driver they are of no use: follow "
            "the order of the table, in which the two lines about the driver come first.",
            MISTAKES,
        ),
        Misconception(
            "the list of GPUs is looked at last",
            _decided(order=(*list(ANSWERS)[1:6], "use the GPU", *list(ANSWERS)[6:])),
            "You look for missing things first, and send away somebody whose GPU works, for instance with a CUDA that was "
            "installed in another way. What TensorFlow sees decides: ask for `gpus` before anything else.",
            SEES,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            'One `if` with a `return` for each line of the table, in its order. The first is `if report["gpus"]: ...`.',
        ),
        Hint(
            "It fails for machines without a driver or without a card",
            "None has no version and no first letters. Ask for `is None` before you split or compare; the order of the table "
            "does this for the driver.",
        ),
        Hint(
            "It is right for most machines, but not for old drivers or half an installation",
            '`int(report["driver"].split(".")[0]) < 525` compares numbers. TensorFlow can compute on the GPU only if '
            '`report["built_with_cuda"] and report["cuda_libraries"]`.',
        ),
    ),
    explanation="Each line needs those above it: no library helps without a driver, and no driver without a card of NVIDIA's "
    "or on a system that TensorFlow's GPU code does not support. So the first thing that is missing is the one to mend. "
    "`convlab doctor` goes through nearly the same questions; what TensorFlow itself lists comes before all of them.",
)


def training_bytes(maps: list, kernels: list, batch: int, mixed: bool = False) -> int:
    """Bytes of memory that training a stack of layers takes, with Adam.

    maps: for each layer, the shape of its output for one image, (height, width, channels). kernels: for each
    convolution, the shape of its kernel, (kh, kw, channels, filters); each filter has one bias too. batch: images that
    are computed together. mixed: with mixed precision? Returns a whole number of bytes.
    """
    # TODO: count the numbers in all maps and in all weights, and multiply each count by its copies and its bytes
    # BEGIN SOLUTION
    numbers = sum(height * width * channels for height, width, channels in maps)
    weights = sum(kh * kw * channels * filters + filters for kh, kw, channels, filters in kernels)
    bytes_of_maps = 2 * batch * numbers * (2 if mixed else 4)  # forward, and their gradients
    bytes_of_weights = 4 * weights * 4  # weights, gradients, and Adam's two averages
    return bytes_of_maps + bytes_of_weights
    # END SOLUTION


def _memory(
    maps: list,
    kernels: list,
    batch: int,
    mixed: bool = False,
    *,
    copies_of_maps: int = 2,
    copies_of_weights: int = 4,
    images: Callable[[int], int] = lambda batch: batch,
    images_for_weights: Callable[[int], int] = lambda batch: 1,
    types: Callable[[bool], tuple[str, str]] = lambda mixed: ("float16" if mixed else "float32", "float32"),
    bias: bool = True,
    times: float = 1,
) -> int:
    """The same from `convlab.geometry`, with every decision replaceable."""
    of_maps, of_weights = types(mixed)
    total = sum(copies_of_maps * activation_bytes((images(batch), *shape), of_maps) for shape in maps)
    for kh, kw, channels, filters in kernels:
        weights = ConvSpec((kh, kw), filters, use_bias=bias).parameters((kh, kw, channels))
        total += copies_of_weights * activation_bytes((images_for_weights(batch), weights), of_weights)
    return int(total * times)


def _mistaken_memory(**changes: Any) -> Callable[..., int]:
    """`_memory` with other decisions, called as `training_bytes` is."""
    return lambda maps, kernels, batch, mixed=False: _memory(maps, kernels, batch, mixed, **changes)


def _numbers_only(maps: list, kernels: list, batch: int, mixed: bool = False) -> int:
    """Numbers, without the bytes of each."""
    return _memory(maps, kernels, batch, mixed, types=lambda mixed: ("uint8", "uint8"))


def _stacks(rng: np.random.Generator) -> Iterable[Case]:
    for k in range(8):
        channels = rng.integers(1, 40, 3).tolist()
        sizes = [tuple(int(v) for v in rng.integers(2, 60, 2)) for _ in range(3)]
        maps = [(*size, filters) for size, filters in zip(sizes, (channels[1], channels[1], channels[2]), strict=True)]
        kernel_sizes = [tuple(int(v) for v in rng.integers(1, 6, 2)) for _ in range(2)]
        kernels = [(*size, *channels[place : place + 2]) for place, size in enumerate(kernel_sizes)]
        yield case(maps, kernels, int(rng.integers(2, 200)), bool(k % 2))


TRAINING_BYTES = Problem(
    solution=training_bytes,
    title="Does it fit into memory?",
    lesson=LESSON,
    statement="""Compute how many **bytes** training with Adam takes. Count the maps of all images of a batch **twice**, for
they are kept, and their gradients take as much again; count the weights, biases included, **four times**: themselves, their
gradients, and Adam's two averages. Every number is a float32, but with mixed precision the maps and their gradients are
float16, while all four copies of the weights stay float32. Nothing else is counted, neither the input images nor any work
space.""",
    reference=_memory,
    groups=(
        Group(
            "one layer",
            1,
            (
                case([(1, 1, 1)], [(1, 1, 1, 1)], 1),
                case([(2, 3, 1)], [(1, 2, 1, 1)], 1),
                case([(4, 5, 3)], [(3, 2, 2, 3)], 10),
            ),
        ),
        Group(
            "several layers",
            1,
            (
                case([(26, 26, 32), (13, 13, 32)], [(3, 3, 1, 32)], 64),
                case([(12, 20, 8), (6, 10, 8), (4, 9, 16)], [(5, 3, 3, 8), (3, 2, 8, 16)], 5),
            ),
        ),
        Group(
            "mixed precision",
            1,
            (
                case([(1, 2, 1)], [(1, 1, 1, 1)], 1, mixed=True),
                case([(6, 8, 4), (3, 4, 4)], [(3, 5, 2, 4)], 16, mixed=True),
            ),
        ),
        Group("other stacks", 1, _stacks, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the batch is forgotten",
            _mistaken_memory(images=lambda batch: 1),
            "You count the maps of a single image. All images of a batch are computed together, and each has maps of its own: "
            "multiply by `batch`.",
            GROWTH,
        ),
        Misconception(
            "the batch multiplies the weights too",
            _mistaken_memory(images_for_weights=lambda batch: batch),
            "You multiply the weights by the batch as well. All images share the same weights, and their gradients are added "
            "up: only maps grow with the batch.",
            GROWTH,
        ),
        Misconception(
            "maps counted once",
            _mistaken_memory(copies_of_maps=1),
            "You count the maps of the way forward only. On the way back each map's gradient takes as much again: count maps "
            "twice.",
            GROWTH,
        ),
        Misconception(
            "weights counted once",
            _mistaken_memory(copies_of_weights=1),
            "You count the weights alone, as if the network were used and not trained. Training with Adam also keeps their gradients "
            "and two averages: count weights four times.",
            GROWTH,
        ),
        Misconception(
            "Adam's averages are forgotten",
            _mistaken_memory(copies_of_weights=2),
            "You count weights and gradients. Adam keeps two averages for each weight, one of the gradients and one of their "
            "squares, so count four in all.",
            GROWTH,
        ),
        Misconception(
            "the biases are forgotten",
            _mistaken_memory(bias=False),
            "You count the kernels, but each filter has a bias as well. Add one weight for each filter, before you multiply by "
            "four copies.",
            "04_channels#5. What does a layer cost?",
        ),
        Misconception(
            "mixed precision makes no difference",
            _mistaken_memory(types=lambda mixed: ("float32", "float32")),
            "You count 4 bytes for each number of the maps, with mixed precision too. Maps and their gradients are float16 "
            "then: 2 bytes each.",
            MIXED,
        ),
        Misconception(
            "mixed precision halves the weights",
            _mistaken_memory(types=lambda mixed: ("float16",) * 2 if mixed else ("float32",) * 2),
            "With mixed precision you count 2 bytes for the weights as well. Weights and all that Adam keeps stay float32: 4 "
            "bytes, whatever the layers compute in.",
            MIXED,
        ),
        Misconception(
            "numbers, not bytes",
            _numbers_only,
            "You count numbers, and not their bytes. A float32 takes 4 bytes and a float16 takes 2: multiply each count by that.",
            GROWTH,
        ),
        Misconception(
            "bits, not bytes",
            _mistaken_memory(times=8),
            "You count 32 for each float32 and 16 for each float16, but those are bits. A byte has 8 bits: count 4 bytes for a "
            "float32, and 2 for a float16.",
            GROWTH,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Make two counts, without copies and bytes: the numbers in all maps of one image, and the weights of all kernels "
            "with their biases.",
        ),
        Hint(
            "My result is right for a batch of one, but not for others",
            "The batch multiplies the maps, and their gradients. It does not touch the weights.",
        ),
        Hint(
            "My result is right, but not with mixed precision",
            "2 · batch · numbers · (2 or 4 bytes) for the maps, plus 4 · weights · 4 bytes, mixed or not.",
        ),
    ),
    explanation="The way back needs every map of the way forward, so nothing can be thrown away in between, and each gets a "
    "gradient of its own size. Weights are there once for all images, but Adam keeps two averages for each, next to the "
    "gradient. That is why a smaller batch helps when memory ends: usually the maps are by far the larger part.",
)


def memory_growth(tf: "ModuleType") -> str:
    """Let TensorFlow take the memory of its GPUs as it needs it.

    tf: TensorFlow, or something that behaves like it, with tf.config.list_physical_devices(kind) and
    tf.config.experimental.set_memory_growth(device, enable). Returns "growth is on", "no GPU" or "too late".
    """
    # TODO: turn it on for every GPU, and tell which of the three it was
    # BEGIN SOLUTION
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "no GPU"
    try:
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError:
        return "too late"
    return "growth is on"
    # END SOLUTION


class Device(NamedTuple):
    """As `tf.config.PhysicalDevice`."""

    name: str
    device_type: str


class StandIn:
    """What a call about devices needs of TensorFlow, with as many GPUs as a case wants.

    growing: numbers of the GPUs whose growth is on already. started: has TensorFlow computed something?
    """

    def __init__(self, gpus: int, started: bool = False, growing: Iterable[int] = ()) -> None:
        self.devices = [Device("/physical_device:CPU:0", "CPU")]
        self.devices += [Device(f"/physical_device:GPU:{k}", "GPU") for k in range(gpus)]
        self.growth = dict.fromkeys(self.devices[1:], False)
        self.growth.update({self.devices[1 + k]: True for k in growing})
        self.started = started
        experimental = SimpleNamespace(
            list_physical_devices=self._list,
            set_memory_growth=self._set,
            get_memory_growth=lambda device: self.growth.get(device),
        )
        self.config = SimpleNamespace(
            list_physical_devices=self._list,
            get_visible_devices=self._list,
            list_logical_devices=self._list_and_start,
            experimental=experimental,
        )

    def _list(self, device_type: str | None = None) -> list[Device]:
        return [device for device in self.devices if device_type in (None, device.device_type)]

    def _list_and_start(self, device_type: str | None = None) -> list[Device]:
        """TensorFlow's list of logical devices makes them, and with that it starts."""
        self.started = True
        return self._list(device_type)

    def _set(self, device: Device, enable: bool) -> None:
        """With the errors, and the words, of TensorFlow's own."""
        if device not in self.devices:
            raise ValueError(f"Unrecognized device: {device!r}")
        if device.device_type != "GPU":
            raise ValueError("Cannot set memory growth on non-GPU and non-Pluggable devices")
        if self.growth[device] == enable:
            return
        if self.started:
            raise RuntimeError("Physical devices cannot be modified after being initialized")
        self.growth[device] = enable


def _gpus(count: int, started: bool = False, growing: Iterable[int] = ()) -> Case:
    """A case with a stand-in, and in words what it is like."""
    words = f"TensorFlow with {'no GPU' if count == 0 else '1 GPU' if count == 1 else f'{count} GPUs'}"
    on = ", ".join(f"GPU:{k}" for k in growing)
    words += f", growth on for {on}" if on else ""
    words += ", started already" if started else ""
    return case(Fresh(lambda: StandIn(count, started, growing), f"<{words}>"))


def _any_gpus(rng: np.random.Generator) -> Iterable[Case]:
    for count in (0, 1, 2, 3, 3, 4):
        for started in (False, True):
            yield _gpus(count, started, [k for k in range(count) if rng.random() < 0.3])


def _growth_facts(result: Any, tf: StandIn) -> dict[str, Any]:
    """The answer, and for each GPU whether its growth is on."""
    answers = ("growth is on", "no GPU", "too late")
    if not isinstance(result, str) or result not in answers:
        raise ConvlabError(f"one of the texts {', '.join(map(repr, answers))} was expected, but {result!r} came back.")
    growth = {f"growth of {device.name[-5:]}": on for device, on in tf.growth.items()}
    return {"the answer": result, **growth}


def _growth_table(tf: StandIn) -> str:
    """What should come of it, read from the stand-in's own state."""
    off = [device for device, on in tf.growth.items() if not on]
    if tf.started and off:
        return "too late"
    tf.growth.update(dict.fromkeys(off, True))
    return "growth is on" if tf.growth else "no GPU"


def _grown(
    listed: Callable[[Any], list] = lambda tf: tf.config.list_physical_devices("GPU"),
    enable: bool = True,
    none: str = "no GPU",
    late: str | None = "too late",
) -> Callable[[Any], str]:
    """Memory growth with some decisions changed. late: the answer to a RuntimeError, or None to let it pass."""

    def grow(tf: Any) -> str:
        devices = listed(tf)
        try:
            for device in devices:
                tf.config.experimental.set_memory_growth(device, enable)
        except RuntimeError:
            if late is None:
                raise
            return late
        return "growth is on" if devices else none

    return grow


MEMORY_GROWTH = Problem(
    solution=memory_growth,
    title="Memory growth, done right",
    lesson=LESSON,
    statement="""Turn memory growth on for **all** GPUs that `tf` has: for none, one or several. Return `"growth is on"` if
it is on for all of them afterwards, and `"no GPU"` if there is none. Where TensorFlow has started already,
`set_memory_growth` raises a `RuntimeError` for a GPU whose growth is still off: then return `"too late"` instead of letting
the error pass. (Where growth was on before, the call does nothing, and all is well.)""",
    reference=_growth_table,
    groups=(
        Group("in time", 1, (_gpus(1), _gpus(0), _gpus(2), _gpus(3, growing=[0]))),
        Group(
            "TensorFlow has started",
            1,
            (_gpus(1, True), _gpus(0, True), _gpus(2, True), _gpus(2, True, [0, 1]), _gpus(2, True, [0])),
        ),
        Group("other machines", 1, _any_gpus, hidden=True),
    ),
    observe=_growth_facts,
    misconceptions=(
        Misconception(
            "only the first GPU is set",
            _grown(lambda tf: tf.config.list_physical_devices("GPU")[:1]),
            "You set the first GPU and leave the others as they are, perhaps by a `return` inside of the loop. TensorFlow "
            "refuses to work with a mixture: go through all GPUs, and return after the loop.",
            MISTAKES,
        ),
        Misconception(
            "the first GPU is taken for granted",
            _grown(lambda tf: [tf.config.list_physical_devices("GPU")[0]]),
            "You take the first GPU of the list without asking whether there is one. The list may be empty, and may be longer: "
            "go through it with a loop.",
            MISTAKES,
        ),
        Misconception(
            "the processor is set too",
            _grown(lambda tf: tf.config.list_physical_devices()),
            "You go through all devices, and the processor is one of them, but it has no such setting. Ask for the GPUs alone: "
            'tf.config.list_physical_devices("GPU").',
            GROWTH,
        ),
        Misconception(
            "logical devices are listed",
            _grown(lambda tf: tf.config.list_logical_devices("GPU")),
            "You list the logical devices, and TensorFlow has to start before it can do that: then it is too late. Use "
            '`tf.config.list_physical_devices("GPU")`, which starts nothing.',
            GROWTH,
        ),
        Misconception(
            "growth is switched off",
            _grown(enable=False),
            "You pass False, with which TensorFlow takes nearly all memory at once. Pass True to let it grow.",
            GROWTH,
        ),
        Misconception(
            "the error is not caught",
            _grown(late=None),
            "Where it is too late you let TensorFlow's RuntimeError pass, and the caller's program ends there. Put the loop "
            'into `try`, and return "too late" from `except RuntimeError`.',
            GROWTH,
        ),
        Misconception(
            "too late, but nobody is told",
            _grown(late="growth is on"),
            "You catch the RuntimeError and go on as if all were well. Growth is off in this case, so tell the caller: return "
            '"too late".',
            GROWTH,
        ),
        Misconception(
            "no GPU taken for success",
            _grown(none="growth is on"),
            "Without a GPU your loop has nothing to do, and you report success. Look whether the list is empty first, and return "
            '"no GPU".',
            GROWTH,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            'Lesson 07 has the two lines that do it: a loop over tf.config.list_physical_devices("GPU"). Add what to return.',
        ),
        Hint(
            "It ends with an IndexError or a ValueError",
            "An IndexError: there is no GPU, so the list has no first element. A ValueError: what you set is not a GPU; ask for "
            'the devices of the kind "GPU".',
        ),
        Hint(
            "It ends with a RuntimeError, or only some GPUs are set",
            '`try:` around the whole loop, `except RuntimeError: return "too late"`, and the last `return` behind both.',
        ),
    ),
    explanation="The list may hold any number of GPUs, and all of them must be set alike, so a loop goes through them. Only a "
    "RuntimeError means that it is too late, so only that is caught; other errors are mistakes in the program and should be "
    "seen. TensorFlow does not complain where growth is on already, so the cell may run twice.",
)

PROBLEMS = [GPU_STEP, TRAINING_BYTES, MEMORY_GROWTH]
