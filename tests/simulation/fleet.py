"""The real processes of inbox3d on simulated hosts: intake with its reaper, workers, and the web layer's submissions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from layout import lifecycle, names
from layout.manifest import NewerFormat
from layout.tree import Atlas
from pipeline import config
from pipeline.errors import EngineDied, PipelineError
from pipeline.gpu.engine import Event, Order
from pipeline.watchers.intake import Intake
from pipeline.watchers.worker import Worker
from tests.simulation.hub import Host, Process, Stopping
from tests.simulation.world import World
from tests.support.legs import run_here

SETTINGS = {
    "INTAKE__QUIET_LOCAL": "4", "INTAKE__PATIENCE": "60", "INTAKE__HOLD": "60", "INTAKE__TICK": "3", "INTAKE__STATUS_INTERVAL": "10",
    "WORKER__BEAT": "5", "WORKER__DEAD_LOOKS": "4", "WORKER__POLL": "3", "REAPER__STAGING_LOOKS_APART": "60",
    "REAPER__ORPHAN_LOOK_GAP": "15", "REAPER__DRAFTS_AGE": "200", "REAPER__VERIFY_AFTER": "60",
}  # fmt: skip


class Engine:
    """Runs legs in simulated time. It may die of a signal between two stages, as often as WORLD wants."""

    pid = None

    def __init__(self, world: World) -> None:
        self.world = world

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def run(self, order: Order, heard: Callable[[Event], None], tick: Callable[[], None]) -> None:
        if order.leg == ("selftest",):
            self.world.hub.sleep(1)
            return
        run_here(order, heard, lambda stage: self._work(order, tick), lambda: None)

    def _work(self, order: Order, tick: Callable[[], None]) -> None:
        """A stage's time; a drop with a file "poison" kills the engine each time."""
        dice = self.world.dice
        left = dice.expovariate(1 / self.world.pace)
        while left > 0:
            self.world.hub.sleep(min(left, 6.0))
            left -= 6.0
            tick()
        if (not self.world.calm and dice.random() < self.world.lean.engine_dies) or any(
            "poison" in path.name for path in order.input.iterdir()
        ):
            self.world.say("an engine", f"dies of {order.root.name}")
            self.world.engine_died(order.root.name)
            raise EngineDied("The engine died of signal 11.")


class House:
    """All hosts of a world, and who runs on them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dead: Callable[[str], None] = lambda name: None  # hears of every process that ended
        # hears of every request that was answered with an error
        self.refused: Callable[[Process, BaseException], None] = lambda process, error: None
        self.settings = {}
        self.intakes: dict[Process, Intake] = {}
        self.workers: dict[Process, Worker] = {}
        self.stopping: dict[Process, Stopping] = {}
        for host in world.hosts:
            scratch = str(world.folder / f"scratch-{host.name}")
            self.settings[host] = config.load(
                None,
                {f"INBOX3D_{key}": value for key, value in SETTINGS.items()}
                | {"INBOX3D_REAPER__INTERVAL": str(world.shape.reaps)}
                | {"INBOX3D_HOST__SCRATCH": scratch, "INBOX3D_HOST__MODELS": f"{scratch}-none"},
            )
        queues = ("scan", "views", "mesh", "finish")
        cuts = [
            (queues,),
            (queues[:2], queues[2:]),
            (queues, queues),
            (queues[:1], queues[1:3], queues[3:]),
        ]
        if not world.shape.divided:
            cuts = cuts[::2]
        cut = world.dice.choice(cuts[1::2] if world.lean.divided else cuts)
        if world.shape.crowded:
            cut = (*cut, *cut, queues, queues)
        for k, some in enumerate(cut):
            self.worker(world.hosts[k % len(world.hosts)], some)
        for host in world.hosts:
            self.intake(host)

    def _process(self, host: Host, name: str, again: Callable[[], None]) -> Process:
        process = Process(self.world.hub, host, name)
        process.when_dead = lambda: self._ended(process, again)
        return process

    def _ended(self, process: Process, again: Callable[[], None]) -> None:
        self.world.say(process.name, "is dead")
        self.dead(process.name)
        if self.world.fate.could:
            self.world.fate.could.died(process)
        self.intakes.pop(process, None)
        self.workers.pop(process, None)
        self.stopping.pop(process, None)
        self.world.hub.spawn(again, after=self.world.dice.uniform(0.5, self.world.shape.returns))

    # -- processes -----------------------------------------------------------------------------
    def intake(self, host: Host) -> None:
        name = names.worker_name(host.name, "intake")
        process = self._process(host, name, lambda: self.intake(host))
        hub, stopping = self.world.hub, Stopping(self.world.hub)

        def serve() -> None:
            one = self._made(
                process, lambda: Intake(self._atlas(process), self.settings[host], name, stopping)
            )  # type: ignore[arg-type]
            self.intakes[process], self.stopping[process] = one, stopping
            one.inbox.completeness.clock = one.observer.clock = one.reaper.clock = hub.clock
            for looks in (
                one.reaper._drafts,
                one.reaper._staging,
                one.reaper._workers,
                one.reaper._damaged,
            ):
                looks.clock = hub.clock
            one.beat.beat()
            hub.spawn(lambda: self._beats(one.beat, stopping), process, 5)
            hub.spawn(one._reap, process)
            while not stopping.is_set():
                one.step()
                stopping.wait(one._next())
            one.beat.end()
            process.die()

        hub.spawn(serve, process)

    def worker(self, host: Host, queues: tuple[str, ...]) -> None:
        name = names.worker_name(host.name, "cpu")
        process = self._process(host, name, lambda: self.worker(host, queues))
        hub, stopping = self.world.hub, Stopping(self.world.hub)

        def serve() -> None:
            one = self._made(
                process,
                lambda: Worker(
                    self._atlas(process), self.settings[host], name, queues, "cpu", stopping
                ),
            )  # type: ignore[arg-type]
            self.workers[process], self.stopping[process] = one, stopping
            one.observer.clock = one.room.clock = hub.clock
            one.engine = one.runner.engine = Engine(self.world)  # type: ignore[assignment]
            one.beat.beat()
            hub.spawn(lambda: self._beats(one.beat, stopping), process, 5)
            with one.attention.over(one.scratch.root):
                one.leftovers.sweep()
            while not stopping.is_set():
                if not one.step():
                    stopping.wait(one.settings.worker.poll)
            one.leftovers.verify(everything=True)
            one.beat.end()
            process.die()

        hub.spawn(serve, process)

    def _made(self, process: Process, make: Callable[[], Any]) -> Any:
        """As `inbox3d up` does: where the share is away at the start, the process ends and is started again."""
        try:
            return make()
        except OSError:
            process.die()
            self.world.hub.sleep(0)

    def _atlas(self, process: Process) -> Atlas:
        return Atlas(self.world.root, self.world.disk(process))

    def _beats(self, beat: Any, stopping: Stopping) -> None:
        while not stopping.wait(beat.interval):
            beat.beat()

    # -- the web layer -------------------------------------------------------------------------
    def web(self, act: Callable[[Atlas], object]) -> None:
        """A request: a process of its own, which may die in the middle."""
        process = Process(self.world.hub, self.world.dice.choice(self.world.hosts), "web")
        process.when_dead = lambda: self.world.say("web", "is dead")

        def serve() -> None:
            try:
                act(self._atlas(process))
            except (
                OSError,
                lifecycle.Gone,
                lifecycle.WrongState,
                PipelineError,
                NewerFormat,
            ) as error:
                self.refused(process, error)
                self.world.say("web", f"answers {type(error).__name__}: {error}")
            finally:
                process.when_dead = lambda: None
                process.die()

        self.world.hub.spawn(serve, process)

    def close(self) -> None:
        """The play is over."""
        for host in self.world.hosts:
            for process in host.processes:
                process.lets_go()
