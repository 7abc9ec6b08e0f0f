"""A headless Chromium, driven over its own protocol through a pipe: it types and clicks as a person would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
)  # fmt: skip
_SECONDS = 60


class Tab:
    """One tab, in which no script runs."""

    def __init__(self, pipe: tuple[int, int]) -> None:
        self._incoming, self._outgoing = pipe
        self._messages: Queue[dict[str, Any]] = Queue()
        self._number = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        """What stands in the console."""
        self.addresses: list[str] = []
        """Everything that was asked for, redirects included."""
        Thread(target=self._read, daemon=True).start()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "DOM", "Log", "Accessibility", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setScriptExecutionDisabled", value=True)

    def _read(self) -> None:
        with os.fdopen(self._incoming, "rb") as stream:
            rest = b""
            while chunk := stream.read1(1 << 16):
                *whole, rest = (rest + chunk).split(b"\0")
                for message in whole:
                    self._messages.put(json.loads(message))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a command of the protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._outgoing, json.dumps(message).encode() + b"\0")
        answer = self._until(lambda one: one.get("id") == self._number)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _until(self, wanted: Any) -> dict[str, Any]:
        while True:
            message = self._messages.get(timeout=_SECONDS)
            if message.get("method") == "Log.entryAdded":
                self.complaints.append(message["params"]["entry"]["text"])
            if message.get("method") == "Network.requestWillBeSent":
                self.addresses.append(message["params"]["request"]["url"])
            if wanted(message):
                return message

    def _loaded(self) -> None:
        self._until(lambda one: one.get("method") == "Page.loadEventFired")

    def goto(self, address: str) -> None:
        """Opens an address and waits until it is there, wherever it leads."""
        self.call("Page.navigate", url=address)
        self._loaded()

    def node(self, selector: str) -> int:
        """The first element that a selector finds."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        found: int = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        assert found, f"no {selector} in {self.text}"
        return found

    def attribute(self, selector: str, name: str) -> str:
        """An attribute of an element."""
        found: list[str] = self.call("DOM.getAttributes", nodeId=self.node(selector))["attributes"]
        return dict(zip(found[::2], found[1::2], strict=True))[name]

    def type(self, selector: str, text: str) -> None:
        """Types into a field."""
        self.call("DOM.focus", nodeId=self.node(selector))
        self.call("Input.insertText", text=text)

    def press(self, key: str) -> None:
        """Presses one key, such as Tab."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=9)

    def click(self, selector: str, *, leads: bool = True) -> None:
        """Clicks with the mouse, and waits for the page that it leads to."""
        node = self.node(selector)
        self.call("DOM.scrollIntoViewIfNeeded", nodeId=node)
        box = self.call("DOM.getBoxModel", nodeId=node)["model"]["content"]
        place = {"x": (box[0] + box[4]) / 2, "y": (box[1] + box[5]) / 2, "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, **place)
        if leads:
            self._loaded()

    @property
    def html(self) -> str:
        """The page as it stands."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        return str(self.call("DOM.getOuterHTML", nodeId=root)["outerHTML"])

    @property
    def _tree(self) -> list[dict[str, Any]]:
        nodes: list[dict[str, Any]] = self.call("Accessibility.getFullAXTree")["nodes"]
        return [node for node in nodes if not node["ignored"]]

    @property
    def text(self) -> str:
        """What a screen reader has to read."""
        return " ".join(
            str(node["name"]["value"]) for node in self._tree if node["role"]["value"] == "StaticText"
        )

    def fields(self) -> dict[str, str]:
        """The name and the description of each field, as assistive technology is told them."""
        return {
            str(node["name"]["value"]): str(node.get("description", {}).get("value", ""))
            for node in self._tree
            if node["role"]["value"] in ("textbox", "combobox")
        }

    def focused(self) -> str:
        """The name of what has the focus."""
        for node in self._tree:
            properties = {one["name"]: one["value"].get("value") for one in node.get("properties", [])}
            if properties.get("focused") and node["role"]["value"] != "RootWebArea":
                return str(node["name"]["value"])
        return ""

    @property
    def history(self) -> list[str]:
        """The addresses that the tab has been at."""
        return [entry["url"] for entry in self.call("Page.getNavigationHistory")["entries"]]


@contextmanager
def open_tab(profile: Path) -> Iterator[Tab]:
    """A tab of a new Chromium with a profile of its own."""
    to_child, outgoing = os.pipe()
    incoming, from_child = os.pipe()
    # The protocol is spoken over the descriptors 3 and 4.
    shell = f'exec "$@" 3</proc/self/fd/{to_child} 4>/proc/self/fd/{from_child}'
    words = ["sh", "-c", shell, "sh", str(CHROMIUM), *_FLAGS, f"--user-data-dir={profile}"]
    with subprocess.Popen(words, pass_fds=(to_child, from_child), stderr=subprocess.DEVNULL) as process:
        os.close(to_child)
        os.close(from_child)
        try:
            yield Tab((incoming, outgoing))
        finally:
            process.terminate()
            process.wait(_SECONDS)
            os.close(outgoing)
