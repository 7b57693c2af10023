"""The pages' addresses."""

from __future__ import annotations

from flask import Blueprint

from webapi.pages.before_after import before_after
from webapi.pages.forms import (
    do_again,
    do_cancel,
    do_cancel_mine,
    do_delete,
    do_export,
    do_label,
    do_many,
    do_prompt,
    do_restore,
    do_retry,
    do_sign_in,
    do_sign_out,
    do_upload,
)
from webapi.pages.read import beside_report, docs, done, home, job, mark, report, sign_in, trash
from webapi.pages.static import static

PREFIXES = ("", "/3d-test")
OPEN = {"sign_in", "static", "do_sign_in", "do_sign_out"}


def blueprint(prefix: str) -> Blueprint:
    """The pages below PREFIX."""
    found = Blueprint("test" if prefix else "pages", __name__, url_prefix=prefix or None)
    found.before_request(mark)
    for rule, view in (
        ("/", home),
        ("/jobs/<id>", job),
        ("/jobs/<id>/compare", before_after),
        ("/jobs/<id>/output/report.html", report),
        ("/jobs/<id>/output/<path:name>", beside_report),
        ("/done", done),
        ("/trash", trash),
        ("/docs", docs),
        ("/sign-in", sign_in),
        ("/static/<path:name>", static),
    ):
        found.add_url_rule(rule, view.__name__, view, methods=["GET"])
    for rule, view in (
        ("/do/prompt", do_prompt),
        ("/do/upload", do_upload),
        ("/do/cancel/<id>", do_cancel),
        ("/do/retry/<id>", do_retry),
        ("/do/export/<id>", do_export),
        ("/do/again/<id>", do_again),
        ("/do/delete/<id>", do_delete),
        ("/do/restore/<id>", do_restore),
        ("/do/label/<id>", do_label),
        ("/do/many", do_many),
        ("/do/cancel-mine", do_cancel_mine),
        ("/sign-in", do_sign_in),
        ("/sign-out", do_sign_out),
    ):
        found.add_url_rule(rule, view.__name__, view, methods=["POST"])
    return found
