"""What a backend needs of a GPU at the least."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.backends import choosing, generators
from pipeline.errors import BackendUnavailable
from pipeline.weights import cards
from tests.support import hub


def test_every_backend_with_networks_of_its_own_declares_it_and_a_finer_lattice_needs_more() -> (
    None
):
    assert set(cards.LEAST) == {*choosing.OWN} - {"visual-hull", "placeholder"}
    for backend in cards.LEAST:
        assert 2**31 < cards.least(backend, 256) < cards.least(backend, 384) < 2**33
    assert cards.least("visual-hull", 384) == cards.least("somebody-elses", 384) == 0


def test_every_model_that_makes_views_says_so_too() -> None:
    """Whatever a setting can name; on a card that is too small it is refused with both figures."""
    assert set(cards.VIEWS) == set(generators.MODELS.values())
    assert all(cards.least(name) >= 2**31 for name in cards.VIEWS)


def test_a_card_too_small_for_the_views_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    hub.lay(tmp_path / "flux-schnell", hub.flux())
    for card in (None, cards.least("flux-schnell")):
        assert generators.chosen(tmp_path, {}, card) == ("flux", "flux-schnell")
    with pytest.raises(BackendUnavailable, match=r"needs about 3\.0 GiB .* this one has 2\.0 GiB"):
        generators.chosen(tmp_path, {}, 2 << 30)
    assert generators.chosen(tmp_path / "none", {}, 2 << 30) == ("placeholder", "")
