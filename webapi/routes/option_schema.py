"""The options of jobs as JSON Schema, for requests that may be of several kinds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from pipeline.jobs.common import FORMATS


def one_or_many(schema: dict[str, Any]) -> dict[str, Any]:
    """output_format is one format or a list of them."""
    one = {"type": "string", "enum": list(FORMATS)}
    return {
        "anyOf": [one, {"type": "array", "items": one, "minItems": 1}],
        **({"default": "glb"} if "default" in schema else {}),
        "description": schema.get("description", ""),
    }


def options_schema(models: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """The schema of every option that one of MODELS has. Where several have it in different forms,
    any of them. Without defaults: a program made from it would send each, and no kind has all."""
    models = list(models)
    found: dict[str, list[dict[str, Any]]] = {}
    for model in models:
        properties = model.model_json_schema(schema_generator=GenerateJsonSchema)["properties"]
        for key, schema in properties.items():
            plain = one_or_many(schema) if key == "output_format" else dict(schema)
            plain = {name: said for name, said in plain.items() if name not in ("title", "default")}
            forms = found.setdefault(key, [])
            forms += [plain] if plain not in forms else []
    kinds = [model.model_fields["kind"].default for model in models]
    found["kind"] = [{"type": "string", "enum": kinds, "description": "default: by content"}]
    return {key: forms[0] if len(forms) == 1 else {"anyOf": forms} for key, forms in found.items()}
