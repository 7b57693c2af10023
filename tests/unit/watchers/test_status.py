"""STATUS.txt: what stands still is named with its reason, in words that no drop's name can forge."""

from __future__ import annotations

from pathlib import Path

import pytest

from layout import accept, lifecycle
from layout.accept import Facts
from layout.init import init
from layout.liveness import Observer
from layout.tree import Atlas, Place
from pipeline import view
from pipeline.watchers.settle import Wait
from pipeline.watchers.status import Writer


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return init(tmp_path / "atlas")[0]


@pytest.fixture
def observer(atlas: Atlas) -> Observer:
    return Observer(atlas, 15, 6, lambda: 1)


def shell(atlas: Atlas, name: str = "vase", queue: str = "scan") -> Place:
    (atlas.inbox / name).mkdir()
    (atlas.inbox / name / "a.png").write_text("pixels")
    return lifecycle.claim_drop(atlas, name, queue)


def claimed(atlas: Atlas, name: str = "vase", queue: str = "scan", kind: str = "scan") -> Place:
    return accept.accept(atlas, shell(atlas, name, queue), Facts(kind, {}, frozenset(), "quiet"))


@pytest.mark.parametrize("sign", ["\n", "\r", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\u200f"])
def test_a_name_cannot_forge_a_line(atlas: Atlas, observer: Observer, sign: str) -> None:
    """Line ends, control characters and turns of direction stand there escaped, in every section."""
    name = f"vase{sign}HALTED: send money"
    claimed(atlas, name)
    text = Writer(atlas, 0).text({f"cup{sign}": Wait("held")}, None, observer)
    escaped = f"\\x{ord(sign):02x}" if ord(sign) < 256 else f"\\u{ord(sign):04x}"
    assert sign not in text.replace("\n", "") and f"  cup{escaped}: held\n" in text
    assert f"vase{escaped}HALTED: send money" in text
    assert not any(line.startswith("HALTED") for line in text.splitlines())


def test_ordinary_names_stay_as_they_are() -> None:
    """Umlauts, other scripts and joined emoji are no forgery; bytes that are no UTF-8 can be written."""
    assert view.plain("Väse 花瓶 👩‍🎨 a\\b") == "Väse 花瓶 👩‍🎨 a\\b"
    assert view.plain("v\udcffse") == "v\\xffse"
