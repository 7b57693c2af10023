"""What befalls every call for a while: a share that is full or away, a folder that nobody may look
into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.simulation.hub import Host, Process

if TYPE_CHECKING:
    from tests.simulation.world import World


class Weather(NamedTuple):
    """For a while every call of CALLS (None: all) on HOST (None: everywhere) fails; of renames
    those INTO a folder alone, if one is named."""

    kind: int | str
    calls: frozenset[str] | None
    host: Host | None
    until: float
    into: str = ""


class Sky:
    """Over WORLD."""

    def __init__(self, world: World) -> None:
        self.world, self._prefix = world, str(world.root)
        self.weather: list[Weather] = []
        self.denied: set[str] = set()
        self.closed: set[str] = set()  # those of them that nobody ever mends

    def peace(self) -> None:
        """Nothing new goes wrong; what nobody ever mends stays as it is."""
        self.weather, self.denied = [], set(self.closed)

    def over(self, process: Process, call: str, args: Sequence[Any]) -> int | str | None:
        if not (self.weather or self.denied):
            return None
        path = str(args[0])
        if call != "copy" and not path.startswith(self._prefix):
            return None  # this host's own scratch
        for one in self.denied:
            if path.startswith(one) and self._closes(one, path, call):
                return "denied"
        for weather in self.weather:
            if (
                self.world.hub.now < weather.until
                and weather.host in (None, process.host)
                and (weather.calls is None or call in weather.calls)
                and (not weather.into or str(args[1]).startswith(weather.into))
            ):
                return weather.kind
        return None

    @staticmethod
    def _closes(folder: str, path: str, call: str) -> bool:
        """Nobody but its owner looks into FOLDER, or moves it to another one."""
        looks = call in ("rename", "rmdir", "scandir", "names")
        return path == folder if looks and path == folder else path.startswith(f"{folder}/")
