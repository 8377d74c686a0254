"""MNIST: the order of its sources, its download, and every file that is not it."""

import hashlib
import io
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convlab import ConvlabError, data
from convlab.data import mnist


def arrays(train=5, test=3, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "x_train": rng.integers(0, 256, (train, 28, 28), np.uint8),
        "y_train": rng.integers(0, 10, train, np.uint8),
        "x_test": rng.integers(0, 256, (test, 28, 28), np.uint8),
        "y_test": rng.integers(0, 10, test, np.uint8),
    }


def npz(**content):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **content)
    return buffer.getvalue()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty Keras cache, no file named, and a server that cannot be reached."""
    monkeypatch.delenv("CONVLAB_MNIST", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(mnist, "URL", "http://127.0.0.1:9/mnist.npz")
    monkeypatch.setattr(mnist, "SHA256", hashlib.sha256(npz(**arrays())).hexdigest())
    return tmp_path / "keras" / "datasets" / "mnist.npz"


@pytest.fixture
def serve(monkeypatch):
    """Serve `content`, of which at most `sent` bytes are sent; gives the paths that were asked for."""
    servers = []

    def start(content, sent=None):
        asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[:sent])

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        monkeypatch.setattr(mnist, "URL", f"http://127.0.0.1:{server.server_port}/mnist.npz")
        return asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def assert_is(loaded, expected):
    (x, y), (x_test, y_test) = loaded
    for got, name in zip((x, y, x_test, y_test), ("x_train", "y_train", "x_test", "y_test"), strict=True):
        np.testing.assert_array_equal(got, expected[name])


def test_a_path_comes_before_the_variable_and_the_variable_before_the_cache(cache, tmp_path, monkeypatch):
    cache.parent.mkdir(parents=True)
    for seed, file in enumerate([cache, tmp_path / "variable.npz", tmp_path / "path.npz"]):
        file.write_bytes(npz(**arrays(seed=seed)))
    assert_is(data.load_mnist(), arrays(seed=0))
    monkeypatch.setenv("CONVLAB_MNIST", str(tmp_path / "variable.npz"))
    assert_is(data.load_mnist(), arrays(seed=1))
    assert_is(data.load_mnist(tmp_path / "path.npz"), arrays(seed=2))
    assert_is(data.load_mnist(str(tmp_path / "path.npz")), arrays(seed=2))


def test_a_home_folder_is_understood(cache, tmp_path, monkeypatch):
    (tmp_path / "own.npz").write_bytes(npz(**arrays()))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert_is(data.load_mnist("~/own.npz"), arrays())


def test_the_download_is_kept_where_keras_looks_and_is_not_repeated(cache, serve, capfd):
    asked = serve(npz(**arrays()))
    assert_is(data.load_mnist(), arrays())
    assert "MNIST" in capfd.readouterr().err  # the progress bar
    assert_is(data.load_mnist(), arrays())
    assert asked == ["/mnist.npz"]
    assert os.listdir(cache.parent) == ["mnist.npz"]
    assert capfd.readouterr().err == ""


def test_a_damaged_file_in_the_cache_is_replaced(cache, serve):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(npz(**arrays())[:-10])
    serve(npz(**arrays()))
    assert_is(data.load_mnist(), arrays())


@pytest.mark.parametrize(("content", "sent"), [(npz(**arrays()), 100), (npz(**arrays(seed=1)), None), (b"", None)])
def test_a_download_that_went_wrong_leaves_nothing(cache, serve, content, sent):
    serve(content, sent)
    with pytest.raises(ConvlabError, match=r"could not be downloaded .*CONVLAB_MNIST.*digits\(28\)"):
        data.load_mnist()
    assert not cache.parent.exists() or os.listdir(cache.parent) == []


def test_offline_is_one_sentence(cache):
    with pytest.raises(ConvlabError, match=r"^MNIST is not in \S+datasets and could not be downloaded") as caught:
        data.load_mnist()
    assert "\n" not in str(caught.value)
    assert str(caught.value).count(". ") == 0


def test_offline_with_a_damaged_file_names_it_and_keeps_it(cache):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"half")
    with pytest.raises(ConvlabError, match=r"mnist.npz is damaged and could not be downloaded"):
        data.load_mnist()
    assert cache.read_bytes() == b"half"


def test_lessons_go_on_with_the_digits_and_say_so(cache):
    handwriting = data.mnist_or_digits()
    assert handwriting.source == "scikit-learn's digits, enlarged to 28 x 28"
    assert handwriting.note.startswith("MNIST is not in")
    (x, y), (x_test, y_test) = data.digits(28)
    for got, expected in zip(handwriting, (x, y, x_test, y_test), strict=False):
        np.testing.assert_array_equal(got, expected)


def test_lessons_use_mnist_where_it_is(cache, serve):
    serve(npz(**arrays()))
    handwriting = data.mnist_or_digits()
    assert (handwriting.source, handwriting.note) == ("MNIST", "")
    assert_is((handwriting[:2], handwriting[2:4]), arrays())


@pytest.mark.parametrize("how", ["path", "variable"])
def test_a_file_that_was_named_is_never_replaced_by_the_digits(cache, tmp_path, monkeypatch, how):
    missing = tmp_path / "missing.npz"
    if how == "variable":
        monkeypatch.setenv("CONVLAB_MNIST", str(missing))
    with pytest.raises(ConvlabError, match=r"there is no file \S+missing.npz"):
        data.mnist_or_digits(missing if how == "path" else None)


WRONG = {
    "a label is missing": arrays() | {"y_train": arrays()["y_train"][1:]},
    "labels are floats": arrays() | {"y_test": arrays()["y_test"].astype(float)},
    "images are floats": arrays() | {"x_train": arrays()["x_train"] / 255},
    "images are 32 x 32": arrays() | {"x_train": np.zeros((5, 32, 32), np.uint8)},
    "images have channels": arrays() | {"x_test": np.zeros((3, 28, 28, 1), np.uint8)},
    "letters": arrays() | {"y_train": np.full(5, 17, np.uint8)},
    "nothing": arrays(train=0),
    "an array is missing": {k: v for k, v in arrays().items() if k != "x_test"},
    "pickled objects": arrays() | {"x_test": np.array([{}], object)},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_archive_is_named(name, tmp_path):
    file = tmp_path / "wrong.npz"
    file.write_bytes(npz(**WRONG[name]))
    with pytest.raises(ConvlabError, match=r"wrong\.npz .*get mnist.npz"):
        data.load_mnist(file)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 7000), junk=st.binary(max_size=20))
def test_a_cut_off_or_overwritten_file_is_named_or_whole(tmp_path, cut, junk):
    whole, file = npz(**arrays()), tmp_path / "broken.npz"
    file.write_bytes(whole[:cut] + junk + whole[cut + len(junk) :] if junk else whole[:cut])
    try:
        (x, _), _ = data.load_mnist(file)
    except ConvlabError as error:
        assert "broken.npz" in str(error)  # noqa: PT017
    else:
        assert x.shape == (5, 28, 28)


@pytest.mark.parametrize("content", [b"", b"not an archive", npz(**arrays())[:500]])
def test_another_file_is_named(tmp_path, content):
    (tmp_path / "other.npz").write_bytes(content)
    with pytest.raises(ConvlabError, match=r"other.npz cannot be read as MNIST"):
        data.load_mnist(tmp_path / "other.npz")


def test_one_array_is_not_an_archive(tmp_path):
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(ConvlabError, match=r"one.npy cannot be read as MNIST"):
        data.load_mnist(tmp_path / "one.npy")


def test_the_real_file():
    file = os.environ.get("CONVLAB_MNIST")
    if not file:
        pytest.skip("CONVLAB_MNIST names no mnist.npz, so the real file is not tested")
    (x, y), (x_test, y_test) = data.load_mnist()
    assert (x.shape, x_test.shape) == ((60000, 28, 28), (10000, 28, 28))
    # counts of each digit as published with the set: LeCun, Cortes and Burges, "The MNIST database"
    assert np.bincount(y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    # and the mean and deviation that the field normalises by, 0.1307 and 0.3081
    np.testing.assert_allclose([(x / 255).mean(), (x / 255).std()], [0.1307, 0.3081], atol=5e-5)
