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
PATTERNS = {  # in words
    BACKEND: "a name of small letters, digits and hyphens",
    "^[0-9a-fA-F]{64}$": "64 hexadecimal digits",
}


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
        case "int_parsing_size":
            return "it must be a whole number of fewer digits"
        case "float_type" | "float_parsing":
            return "it must be a number"
        case "finite_number":
            return "it must be a number, not infinite or nan"
        case "greater_than":
            return f"it must be more than {row['ctx']['gt']:g}"
        case "greater_than_equal":
            return f"it must be {row['ctx']['ge']} or more"
        case "less_than":
            return f"it must be less than {row['ctx']['lt']:g}"
        case "less_than_equal":
            return f"it must be {row['ctx']['le']} or less"
        case "literal_error" | "enum":
            return f"it must be {row['ctx']['expected']}"
        case "bool_type" | "bool_parsing":
            return "it must be true or false"
        case "string_type":
            return "it must be text"
        case "list_type" | "tuple_type":
            return "it must be a list"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "it must be a table of names and values"
        case "too_long":
            return f"it holds more than {row['ctx']['max_length']}"
        case "string_too_long":
            return f"it is longer than {row['ctx']['max_length']} characters"
        case "too_short" | "string_too_short" | "string_pattern_mismatch" if row["ctx"].get(
            "actual_length"
        ) == 0 or not str(row["input"]).strip(" ()[]"):
            return "it is empty"
        case "too_short":
            return f"it holds fewer than {row['ctx']['min_length']}"
        case "string_too_short":
            return f"it is shorter than {row['ctx']['min_length']} characters"
        case "string_pattern_mismatch" if row["ctx"]["pattern"] in PATTERNS:
            return f"it must be {PATTERNS[row['ctx']['pattern']]}"
        case "value_error":
            return str(row["msg"]).removeprefix("Value error, ")
    return "it is not of the form that this option takes"
