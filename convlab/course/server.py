"""JupyterLab over a folder of lessons, as `convlab lab` starts it."""

import os
from pathlib import Path
from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyterlab.labapp import LabApp

from convlab.course.lessons import START

NEWS = "@jupyterlab/apputils-extension:announcements"


class PromptConnection(ZMQChannelsWebsocketConnection):
    """The way from a kernel to the browser, where a small message does not wait for the one before it.

    A kernel says "busy" and then answers. TCP, left as it is, holds the answer back until the browser has confirmed
    the first message, and a browser may take 40 ms for that (Nagle's algorithm, RFC 896, and delayed confirmation,
    RFC 1122): far longer than a widget's arithmetic.
    """

    def connect(self) -> Any:
        self.websocket_handler.set_nodelay(True)
        return super().connect()


def serve(folder: Path, port: int, browser: bool) -> None:
    """Serve `folder` until Ctrl+C, on `port` or the next free one, with the first lesson open."""
    options = [
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.port={port}",
        "--ServerApp.log_level=WARN",
        f"--ServerApp.kernel_websocket_connection_class={__name__}.{PromptConnection.__name__}",
    ]
    if (folder / START).is_file():
        options.append(f"--LabApp.default_url=/lab/tree/{START.as_posix()}")
    if not browser:
        options.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    server = LabApp.initialize_server(argv=options)
    server.web_app.settings["page_config_hook"] = _without_news
    server.io_loop.add_callback(lambda: _say_where(folder, server.public_url))  # once it listens, on a port it found
    server.start()


def _without_news(handler: Any, page: dict[str, Any]) -> dict[str, Any]:
    """JupyterLab without its question about news, which a learner would meet first and which asks the network."""
    return page | {"disabledExtensions": [*page.get("disabledExtensions", []), NEWS]}


def _say_where(folder: Path, address: str) -> None:
    print(f"The course in {folder} is open at\n    {address}\nPress Ctrl+C twice to stop.", flush=True)
