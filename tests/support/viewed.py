"""The model viewer in a browser: opened, watched, and what it has drawn."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from tests.conftest import ROOT, missing

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
GRAVE = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`)"""
SEEN = 128  # pixels
PATIENCE = 90_000  # milliseconds: the model is drawn in software


def watched(tab: Any) -> tuple[list[str], list[str]]:
    """What TAB asks for beyond the page itself, and what goes wrong in it; filled while it lives."""
    fetched: list[str] = []
    wrong: list[str] = []
    tab.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "data:", "blob:"))
            else fetched.append(request.url)
        ),
    )
    tab.on(
        "console", lambda message: wrong.append(message.text) if message.type == "error" else None
    )
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    return fetched, wrong


def shown(tab: Any, address: str, box: str = ".view") -> None:
    """Open ADDRESS and wait until its model is drawn."""
    tab.goto(address, timeout=PATIENCE)
    tab.wait_for_selector(f"{box}[data-state=shown]", timeout=PATIENCE)
    tab.evaluate(f"document.querySelector('{box} .i3d-box').scrollIntoView()")


def drawn(tab: Any, box: str = ".view") -> Any:
    """Pixels (SEEN, SEEN, 4) of the model as it stands, on nothing."""
    script = f"""async () => {{
        const image = await createImageBitmap(await document.querySelector('{box}').viewer.stage.still());
        const canvas = new OffscreenCanvas({SEEN}, {SEEN}), brush = canvas.getContext("2d");
        brush.imageSmoothingQuality = "high";
        brush.drawImage(image, 0, 0, {SEEN}, {SEEN});
        return btoa(String.fromCharCode(...brush.getImageData(0, 0, {SEEN}, {SEEN}).data));
    }}"""
    data = base64.b64decode(tab.evaluate(script))
    return np.frombuffer(data, np.uint8).reshape(SEEN, SEEN, 4).astype(int)


def place(tab: Any, point: tuple[float, float, float], box: str = ".view") -> tuple[float, float]:
    """Where POINT (metres) is on the screen."""
    script = f"""(point) => {{
        const {{ stage }} = document.querySelector('{box}').viewer, {{ left, top }} = stage.canvas.getBoundingClientRect();
        const at = stage.seen(stage.centre.clone().set(...point));
        return [left + at.x, top + at.y];
    }}"""
    x, y = tab.evaluate(script, list(point))
    return x, y


def press(tab: Any, text: str) -> None:
    tab.locator(f".i3d-controls button:text-is('{text}')").click()


def grave(tab: Any) -> list[str]:
    """What axe finds serious or critical in TAB as it stands."""
    if not AXE.is_file():
        missing("axe-core", "run npm ci")
    if not tab.evaluate("'axe' in window"):
        tab.evaluate(AXE.read_text() + "; null")
    return list(tab.evaluate(GRAVE))


def until(tab: Any, expression: str, seconds: float = 60.0) -> None:
    """Wait in small steps: the page's policy forbids what playwright would evaluate inside it."""
    for _ in range(int(seconds * 10)):
        if tab.evaluate(expression):
            return
        tab.wait_for_timeout(100)
    raise AssertionError(f"never true: {expression}")
