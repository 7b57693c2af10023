"""What is wrong with a request, in words for people who know JSON and not pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.jobs.common import BACKEND

GONE = {
    "camera": (
        "this option is gone: write fx, fy, cx and cy into a file intrinsics.json beside the frames"
    )
}
PATTERNS = {BACKEND: "a name of small letters, digits and hyphens"}  # in words


def wrong(row: Mapping[str, Any]) -> str:
    """What is wrong with one key, ROW of a ValidationError's errors(), in words for people who know
    JSON and not pydantic."""
    match row["type"]:
        case "extra_forbidden":
            return "there is no such option"
        case "missing":
            return "it is missing"
        case "int_type" | "int_parsing" | "int_from_float":
            return "it must be a whole number"
        case "float_type" | "float_parsing":
            return "it must be a number"
        case "bool_type" | "bool_parsing":
            return "it must be true or false"
        case "string_type":
            return "it must be text"
        case "list_type" | "tuple_type":
            return "it must be a list"
        case "too_long":
            return f"it holds more than {row['ctx']['max_length']}"
        case "too_short" | "string_too_short" | "string_pattern_mismatch" if not str(
            row["input"]
        ).strip(" ()[]"):
            return "it is empty"
        case "string_pattern_mismatch" if row["ctx"]["pattern"] in PATTERNS:
            return f"it must be {PATTERNS[row['ctx']['pattern']]}"
    return str(row["msg"]).removeprefix("Value error, ").replace("Input should", "it should")
