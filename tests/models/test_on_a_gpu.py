"""What only a GPU can show. Skipped, with the reason, where the backend that KERAS_BACKEND chooses sees none."""

import numpy as np
import pytest

from convlab import ConvlabError, hardware
from convlab.data import digits
from convlab.models import build, evaluate, on_all_devices, train

keras = pytest.importorskip("keras", reason="Keras is not installed")
BACKEND = keras.backend.backend()


def gpus():
    """How many the backend sees."""
    if BACKEND == "torch":
        return pytest.importorskip("torch").cuda.device_count()
    if BACKEND == "jax":
        return sum(device.platform == "gpu" for device in pytest.importorskip("jax").devices())
    return len(pytest.importorskip("tensorflow").config.list_physical_devices("GPU"))


if not gpus():
    pytest.skip(f"Keras' backend {BACKEND} sees no GPU here", allow_module_level=True)


@pytest.fixture(scope="module")
def trained():
    """The small network after two epochs with the small digits."""
    keras.utils.set_random_seed(0)
    model = build("small")
    train(model, digits(28)[0], epochs=2, progress=False)
    return model


def test_the_doctor_names_the_card():
    facts = hardware.gather()
    finding = next(one for one in hardware.examine(facts).findings if one.subject == "GPU")
    assert facts.cards
    assert facts.driver
    if BACKEND == "tensorflow":
        assert finding.state == "ok"
        assert facts.cards[0].split()[-1] in finding.text


def test_memory_growth_comes_too_late_once_a_card_was_used(trained):
    """It has been used before, so it is too late."""
    if BACKEND != "tensorflow":
        pytest.skip(f"the setting is TensorFlow's, and Keras runs on {BACKEND}")
    with pytest.raises(ConvlabError, match="too late"):
        hardware.grow_memory()


def test_the_processor_says_the_same(trained):
    """Cards multiply float32 with 10 bits after the point, unless they are told otherwise."""
    x = digits(28)[1][0][:50, ..., np.newaxis].astype("float32")
    on_gpu = keras.ops.convert_to_numpy(trained(x))
    twin = build("small")
    twin.set_weights(trained.get_weights())
    with keras.device("cpu:0"):
        on_cpu = keras.ops.convert_to_numpy(twin(keras.ops.convert_to_tensor(x)))
    np.testing.assert_allclose(on_gpu, on_cpu, atol=0.01 * np.abs(on_cpu).max())


def test_it_learns_there_also_with_16_bits(trained):
    x, y = digits(28)[1]
    assert evaluate(trained, x, y).accuracy > 0.9
    hardware.mixed_precision("float16")
    try:
        model = build("small")
        assert model.layers[1].compute_dtype == "float16"
        train(model, digits(28)[0], epochs=4, progress=False)
    finally:
        hardware.mixed_precision(False)
    assert evaluate(model, x, y).accuracy > 0.9


def test_the_same_seed_gives_the_same_weights_when_asked_for():
    if BACKEND == "jax":
        pytest.skip("JAX must be told by a flag before it is imported")
    found = []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        model = build("tiny")
        train(model, digits(28)[0], progress=False, deterministic=True)
        found.append(model.get_weights())
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))


def test_several_cards_share_a_batch():
    if gpus() < 2 or BACKEND == "torch":
        pytest.skip(f"{gpus()} GPUs are here for Keras on {BACKEND}, which takes several on tensorflow and jax only")
    with on_all_devices() as devices:
        assert devices.count == gpus()
        model = build("tiny")
        train(model, devices.share(*digits(28)[0]), epochs=3, batch_size=64 * devices.here, progress=False)
    x, y = digits(28)[1]
    assert evaluate(model, x, y).accuracy > 0.9
