"""FLUX.2 klein loads from a local folder with the network blocked; what it lacks, and what it does not read, is told."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline import weights
from pipeline.backends import generator_protocol, generators, hot, klein
from pipeline.errors import BackendUnavailable, OutOfGpuMemory
from tests.support import tinyklein


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def blocked(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", blocked)
    yield
    hot.forget()


@pytest.mark.slow
def test_a_tiny_klein_draws_what_its_seeds_say_and_is_refused_by_name_when_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One folder serves all the looks, because building and loading take most of the time."""
    tinyklein.save(tmp_path / "flux2-klein")
    assert weights.problem(tmp_path, "flux2-klein") is None
    generator = generators.choose(tmp_path, {"FLUX_MODEL": "FLUX.2-klein-4B"}, (48, 32))
    assert isinstance(generator, klein.Klein)
    shots = generator_protocol.shots("a red cube", 2, 7)
    first = generator.generate(shots, 1)
    assert (first.label, first.source, first.models) == (None, "flux2-klein", ("flux2-klein",))
    assert first.pictures[0].shape == (32, 48, 3) and first.notes == ()
    assert np.abs(first.pictures[0].astype(int) - first.pictures[1]).mean() > 1
    np.testing.assert_array_equal(first.pictures[1:], generator.generate(shots[1:], 1).pictures)

    pipe, seen = klein.pipeline(generator.folder), []
    assert pipe.config.is_distilled and pipe.text_encoder.dtype == torch.float32
    told = klein._unheard(pipe, generator_protocol.shots("a red cube " * 50, 1, 7))
    assert "FLUX.2 klein reads 512 tokens" in told[0]

    def short(*_: Any, **given: Any) -> None:
        seen.append(len(given["prompt"]))
        raise torch.OutOfMemoryError("simulated")

    with monkeypatch.context() as patch:
        patch.setattr(type(pipe), "__call__", short)
        with pytest.raises(OutOfGpuMemory):
            generator.generate(shots * 2, 4)
    assert seen == [4, 2]

    (tmp_path / "flux2-klein" / "tokenizer" / "chat_template.jinja").unlink()
    hot.forget()
    with pytest.raises(BackendUnavailable, match=r"flux2-klein, tokenizer/ .*no chat template"):
        generator.generate(shots, 1)


@pytest.mark.parametrize(
    "name", ["flux2-klein", "FLUX.2-klein", "black-forest-labs/FLUX.2-klein-4B"]
)
def test_one_word_chooses_it_and_without_that_flux_1_stays_the_default(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(BackendUnavailable, match="Model flux2-klein: is not in the models") as told:
        generators.chosen(tmp_path, {"FLUX_MODEL": name})
    assert "inbox3d models pull flux2-klein" in told.value.remedy
    (tmp_path / "flux2-klein").mkdir()
    assert generators.chosen(tmp_path, {}) == ("placeholder", "")
    with pytest.raises(BackendUnavailable, match=r"there is no model 'flux\.2-klein-9b'") as told:
        generators.chosen(tmp_path, {"FLUX_MODEL": "flux.2-klein-9b"})
    assert "schnell, dev or flux2-klein" in told.value.remedy
