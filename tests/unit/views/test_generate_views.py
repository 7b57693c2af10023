"""generate_views makes canonical views of a prompt, and says when they only stand in."""

from __future__ import annotations

import base64
import http.server
import io
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.artefacts import Dropped
from pipeline.backends import generators
from pipeline.errors import BackendUnavailable, InputRejected
from pipeline.stages.views import generate_views
from pipeline.workspace import Workspace

Make = Callable[..., Workspace]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USE_IMAGE_STUB", "FLUX_MODEL", "FLUX_BACKEND_URL"):
        monkeypatch.delenv(name, raising=False)


def test_without_weights_the_views_are_a_labelled_stand_in_in_the_prompts_colour(workspace: Make) -> None:
    ws = workspace("prompt", prompt="a red cube")
    views = generate_views.run(None, ws)
    assert views.label == "placeholder"
    assert ws.warnings[0].startswith("Placeholder")
    assert [view.azimuth for view in views.views] == [0, 90, 180, 270]
    with Image.open(ws.path(views.views[0].image)) as image:
        red, green, blue = np.asarray(image)[256, 256].astype(int)
    assert red > 2 * green and red > 2 * blue


def test_high_quality_and_the_views_option_change_the_number(workspace: Make) -> None:
    assert len(generate_views.run(None, workspace("prompt", prompt="x", quality_tier="high")).views) == 8
    assert len(generate_views.run(None, workspace("prompt", prompt="x", views=1)).views) == 1


def test_seeds_differ_by_view_and_follow_the_jobs_seed() -> None:
    first, second = generators.shots("a", 8, 1), generators.shots("a", 8, 2)
    assert len({shot.seed for shot in (*first, *second)}) == 16
    assert first == generators.shots("a", 8, 1)


def test_the_prompt_comes_from_the_dropped_file_where_no_option_has_it(workspace: Make) -> None:
    ws = workspace("prompt")
    (ws.input / "prompt.txt").write_text("a blue\n box\n")
    assert "blue box" in str(generators.shots(generate_views._prompt(Dropped(names=("prompt.txt",)), ws), 1, 0))
    (ws.input / "prompt.txt").write_text(" \n")
    with pytest.raises(InputRejected, match="There is no prompt"):
        generate_views.run(Dropped(names=("prompt.txt",)), ws)


def test_settings_choose_the_generator(workspace: Make) -> None:
    models = workspace().models
    choose = generators.choose
    assert type(choose(models, {})).__name__ == "PlaceholderViews"
    assert type(choose(models, {"USE_IMAGE_STUB": "true", "FLUX_BACKEND_URL": "http://x"})).__name__ == "PlaceholderViews"
    assert type(choose(models, {"FLUX_BACKEND_URL": "http://x"})).__name__ == "RemoteViews"
    with pytest.raises(BackendUnavailable, match="Model flux-dev: is not in the models folder"):
        choose(models, {"FLUX_MODEL": "dev"})


@pytest.fixture
def service() -> Iterator[tuple[str, list[Any]]]:
    asked: list[Any] = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            out = io.BytesIO()
            Image.new("RGB", (32, 32), (1, 2, 3)).save(out, "PNG")
            body = b"nothing" if len(asked) > 4 else json.dumps({"image_b64": base64.b64encode(out.getvalue()).decode()}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_another_hosts_service_is_asked_once_per_view(
    workspace: Make, service: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, asked = service
    monkeypatch.setenv("FLUX_BACKEND_URL", url)
    views = generate_views.run(None, workspace("prompt", prompt="a mug", seed=5))
    assert (views.label, views.views[0].source) == (None, url)
    assert [order["seed"] for order in asked] == [view.seed for view in views.views]
    assert asked[1].keys() == {"prompt", "width", "height", "seed"}
    with pytest.raises(BackendUnavailable, match="gave no picture"):
        generate_views.run(None, workspace("prompt", prompt="a mug"))
