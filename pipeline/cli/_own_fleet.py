"""A fleet of the command's own, where nobody serves the job it waits for."""

from __future__ import annotations

import subprocess

import click

from layout.names import nonce
from layout.tree import Atlas
from pipeline.cli import FAILED, fail
from pipeline.config import Settings

MOST_FLEETS = 3


class OwnFleet:
    """A fleet for as long as one job takes; it ends with this process, however that ends."""

    def __init__(self, atlas: Atlas, settings: Settings) -> None:
        self.atlas, self.log = atlas, settings.host.scratch / "once.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0

    def start(self, why: str) -> None:
        from pipeline.gpu.sandbox import die_with_parent
        from pipeline.watchers.members import ours

        self.started += 1
        self.log.parent.mkdir(parents=True, exist_ok=True)
        words = ("--name", f"once-{nonce()}", "--listen", "off", "--gives-up")
        with self.log.open("ab") as file:
            self.process = subprocess.Popen(
                ours("pipeline up", self.atlas.root, *words),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(15),
            )
        click.echo(f"{why}: starting one for this job (its log: {self.log})", err=True)

    def keep(self) -> None:
        """Start it again where somebody killed it; a fleet that ends again and again ends the
        command, the job stays."""
        code = self.process.poll() if self.process else None
        if code is None:
            return
        self.process = None
        if self.started >= MOST_FLEETS:
            fail(
                f"the workers started for this job ended with code {code}, {self.started} times.",
                FAILED,
                f"{self.log} says why; the job stays and waits for a worker.",
            )
        self.start(f"The workers started here ended with code {code}")

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
