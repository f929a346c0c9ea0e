"""Compile specs/config.yaml into krun/spec/_schema.py: `compile_schema.py config.yaml _schema.py`.

Every definition becomes a variable that others refer to, so that nothing is looked up at run time and shared
definitions stay shared.  Refused, so that the fast check cannot skip what jsonschema would apply: keywords
that krun/spec/check.py does not interpret, schemas without exactly one type, and definitions nobody uses.
"""

# ruff: noqa: INP001  # run by the build, imported by nobody

from __future__ import annotations

import sys

import yaml

KEYWORDS = {
    "object": {"required", "properties", "propertyNames", "additionalProperties"},
    "array": {"items", "minItems", "maxItems"},
    "string": {"format", "enum", "minLength", "maxLength"},
    "integer": {"minimum", "maximum"},
    "boolean": set(),
}
NOTES = {"$schema", "$id", "$defs", "title", "description"}
PREFIX = "#/$defs/"


class Compiler:
    """Turns schemas into Python expressions, and definitions into variables as they are met."""

    def __init__(self, definitions: dict) -> None:
        """Take the definitions by name."""
        self.definitions = definitions
        self.lines: list[str] = []
        self.done: set[str] = set()

    def expression(self, schema: dict, where: str) -> str:
        """Return the expression of one schema.  Raises SystemExit naming what is not supported."""
        if "$ref" in schema:
            if len(schema) != 1 or not schema["$ref"].startswith(PREFIX):
                sys.exit(f"{where}: a $ref stands alone and leads to {PREFIX}")
            return self.variable(schema["$ref"].removeprefix(PREFIX), where)
        kind = schema.get("type")
        if kind not in KEYWORDS or (kind == "array" and "items" not in schema):
            sys.exit(f"{where}: needs one type, and an array its items")
        unknown = schema.keys() - KEYWORDS[kind] - NOTES - {"type"}
        if unknown:
            sys.exit(f"{where}: not supported with type {kind}: {', '.join(sorted(unknown))}")
        if schema.get("propertyNames", {"type": "string"}).get("type") != "string":
            sys.exit(f"{where}: propertyNames must be of type string")
        entries = (
            f"{key!r}: {self.keyword(key, value, f'{where}.{key}')}"
            for key, value in schema.items()
            if key not in NOTES
        )
        return "{" + ", ".join(entries) + "}"

    def keyword(self, key: str, value: object, where: str) -> str:
        """Return the expression of one keyword's value."""
        if key == "properties":
            inner = (f"{n!r}: {self.expression(s, f'{where}.{n}')}" for n, s in value.items())
            return "{" + ", ".join(inner) + "}"
        if key in ("items", "additionalProperties", "propertyNames"):
            return self.expression(value, where)
        return repr(tuple(value) if isinstance(value, list) else value)

    def variable(self, name: str, where: str) -> str:
        """Return the variable of a definition, writing it first when it is new."""
        if name not in self.definitions:
            sys.exit(f"{where}: no definition {name}")
        if name not in self.done:
            self.lines.append(f"_{name} = {self.expression(self.definitions[name], name)}")
            self.done.add(name)
        return f"_{name}"


def main(source: str, target: str) -> None:
    """Read the schema from `source` and write the module to `target`."""
    with open(source, encoding="utf-8") as file:
        schema = yaml.safe_load(file)
    compiler = Compiler(schema["$defs"])
    config = compiler.expression(schema, "config")
    unused = schema["$defs"].keys() - compiler.done
    if unused:
        sys.exit(f"{source}: nobody uses {', '.join(sorted(unused))}")
    with open(target, "w", encoding="utf-8") as file:
        file.write('"""specs/config.yaml as Python.  Written by the build."""\n\n')
        file.write("\n".join(compiler.lines))
        file.write(f"\nCONFIG = {config}\nPROCESS = _Process\nRESOURCES = _Resources\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
