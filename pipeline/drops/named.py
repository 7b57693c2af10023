"""What a job of a kind that job.toml names uses of its drop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.drops import unread
from pipeline.drops.choice import Choice
from pipeline.drops.guess import SCAN_MESHES, convert, passes, scan, unread_model, with_lists
from pipeline.drops.in_doubt import holding, unread_picture
from pipeline.drops.item import IMAGE, POINTS, TEXT, Item, of, without_masks
from pipeline.drops.prompts import prompt
from pipeline.errors import InputRejected
from pipeline.formats import foreign, masks, signatures
from pipeline.formats.account import listed


def named(kind: str, found: list[Item], request: dict[str, Any]) -> Choice:
    """What a job of KIND uses of FOUND; InputRejected where there is nothing for it."""
    choose: dict[str, Callable[[], Choice | None]] = {
        "scan": lambda: _scan_of_all(found),
        "convert": lambda: convert(found),
        "images": lambda: _images(found, request),
        "prompt": lambda: (
            Choice("prompt", []) if _has(request, "prompt") else prompt(of(found, TEXT))
        ),
    }
    choice = choose[kind]()
    if (
        kind == "convert"
        and choice is None
        and len(points := [item for item in of(found, POINTS) if _may_be_mesh(item)]) == 1
    ):
        remedy = 'Export it with its faces; for points take kind = "scan".'
        held = points[0].held or "no faces"
        raise InputRejected(f"{points[0].name} holds {held}: a mesh needs faces", remedy=remedy)
    if choice is None and kind in ("scan", "convert") and (model := unread_model(found)):
        raise foreign.refusal(model)
    if choice is None and kind in ("scan", "images") and (refused := unread_picture(found)):
        raise refused
    if choice is None or choice.kind != kind:
        needs = {
            "scan": "scan passes or photos",
            "convert": "exactly one mesh",
            "images": "an image",
            "prompt": "a short text, or the line prompt",
        }
        raise InputRejected(
            f'job.toml says kind = "{kind}", but the drop does not hold'
            f" {needs[kind]}{holding(found)}",
            remedy="Correct job.toml or the files.",
        )
    return choice


def _may_be_mesh(item: Item) -> bool:
    return signatures.suffix(item.name) in SCAN_MESHES


def _scan_of_all(found: list[Item]) -> Choice | None:
    choice = scan(found)
    if choice and not choice.notes:
        return choice
    images = of(found, IMAGE)
    if used := [*of(found, POINTS), *passes(found)]:
        return Choice("scan", used)
    if not images:
        return None
    return Choice("scan", with_lists(images, found), unread.beside(images, found))


def _images(found: list[Item], request: dict[str, Any]) -> Choice | None:
    every = of(found, IMAGE)
    images = without_masks(every)
    if not images and not _has(request, "image_urls", "image_paths"):
        return None
    aside = [item.name for item in every if item not in images]
    notes = [f"{listed(aside)}: {masks.NO_VIEWS}"] if aside else []
    return Choice("images", images, notes)


def _has(request: dict[str, Any], *keys: str) -> bool:
    return any(request.get(key) for key in keys)
