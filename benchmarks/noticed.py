"""How soon a drop is taken after it became quiet: from QUIET seconds after the moment at which a
folder stands whole in inbox/ to the one at which it stands in claimed/.

    python benchmarks/noticed.py [--drops 30] [--folder DIR]

One intake, as `up` runs it: woken by inotify, and by its tick alone, as on a network mount. Peers,
in the same run and on the same file system: watchdog and watchfiles, from the same rename to their
callback, which looks at nothing and moves nothing; watchfiles where it is installed (`pip install
--target DIR watchfiles`, PYTHONPATH=DIR).
"""

from __future__ import annotations

import argparse
import datetime
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from layout import names
from layout.init import init
from pipeline import config
from pipeline.watchers import hints
from pipeline.watchers.intake import Intake

STL = b"solid t\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\n" + (
    b"endloop\nendfacet\nendsolid t\n"
)
PATIENCE, LOOK, REST = 30.0, 0.002, 0.3
QUIET = 5.0  # seconds without a change that make a drop quiet, on either kind of mount
Times = list[float]


def dropped(inbox: Path, beside: Path, number: int) -> float:
    """A folder that is whole comes to inbox/ by one rename; when."""
    made = beside / f"part {number}"
    made.mkdir(parents=True)
    (made / "part.stl").write_bytes(STL)
    made.rename(inbox / made.name)
    return time.perf_counter()


def taken(inbox: Path, beside: Path, drops: int) -> Times:
    """How long after their time of quiet so many drops, one after the other, left inbox/."""
    began: dict[str, float] = {}

    def drop() -> None:
        for number in range(drops):
            began[f"part {number}"] = dropped(inbox, beside, number)
            time.sleep(REST * (1 + number % 7 / 7))  # at any moment of a tick

    dropping = threading.Thread(target=drop)
    dropping.start()
    found: dict[str, float] = {}
    end = time.perf_counter() + PATIENCE
    while len(found) < drops:
        if time.perf_counter() > end:
            raise SystemExit("nothing was noticed")
        time.sleep(LOOK)
        known = {name: at for name, at in list(began.items()) if name not in found}
        there = {path.name for path in inbox.iterdir()}
        now = time.perf_counter()
        found |= {name: now - at - QUIET for name, at in known.items() if name not in there}
    dropping.join()
    return list(found.values())


def by_intake(root: Path, drops: int, network: bool) -> Times:
    atlas = init(root / "atlas")[0]
    windows = {f"INBOX3D_INTAKE__QUIET_{kind}": str(QUIET) for kind in ("LOCAL", "NETWORK")}
    settings = config.load(environ={"INBOX3D_HOST__SCRATCH": str(root / "scratch"), **windows})
    over, real = threading.Event(), hints.is_network
    hints.is_network = lambda path: network
    try:
        intake = Intake(atlas, settings, names.worker_name("bench", "intake"), over)
    finally:
        hints.is_network = real
    serving = threading.Thread(target=intake.serve)
    serving.start()
    try:
        time.sleep(2 * REST)
        return taken(atlas.inbox, root / "beside", drops)
    finally:
        over.set()
        intake._hints.wake()
        serving.join()


@contextmanager
def watchdog(folder: Path, heard: threading.Event) -> Iterator[None]:
    from watchdog.events import FileSystemEventHandler
    from watchdog.observers import Observer

    class Handler(FileSystemEventHandler):
        def on_any_event(self, _: object) -> None:
            heard.set()

    observer = Observer()
    observer.schedule(Handler(), str(folder))
    observer.start()
    yield
    observer.stop()
    observer.join()


@contextmanager
def watchfiles(folder: Path, heard: threading.Event) -> Iterator[None]:
    from watchfiles import watch

    over = threading.Event()

    def listen() -> None:
        for _ in watch(folder, stop_event=over, recursive=False, rust_timeout=500):
            heard.set()

    thread = threading.Thread(target=listen)
    thread.start()
    yield
    over.set()
    thread.join()


def by(peer: Callable[[Path, threading.Event], object], root: Path, drops: int) -> Times:
    heard, found = threading.Event(), []
    (root / "in").mkdir(parents=True)
    with peer(root / "in", heard):  # type: ignore[attr-defined]
        time.sleep(2 * REST)
        for number in range(drops):
            heard.clear()
            began = dropped(root / "in", root / "beside", number)
            heard.wait(PATIENCE)
            found.append(time.perf_counter() - began)
            time.sleep(REST)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--drops", type=int, default=30)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    given = parser.parse_args()
    print("| who | ms, median | p95 | worst |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        root = Path(folder)
        for who, measure in {
            "intake, inotify: claimed": lambda: by_intake(root / "local", given.drops, False),
            "watchdog: its callback": lambda: by(watchdog, root / "dog", given.drops),
            "watchfiles: its callback": lambda: by(watchfiles, root / "files", given.drops),
            "intake, its tick alone: claimed": lambda: by_intake(root / "net", given.drops, True),
        }.items():
            with suppress(ImportError):
                times = sorted(1000 * one for one in measure())
                late = times[int(0.95 * (len(times) - 1))]
                print(f"| {who} | {statistics.median(times):.0f} | {late:.0f} | {times[-1]:.0f} |")
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"\n{datetime.date.today()}, {os.cpu_count()} cores, load at the end {load}")


if __name__ == "__main__":
    main()
