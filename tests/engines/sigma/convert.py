"""Converts Sigma rules as their users do: with pySigma's Splunk and Kusto backends and the usual pipelines.

    convert.py < lines.jsonl > answers.jsonl

in:  {"events": [{FIELD: VALUE, …}, …]} puts these events in place of all others; {"name", "yaml"} asks them.
out: {"loaded": EVENTS}, or {"name", "splunk", "sysmon", "kusto"}. `splunk` (the pipeline `splunk_windows` alone) and `sysmon`
     (`sysmon` in front of it) are {"queries": [SPL, …]}, one for each rule of the text; `kusto` is {"matched": [[INDEX, …], …]}:
     for each rule the events that its query selects on duckdb-kql. Each may be {"error"} instead. One answer a line, same order.

Splunk's queries are run by the strict reader of these tests; SQLite's by `run.py`.
"""

import importlib.util
from pathlib import Path

from check import BACKENDS, convert_once, items_of_stdin, load, print_answers, splunk_pipelines
from sigma.backends.splunk import SplunkBackend
from sigma.pipelines.microsoftxdr.mappings import CATEGORY_TO_TABLE_MAPPINGS as TABLES
from sigma.pipelines.microsoftxdr.mappings import MICROSOFT_XDR_FIELD_MAPPINGS as MAPPINGS
from sigma.pipelines.splunk import splunk_windows_pipeline

_spec = importlib.util.spec_from_file_location("kusto_run", Path(__file__).parent.parent / "kusto_run/run.py")
kusto_run = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(kusto_run)

# What `microsoft_xdr` asks otherwise than the rule: it splits accounts and hashes, drops the direction, and takes a parent's
# name for its path outside of process events. Rules with such a field are converted without it.
ASKED_OTHERWISE = {"User", "Hashes", "Initiated"}


class Tables:
    """The events as tables of Kusto, each made when a query first asks for it."""

    def __init__(self, events):
        self.events = events
        self.connections = {}

    def connection(self, table):
        if table not in self.connections:
            column = (lambda field: MAPPINGS.get_field_mapping(table, field)) if table else (lambda field: field)
            rows = [{column(field): value for field, value in event.items()} for event in self.events]
            names = dict.fromkeys(name for row in rows for name in row)
            numbers = {name for row in rows for name, value in row.items() if isinstance(value, int)}
            columns = {"_event": "long", **{name: "long" if name in numbers else "string" for name in names}}
            stored = [[index, *(row.get(name) for name in names)] for index, row in enumerate(rows)]
            self.connections[table], _ = kusto_run.load({table or "logs": {"columns": columns, "rows": stored}})
        return self.connections[table]

    def select(self, query, table):
        connection = self.connection(table)
        found = kusto_run.ask(connection, {"name": "", "query": query, "id": "_event"})
        return sorted(row[0] for row in found["rows"])


def fields(detection):
    """The fields that a detection asks."""
    for item in detection.detection_items:
        if hasattr(item, "detection_items"):
            yield from fields(item)
        else:
            yield item.field


def each(text, backend, pipeline):
    """A query for each rule of the text. A rule by itself: an empty query is left out of several without a word."""
    return [query for rule in text.split("\n---\n") for query in convert_once(rule, backend, pipeline and pipeline())]


def kusto(text, tables):
    backend, pipeline = BACKENDS["kusto"]
    matched = []
    for document in text.split("\n---\n"):
        [rule] = load(document)[0].rules
        asked = {field for detection in rule.detection.detections.values() for field in fields(detection)}
        table = TABLES.get(rule.logsource.category)
        known = {**MAPPINGS.generic_mappings, **MAPPINGS.table_mappings.get(table, {})}
        parent = "ParentImage" in asked and rule.logsource.category != "process_creation"
        if table and asked <= set(known) - ASKED_OTHERWISE and not parent:
            [query] = each(document, backend, pipeline)
        else:
            [query], table = each(document, backend, None), None
            query = "logs\n| where " + query
        matched.append(tables.select(query, table))
    return {"matched": matched}


def tried(work):
    try:
        return work()
    except Exception as error:  # noqa: BLE001
        return {"error": f"{type(error).__name__}: {str(error)[:400]}"}


def answers(items):
    tables = Tables([])
    for item in items:
        if "events" in item:
            tables = Tables(item["events"])
            yield {"loaded": len(item["events"])}
            continue
        text = item["yaml"]
        yield {
            "name": item["name"],
            "splunk": tried(lambda: {"queries": each(text, SplunkBackend, splunk_windows_pipeline)}),
            "sysmon": tried(lambda: {"queries": each(text, SplunkBackend, splunk_pipelines)}),
            "kusto": tried(lambda: kusto(text, tables)),
        }


if __name__ == "__main__":
    print_answers(answers(items_of_stdin()))
