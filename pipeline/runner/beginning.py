"""What a start begins with: the copy of the input, what was made of it already, and the leg that
is due."""

from __future__ import annotations

from layout import tree
from layout.manifest import write_job
from layout.tree import Atlas
from pipeline import jobs
from pipeline.artefacts import Dropped
from pipeline.kept import declared, keys
from pipeline.kept.store import Kept
from pipeline.progress import COPY
from pipeline.recipes import Leg, Recipe
from pipeline.runner import handover, input_copy, input_list, scratch
from pipeline.runner.held import HeldJob
from pipeline.runner.patience import Patience


class AsksAnew(Exception):
    """A job.toml came or was changed after the job was accepted."""


class Beginning:
    """The first steps of every start of one worker, which serves QUEUES."""

    def __init__(self, atlas: Atlas, patience: Patience, queues: tuple[str, ...]) -> None:
        self.atlas, self.patience, self.queues = atlas, patience, queues

    def enter(self, held: HeldJob) -> None:
        """Take over what an earlier start of this job left on this host: what still fits is not
        done again."""
        held.lock = scratch.enter(self.patience.scratch, held.place, held.base)
        held.note(f"start {held.place.n} on {held.place.worker}")

    def fetch(self, held: HeldJob) -> None:
        """Bring input/ to scratch, with sums into job.json, and put the first artefact into the
        bag."""
        disk, place, say = self.atlas.disk, held.place, held.phase(COPY)
        held.root.mkdir(parents=True, exist_ok=True)
        held.seen, sums = self.patience(
            place, lambda: input_copy.copy(disk, place, held.root, say, held.job.manifest)
        )
        if input_list.enlist(held.job, held.seen, sums):
            raise AsksAnew
        named, dropped = (
            held.job.options.get("image_paths") or (),
            {row.path for row in held.job.manifest},
        )
        taken = self.patience(
            place,
            lambda: input_copy.fetch_named(self.atlas, named, held.drop(), dropped, say),
        )
        held.job.provenance.inputs = taken
        self.patience(place, lambda: write_job(disk, place.path, held.job))

    def resume(self, held: HeldJob, recipe: Recipe, options: jobs.Common) -> list[Kept]:
        """Leave in scratch what was made of this very input with these options, on this host or by
        the legs in work/."""
        dropped = Dropped(names=tuple(row.path for row in held.job.manifest if row.used))
        first = Kept.of(held.root, "", dropped, key=keys.of_input(held.job))
        ours = {stage for leg in recipe.legs if leg.queue in self.queues for stage in leg.stages}
        disk, place = self.atlas.disk, held.place
        held.kept = self.patience(
            place,
            lambda: handover.unpack(
                disk,
                place.path / tree.WORK,
                held.root,
                recipe.legs,
                options,
                first,
                ours.__contains__,
            ),
        )
        return held.kept

    def first(self, held: HeldJob, recipe: Recipe, queue: str) -> Leg:
        """The leg to begin with: that of QUEUE, or an earlier one whose work is not (or no longer)
        what is asked for. Of the legs before it those that this worker serves too are looked at
        again where weights of its own count."""
        legs, done = recipe.legs, {one.stage for one in held.kept or ()}
        due_at = next((k for k, leg in enumerate(legs) if leg.queue == queue), 0)
        at = next(
            (k for k, leg in enumerate(legs[:due_at]) if not done.issuperset(leg.stages)), due_at
        )
        while (
            at
            and legs[at - 1].queue in self.queues
            and any(stage in declared.WEIGHED for stage in legs[at - 1].stages)
        ):
            at -= 1
        return legs[at]
