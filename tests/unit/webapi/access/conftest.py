"""A tree with a key of each scope."""

from __future__ import annotations

import pytest

from layout.tree import Atlas
from webapi.access.keys import Keys, Scope


@pytest.fixture
def keys(atlas: Atlas) -> dict[Scope, str]:
    """One key of every scope."""
    return {scope: Keys(atlas).add(f"{scope}er", scope) for scope in ("read", "submit", "admin")}
