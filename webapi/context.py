"""Web: everything that the handlers of one web process share."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from layout.tree import Atlas
from pipeline.config import Settings
from webapi.access.access import Access
from webapi.access.keys import Keys
from webapi.index.events import Events
from webapi.index.follower import Follower
from webapi.index.table import Index

STATIC = Path(__file__).parent / "static"
# the viewer of pages and reports: its own modules, and what they are built on
VIEWER = Path(__file__).parent.parent / "pipeline" / "static" / "viewer"
VENDOR = VIEWER.with_name("vendor")


@dataclass
class Web:
    atlas: Atlas
    settings: Settings
    index: Index
    follower: Follower
    events: Events
    keys: Keys
    access: Access
    changing: bool  # this tree's folders change their inode when they are renamed
    # bytes of the uploads in hand, by submitter
    arriving: Counter[str] = field(default_factory=Counter)
    # jobs that are being submitted, by submitter
    coming: Counter[str] = field(default_factory=Counter)
    # places for bodies on their way in
    receiving: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(24))
    open_endpoints: set[str] = field(default_factory=set)  # need no key: sign-in page, static files
