"""usage: python -m tests.powercut [FILE SYSTEM] [IMAGES] [SEED] [PEER]

SEED draws the cuts; 0 plays the day that is written down (story.py), any other draws a day as well.
A range of seeds, 1-20, takes IMAGES of each.
"""

from __future__ import annotations

import sys

from tests.powercut import device, drawn, judge, peers, play, story


def main(name: str = "ext4", count: str = "1000", seed: str = "0", peer: str = "") -> int:
    if lacks := device.missing():
        print(lacks, file=sys.stderr)
        return 2
    first, _, last = seed.partition("-")
    found = [
        play.run(device.KINDS[name], int(count), one, *_who(one, peer), say=_say)
        for one in range(int(first), int(last or first) + 1)
    ]
    whole = play.together(found)
    print(play.line(peer or "inbox3d", name, whole))
    return bool(whole.broken)


def _who(seed: int, peer: str) -> tuple[play.Play, play.Judge]:
    if peer:
        return peers.play(peers.PEERS[peer]), peers.judge
    return (drawn.day_of(seed) if seed else story.whole_day), judge.ours


def _say(words: str) -> None:
    print(words, flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
