"""The dbt project and the documents: what it takes from the connector's tables, and what they take from it."""

from __future__ import annotations

import re
from collections.abc import Set
from pathlib import Path
from typing import Any

import yaml

from mappings.model import RESOURCES
from mappings.schemas import columns
from sources.unified_lms.tables import REJECTED_RECORDS, SYNC_RUNS, Table, snapshots
from tests.unit.house.documents import ROOT

_MODELS = ROOT / "dbt_project" / "models"
_METRIC = re.compile(r"{% docs (\w+) %}\n(.*?)\n{% enddocs %}", re.DOTALL)
_STAGING = _MODELS / "staging"
_HEAD = "# Made from sources/unified_lms/tables.py by `make docs-tables`: change it there.\n"
_FRESHNESS = {"loaded_at_field": "started_at", "freshness": {"error_after": {"count": 48, "period": "hour"}}}
"""Two days without any run are an error of `dbt source freshness`."""


def dbt_files() -> dict[Path, str]:
    """The text of each file: the sources, and the base models that stand for them where a table does not exist yet."""
    tables = {snapshots(resource): {c.name for c in columns(resource)} for resource in RESOURCES.values()}
    tables |= {SYNC_RUNS: set(), REJECTED_RECORDS: set()}
    source = {
        "name": "lms",
        "description": "What `lms sync` keeps: every version of a record, and what the runs did.",
        "schema": "{{ var('dataset') }}",
        "tables": [_source(table, fields) for table, fields in tables.items()],
    }
    return {
        _STAGING / "_lms__sources.yml": _yaml({"version": 2, "sources": [source]}),
        _STAGING / "base" / "_lms__base.yml": _yaml({"version": 2, "models": [_base(t) for t in tables]}),
    }


def _yaml(document: dict[str, Any]) -> str:
    return _HEAD + yaml.safe_dump(document, sort_keys=False, width=110)


def _source(table: Table, fields: Set[str]) -> dict[str, Any]:
    described = [
        {"name": c.name, "description": c.description, "data_type": c.hint["data_type"]}
        | ({"config": {"meta": {"model_field": True}}} if _is_field(c.name, fields) else {})
        for c in table.columns
    ]
    config = {"config": _FRESHNESS} if table is SYNC_RUNS else {}
    return {"name": table.name, "description": table.description, "columns": described} | config


def _is_field(column: str, fields: Set[str]) -> bool:
    return column in fields and not column.endswith("_source")


def _base(table: Table) -> dict[str, Any]:
    described = [{"name": c.name, "description": c.description} for c in table.columns]
    said = f"{table.description} All columns, also where no run has made the table yet."
    return {"name": f"base_lms__{table.name}", "description": said, "columns": described}


def marts() -> dict[str, str]:
    """Each mart and what it holds, as its own YAML says."""
    found = [yaml.safe_load(file.read_text("utf-8")) for file in sorted((_MODELS / "marts").glob("*.yml"))]
    return {model["name"]: model["description"] for document in found for model in document.get("models", [])}


def metrics() -> dict[str, str]:
    """Each metric in words."""
    return dict(_METRIC.findall((_MODELS / "metrics.md").read_text("utf-8")))


def described_models() -> dict[str, dict[str, str]]:
    """The columns of each model and seed, and their descriptions, as the YAML beside them has it."""
    files = [*_MODELS.rglob("*.yml"), *(ROOT / "dbt_project" / "seeds").glob("*.yml")]
    documents = [yaml.safe_load(file.read_text("utf-8")) for file in files]
    entries = [entry for d in documents for entry in [*d.get("models", []), *d.get("seeds", [])]]
    return {e["name"]: {c["name"]: c.get("description", "") for c in e["columns"]} for e in entries}
