"""What a backend needs of a GPU at the least."""

from __future__ import annotations

from pipeline.backends import choosing
from pipeline.weights import cards


def test_every_backend_with_networks_of_its_own_declares_it_and_a_finer_lattice_needs_more() -> (
    None
):
    assert set(cards.LEAST) == {*choosing.OWN} - {"visual-hull", "placeholder"}
    for backend in cards.LEAST:
        assert 2**31 < cards.least(backend, 256) < cards.least(backend, 384) < 2**33
    assert cards.least("visual-hull", 384) == cards.least("somebody-elses", 384) == 0
