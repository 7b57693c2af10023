"""Drops that can be no job as they stand: too large, unclear or empty, or with a file that is not
what its name says."""

from __future__ import annotations

from layout import names
from pipeline.drops import evidence, spared
from pipeline.drops.entries import Denied, Listing
from pipeline.drops.evidence import some
from pipeline.drops.own_folder import FILE
from pipeline.drops.seen import Seen
from pipeline.drops.verdict import Refuse, Verdict, Wait
from pipeline.formats import contradictions


def nothing_to_judge(look: Listing, seen: Seen, entry_limit: int) -> Verdict | None:
    """What is too large, unclear or empty: it is refused, or waits for its content."""
    if look.too_many:
        what = f"{look.path.name} holds more than {entry_limit} files and folders"
        return Refuse(what, "Keep the scans only, or pack them into a zip.")
    if look.beyond:
        remedy = "Take the folder that repeats or goes too deep out, or pack the scans into a zip."
        return (
            Refuse(f"{look.path.name} {look.beyond}", remedy)
            if seen.still
            else Wait(f"{look.beyond}; refused when nothing moves")
        )
    if look.unclear:
        return Wait(
            some(look.unclear), stuck=any(isinstance(words, Denied) for words in look.unclear)
        )
    content = evidence.content(look)
    if not look.is_folder and content[0].kind == FILE and not content[0].size:
        return Wait("the file is empty (0 bytes); it waits for its content")
    if not content:
        if look.is_job:
            return Wait(
                "a job's folder whose input/ is empty or gone; put its files back there, or"
                " take out what is wanted and drop it alone"
            )
        copies = (
            f" but unfinished copies ({some(found.path for found in look.temporary)})"
            if look.temporary
            else ""
        )
        halts = (
            "; a folder halts nothing, only a file of that name does"
            if names.is_halt(look.path.name)
            else ""
        )
        return Wait(f"the folder holds nothing{copies}; put files into it, or delete it{halts}")
    return None


def never(look: Listing, seen: Seen, sealed: bool) -> Verdict | None:
    """Links and devices, and files that are not what their names say, are refused by name as
    soon as nothing moves, but for those among photographs. SEALED: the drop is whole, so each file
    is asked at once."""
    refused: Refuse | None = None
    if special := next(evidence.not_files(look), None):
        refused = Refuse(special, "Take it out, rename it, or put the file itself in its place.")
    for found in () if refused else evidence.content(look):
        really = seen.contents.contradiction(look, found, sealed)
        if really and not spared.may_be(look, found):
            refused = Refuse(f"{found.path} is {really}", contradictions.remedy(really))
            break
    return (
        refused
        if refused is None or seen.still
        else Wait(f"{refused.reason}; refused when nothing moves any more")
    )
