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

from pipeline import config
from pipeline.artefacts import Dropped, Shots
from pipeline.backends import generator_protocol, generators
from pipeline.errors import BackendUnavailable, InputRejected
from pipeline.stages.views import generate_views
from pipeline.watchers import fleet
from pipeline.workspace import Workspace
from tests.support.hub import flux, lay

Make = Callable[..., Workspace]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USE_IMAGE_STUB", "FLUX_MODEL", "FLUX_BACKEND_URL", "FLUX_BACKEND_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_without_weights_the_views_are_a_labelled_stand_in_in_the_prompts_colour(
    workspace: Make,
) -> None:
    ws = workspace("prompt", prompt="a red cube")
    views = generate_views.run(None, None, ws)
    assert views.label == "placeholder"
    assert ws.warnings[0].startswith("Placeholder")
    assert [view.azimuth for view in views.views] == [0, 90, 180, 270]
    with Image.open(ws.path(views.views[0].image)) as image:
        red, green, blue = np.asarray(image)[256, 256].astype(int)
    assert red > 2 * green and red > 2 * blue


@pytest.mark.slow
def test_high_quality_and_the_views_option_change_the_number(workspace: Make) -> None:
    assert (
        len(
            generate_views.run(
                None, None, workspace("prompt", prompt="x", quality_tier="high")
            ).views
        )
        == 8
    )
    assert len(generate_views.run(None, None, workspace("prompt", prompt="x", views=1)).views) == 1


def test_seeds_differ_by_view_and_follow_the_jobs_seed() -> None:
    first, second = generator_protocol.shots("a", 8, 1), generator_protocol.shots("a", 8, 2)
    assert len({shot.seed for shot in (*first, *second)}) == 16
    assert first == generator_protocol.shots("a", 8, 1)


def test_the_prompt_comes_from_the_dropped_file_where_no_option_has_it(workspace: Make) -> None:
    ws = workspace("prompt")
    (ws.input / "prompt.txt").write_text("a blue\n box\n")
    assert "blue box" in str(
        generator_protocol.shots(generate_views._prompt(Dropped(names=("prompt.txt",)), ws), 1, 0)
    )
    (ws.input / "prompt.txt").write_text(" \n")
    with pytest.raises(InputRejected, match="There is no prompt"):
        generate_views.run(Dropped(names=("prompt.txt",)), None, ws)


def test_settings_choose_the_generator(workspace: Make) -> None:
    models = workspace().models
    choose = generators.choose
    assert type(choose(models, {})).__name__ == "PlaceholderViews"
    assert (
        type(choose(models, {"USE_IMAGE_STUB": "true", "FLUX_BACKEND_URL": "http://x"})).__name__
        == "PlaceholderViews"
    )
    assert type(choose(models, {"FLUX_BACKEND_URL": "http://x"})).__name__ == "RemoteViews"


@pytest.mark.parametrize("name", ["dev", "FLUX.1-dev", "flux-dev", "black-forest-labs/FLUX.1-dev"])
def test_a_model_that_settings_name_must_be_there(workspace: Make, name: str) -> None:
    with pytest.raises(
        BackendUnavailable, match="Model flux-dev: is not in the models folder"
    ) as refused:
        generators.chosen(workspace().models, {"FLUX_MODEL": name})
    assert "inbox3d models pull flux-dev" in refused.value.remedy


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"FLUX_MODEL": "FLUX.1-Krea-dev"}, "there is no model 'FLUX.1-Krea-dev'"),
        ({"FLUX_BACKEND_URL": "localhost:8001"}, "'localhost:8001' is no http address"),
        ({"USE_IMAGE_STUB": "maybe"}, "'maybe' is neither true nor false"),
    ],
)
def test_a_setting_without_meaning_is_refused_by_name(
    workspace: Make, environment: dict[str, str], words: str
) -> None:
    with pytest.raises(BackendUnavailable, match=f"{next(iter(environment))}: {words}"):
        generators.chosen(workspace().models, environment)


def test_weights_that_are_there_and_not_whole_are_named_and_no_stand_in_takes_their_place(
    workspace: Make,
) -> None:
    """Without any setting; a person who wants the stand-in says so."""
    store = workspace().models
    assert store is not None
    lay(
        store / "flux-schnell",
        {name: data for name, data in flux().items() if "spiece" not in name},
    )
    with pytest.raises(
        BackendUnavailable, match="Model flux-schnell: tokenizer_2/ lacks its vocabulary"
    ):
        generators.chosen(store, {})
    assert generators.chosen(store, {"USE_IMAGE_STUB": "true"}) == ("placeholder", "")


def test_weights_that_nobody_named_and_that_are_broken_stop_no_fleet(
    workspace: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Scans go on; the log says what is wrong. Asked for by name, they are refused at the start."""
    store = workspace().models
    assert store is not None
    lay(store / "flux-schnell", {"model_index.json": b""})
    for name in (generator_protocol.MODEL, generator_protocol.URL, generator_protocol.STUB):
        monkeypatch.delenv(name, raising=False)
    settings = config.load(None, {"INBOX3D_HOST__MODELS": str(store)})
    fleet._look_at_views(settings)
    assert (
        "model_index.json is empty" in caplog.text
        and "inbox3d models pull flux-schnell" in caplog.text
    )
    monkeypatch.setenv(generator_protocol.MODEL, "schnell")
    with pytest.raises(BackendUnavailable, match="model_index"):
        fleet._look_at_views(settings)


def test_empty_settings_are_no_settings(workspace: Make) -> None:
    empty = {"USE_IMAGE_STUB": "false", "FLUX_MODEL": "", "FLUX_BACKEND_URL": ""}
    assert generators.chosen(workspace().models, empty) == ("placeholder", "")


@pytest.mark.parametrize(
    ("prompt", "azimuth"),
    [
        ("a red cube", None), ("front view of a cube", 0), ("a cube, left view", 90), ("a cube, left side view", 90),
        ("a cube, back left view", 135), ("the front view of a mirror, back right view, plain", 225), ("a review", None),
    ],
)  # fmt: skip
def test_a_prompt_may_name_the_side_it_shows(prompt: str, azimuth: float | None) -> None:
    assert generator_protocol.azimuth_of(prompt) == azimuth


def test_canonical_prompts_name_their_own_sides() -> None:
    assert [
        generator_protocol.azimuth_of(shot.prompt)
        for shot in generator_protocol.shots("a mug", 8, 0)
    ] == [45.0 * k for k in range(8)]


def test_no_limit_cuts_off_the_words_that_say_which_side_is_wanted() -> None:
    """They begin every prompt, however long the person's own is, and however often that speaks of sides."""
    for k, shot in enumerate(generator_protocol.shots("the front view of a mirror, " * 80, 8, 0)):
        assert shot.prompt.startswith(f"{generator_protocol.SIDES[k]} view of one whole object")
        assert shot.prompt.index(generator_protocol.BACKGROUND) < 60
        assert generator_protocol.azimuth_of(shot.prompt) == 45.0 * k


def test_a_dropped_text_that_is_too_long_is_refused_and_not_cut(workspace: Make) -> None:
    ws = workspace("prompt")
    (ws.input / "prompt.txt").write_text("x" * 2001)
    with pytest.raises(InputRejected, match="has 2001 characters"):
        generate_views._prompt(Dropped(names=("prompt.txt",)), ws)


def test_what_a_generator_did_not_read_is_said(
    workspace: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deaf:
        def generate(self, shots: Any, steps: int) -> generator_protocol.Generated:
            return generator_protocol.Generated(
                tuple(np.zeros((32, 32, 3), np.uint8) for _ in shots),
                "deaf",
                notes=("Its end was not read.",),
            )

    monkeypatch.setattr(generators, "choose", lambda *_, **__: Deaf())
    generate_views.run(None, None, ws := workspace("prompt", prompt="x"))
    assert "Its end was not read." in ws.warnings


def test_what_a_service_was_asked_for_is_made_as_it_stands(workspace: Make) -> None:
    """Any size, and the prompt, azimuth and seed that were named."""
    ws = workspace("prompt", prompt="x")
    views = generate_views.run(None, Shots(shots=((90.0, "a blue mug", 7),), size=(640, 384)), ws)
    assert [(view.azimuth, view.seed) for view in views.views] == [(90.0, 7)]
    with Image.open(ws.path(views.views[0].image)) as image:
        assert image.size == (640, 384)


@pytest.fixture
def service() -> Iterator[tuple[str, list[Any]]]:
    asked: list[Any] = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            out = io.BytesIO()
            Image.new("RGB", (32, 32), (1, 2, 3)).save(out, "PNG")
            body = (
                b"nothing"
                if len(asked) > 4
                else json.dumps({"image_b64": base64.b64encode(out.getvalue()).decode()}).encode()
            )
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
    views = generate_views.run(None, None, workspace("prompt", prompt="a mug", seed=5))
    assert (views.label, views.views[0].source) == (None, url)
    assert [order["seed"] for order in asked] == [view.seed for view in views.views]
    assert asked[1].keys() == {"prompt", "width", "height", "seed"}
    with pytest.raises(BackendUnavailable, match="gave no picture"):
        generate_views.run(None, None, workspace("prompt", prompt="a mug"))
