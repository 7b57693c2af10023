"""In the guest: all plays in turn, each told in one line on the console.

python -m tests.kernelnfs.guest [PLAY…]"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable

from tests.kernelnfs import MARK, outages, plays
from tests.kernelnfs.world import Figures, World

# the last one leaves the mounts of the others stale
PLAYS: tuple[Callable[[World], Figures], ...] = (
    plays.doctor_tells_the_defaults,
    plays.of_three_who_claim_one_wins,
    plays.one_of_two_creates,
    plays.names_are_seen,
    plays.sizes_stand_still,
    plays.a_copy_behind_the_cache_is_waited_for,
    plays.what_is_open_is_not_lost,
    outages.a_lost_reply_is_no_lost_job,
    outages.hosts_work_while_it_restarts,
    outages.a_restored_server_is_told,
)


def main(wanted: list[str]) -> None:
    world = World()
    for play in PLAYS:
        if wanted and play.__name__ not in wanted:
            continue
        began = time.monotonic()
        told: dict[str, object] = {"play": play.__name__}
        try:
            told |= {"held": True, "figures": play(world)}
        except Exception:
            told |= {"held": False, "figures": {"error": traceback.format_exc()[-1800:]}}
        print(MARK + json.dumps(told | {"seconds": round(time.monotonic() - began)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
