"""Who asks."""

from __future__ import annotations

from typing import NamedTuple

from webapi.access.keys import Key


class Who(NamedTuple):
    """The asker. KEY: None for a free place. LOCAL: this host itself. BY_COOKIE: the right rests on
    a cookie, so a token is due. SESSION: empty until a page begins one. BY_PROXY: KEY stands for
    who signed in at a proxy."""

    key: Key | None
    local: bool
    by_cookie: bool
    session: str
    by_proxy: bool = False

    @property
    def name(self) -> str:
        return self.key.name if self.key else "local" if self.local else "lan"
