"""Names under which copying tools keep what they have not finished: the one list, with where each
fact comes from.

A file of such a name, or anything in a folder of such a name, is still arriving: it holds back a
drop that rests on quiet alone. Patterns are for one path component, in any case: ``*`` and ``?`` as
in a shell; one that begins with ``^`` is a regular expression.

Not in the list, because their copies bear the final name from the first byte: scp, cp, Explorer,
robocopy, Finder, FileZilla, curl, wget.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from typing import NamedTuple


class Tool(NamedTuple):
    """patterns: names of unfinished copies; beside: endings of a control file that lies beside the
    copy, which has its final name."""

    who: str
    patterns: tuple[str, ...]
    beside: tuple[str, ...] = ()
    source: str = ""


TOOLS: tuple[Tool, ...] = (
    # -- browsers ------------------------------------------------------------------------------
    Tool(
        "Chrome, Edge, Brave, Vivaldi",
        (
            "*.crdownload",
            ".com.google.chrome.*",
            ".com.brave.browser.*",
            ".org.chromium.chromium.*",
        ),
        source=(
            "brave/brave-browser#32532, d4rken-org/sdmaid#1154; Unconfirmed 1234.crdownload "
            "before a place is chosen"
        ),
    ),
    Tool(
        "Firefox, KDE, JDownloader, Transmission",
        ("*.part", "*.part.met"),
        source=(
            "Firefox's DownloadCore: the final name is an empty file meanwhile; lavv17/lftp#662; "
            "eMule keeps a .part.met beside"
        ),
    ),
    Tool("Opera", ("*.opdownload",), source="file-format/Docs, opdownload"),
    Tool("Safari", ("*.download",), source="a folder that holds the file until it is whole"),
    Tool(
        "Internet Explorer, old Edge, rclone",
        ("*.partial",),
        source="rclone --partial-suffix: name.1a2b3c4d.partial",
    ),
    # -- download managers ---------------------------------------------------------------------
    Tool(
        "aria2",
        (),
        (".aria2",),
        "its manual: a control file beside the file, which may have its full size from the start",
    ),
    Tool("axel", (), (".st",), "its manual: the state file beside the file"),
    Tool("lftp pget", (), (".lftp-pget-status",), "its manual: the status file beside the file"),
    Tool("Free Download Manager", ("*.fdmdownload",), source="its forum"),
    Tool(
        "Xunlei, Baidu, FlashGet, DownThemAll",
        (
            "*.td",
            "*.td.cfg",
            "*.xltd",
            "*.xltd.cfg",
            "*.downloading",
            "*.downloading.cfg",
            "*.jc!",
            "*.dtapart",
        ),
        source="lists of unfinished downloads in public file watchers",
    ),
    # -- torrents and shares -------------------------------------------------------------------
    Tool("µTorrent, BitTorrent", ("*.!ut", "*.!bt"), source="rakshasa/rtorrent#241"),
    Tool("qBittorrent", ("*.!qb",), source="its option to add .!qB to unfinished files"),
    Tool("BitComet, Vuze", ("*.bc!", "*.az!"), source="their manuals"),
    Tool("DC++", ("*.dctmp",), source="its manual"),
    # -- synchronisers -------------------------------------------------------------------------
    Tool(
        "ownCloud, Nextcloud desktop",
        (r"^.+\.~[0-9a-z]{4,}",),
        source=(
            "owncloud/client#385 (.f.~9o3vu0), #324 (f.~as9lp8); nextcloud/desktop#1134; on the "
            "server name.ocTransferId1.part"
        ),
    ),
    Tool(
        "ownCloud, Nextcloud, iCloud, odrive: a placeholder of a file that is in the cloud only",
        ("*.owncloud", "*.nextcloud", ".*.icloud", "*.cloud", "*.cloudf"),
        source="owncloud/client#7859, nextcloud/desktop#5601, owncloud/client#4341",
    ),
    Tool("Resilio Sync", ("*.!sync",), source="its manual"),
    Tool("Syncthing", (".syncthing.*", "~syncthing~*"), source="its manual"),
    Tool("Dropbox", (".dropbox.cache",), source="its help: files on their way and deleted ones"),
    Tool(
        "Google Drive",
        (".tmp.drivedownload", ".tmp.driveupload"),
        source="folders in what it mirrors",
    ),
    Tool("MEGA", (".getxfer.*",), source="meganz/sdk, tmpNameLocal: .getxfer.<process>.<n>.mega"),
    Tool("Synology Drive", (".synologyworkingdirectory",), source="its working folder"),
    Tool("FreeFileSync", ("*.ffs_tmp",), source="its manual: name.1a2b.ffs_tmp"),
    Tool(
        "Unison",
        (".unison.*",),
        source="kalabox/kalabox#1484: .unison.<name>.<hash>.unison.tmp; bcpierce00/unison#447",
    ),
    Tool(
        "rsync",
        (".~tmp~", ".rsync-partial", ".rsync-tmp", r"^\.(?!_).+\.[a-z0-9]{6}"),
        source=(
            "rsync(1): .name.XXXXXX, --partial-dir, --delay-updates; sjtug/lug#45, "
            "videolabs/mirrorbits#64"
        ),
    ),
    # -- transfers -----------------------------------------------------------------------------
    Tool("WinSCP", ("*.filepart",), source="winscp.net/eng/docs/resume"),
    Tool(
        "lftp, ProFTPD, SFTPGo, Pure-FTPd",
        (".in.*", "*.lftp", ".sftpgo-upload.*", ".pureftpd-upload.*"),
        source="lavv17/lftp#225; ProFTPD's HiddenStores (.in.name.); drakkan/sftpgo#436",
    ),
    Tool(
        "Android",
        (".pending-*",),
        source="MediaStore: .pending-<time>-<name> until the app has written it",
    ),
    # -- systems and programs that save --------------------------------------------------------
    Tool("GNOME", (".goutputstream-*",), source="gio writes there, then renames"),
    Tool(
        "macOS",
        ("*.sb-????????-??????", "(a document being saved by *", ".smbdelete*"),
        source=(
            "safe save: name.sb-1a2b3c4d-AbCdEf; meganz/MEGAsync#1081; the SMB client's name for "
            "a file replaced while open"
        ),
    ),
    Tool(
        "Windows, Office, many others",
        ("*.tmp",),
        source="name~RF1a2b3c.TMP of a replaced file; owncloud/client#3149",
    ),
    Tool("Vim: a file that is being edited", (".*.sw[nop]",), source="its manual, swap-file"),
)


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    parts = (
        f"(?:{pattern[1:]})\\Z" if pattern.startswith("^") else translate(pattern)
        for pattern in patterns
    )
    return re.compile("|".join(parts))


_BESIDE = tuple(ending for tool in TOOLS for ending in tool.beside)
_PATTERNS = (
    *(pattern for tool in TOOLS for pattern in tool.patterns),
    *(f"*{ending}" for ending in _BESIDE),
)
# most are an ending, and an ending is soonest told by itself: a look asks it of every file
_ENDINGS = tuple(each[1:] for each in _PATTERNS if re.fullmatch(r"\*[^*?\[\]]+", each))
_NAME = _any_of(each for each in _PATTERNS if each[1:] not in _ENDINGS)


def temporary(name: str) -> bool:
    """Is NAME (one path component) one that a tool gives to what it has not finished?"""
    low = name.lower()
    return low.endswith(_ENDINGS) or _NAME.match(low) is not None


def speaks_of(path: str) -> str | None:
    """The file that PATH, a tool's control file, says is unfinished: ``a/b.ply`` for
    ``a/b.ply.aria2``; None where PATH is none."""
    ending = next((ending for ending in _BESIDE if path.lower().endswith(ending)), None)
    return path[: -len(ending)] if ending else None
