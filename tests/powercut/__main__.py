"""usage: python -m tests.powercut [FILE SYSTEM] [IMAGES] [SEED] [PEER]"""

from __future__ import annotations

import sys

from tests.powercut import device, judge, peers, play, story


def main(name: str = "ext4", count: str = "1000", seed: str = "0", peer: str = "") -> int:
    if lacks := device.missing():
        print(lacks, file=sys.stderr)
        return 2
    who = (peers.play(peers.PEERS[peer]), peers.judge) if peer else (story.whole_day, judge.ours)
    verdict = play.run(device.KINDS[name], int(count), int(seed), *who, say=_say)
    print(play.line(peer or "inbox3d", name, verdict))
    return bool(verdict.broken)


def _say(words: str) -> None:
    print(words, flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
