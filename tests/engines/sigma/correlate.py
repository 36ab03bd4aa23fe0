"""Runs Sigma correlations over events: pySigma's SQLite backend, SQLite itself, regular expressions by Python's `re`.

    correlate.py < lines.jsonl > answers.jsonl

in:  {"name", "yaml", "sets": [[{"_seconds", "_product", "_category", FIELD: VALUE, …}, …], …]}; events in order of time, and
     sets too, with more than a window between them.
out: {"name", "fired"}: for each set whether a correlation of the text fires; or {"name", "error"}. One answer a line, same
     order.
"""

import json
import sqlite3
import sys

import yaml
from check import load
from run import quote, regexp
from sigma.backends.sqlite import sqliteBackend
from sigma.backends.sqlite.runtime import ensure_fields
from sigma.processing.conditions import LogsourceCondition
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import AddConditionTransformation


def queries(text):
    """A query for each correlation. Base rules look at the events of their own log source alone."""
    sources = [d["logsource"] for d in yaml.safe_load_all(text) if "logsource" in d]
    each = {(source["product"], source["category"]) for source in sources}
    items = [
        ProcessingItem(
            AddConditionTransformation({"_product": product, "_category": category}),
            rule_conditions=[LogsourceCondition(product=product, category=category)],
        )
        for product, category in sorted(each)
    ]
    backend = sqliteBackend(
        ProcessingPipeline(items=items), collate_nocase=True, timestamp_field="_seconds", timestamp_format="unix"
    )
    rules, problems = load(text)
    if problems:
        raise ValueError("; ".join(problems))
    found = [str(query) for query in backend.convert(rules)]
    wanted = sum("correlation" in d for d in yaml.safe_load_all(text))
    if len(found) != wanted:
        raise ValueError(f"{len(found)} queries for {wanted} correlations")
    # Fields that no event has are missing in all of them.
    needed = {}
    for plan in backend._correlation_plans.values():
        for table, fields in plan["required_fields"].items():
            needed.setdefault(table, set()).update(fields)
    return found, needed


def table(events):
    columns = list(dict.fromkeys(key for event in events for key in event))
    database = sqlite3.connect(":memory:")
    database.create_function("REGEXP", 2, regexp, deterministic=True)
    made = [f"{quote(name)}{'' if name == '_seconds' else ' COLLATE NOCASE'}" for name in columns]
    database.execute(f"CREATE TABLE logs ({', '.join(made)})")
    rows = [[event.get(name) for name in columns] for event in events]
    database.executemany(f"INSERT INTO logs VALUES ({', '.join('?' * len(columns))})", rows)
    return database


def fires(found, needed, sets):
    """All sets lie in one table; a correlation tells when it fires."""
    database = table([event for events in sets for event in events])
    ensure_fields(database, needed)
    times = []
    for query in found:
        cursor = database.execute(query)
        place = [column[0] for column in cursor.description].index("occurrence_time")
        times += [row[place] for row in cursor]
    inside = lambda events, time: events[0]["_seconds"] <= time <= events[-1]["_seconds"]  # noqa: E731
    fired = [bool(events) and any(inside(events, time) for time in times) for events in sets]
    strays = [time for time in times if not any(events and inside(events, time) for events in sets)]
    if strays:
        raise ValueError(f"fires at {strays[:3]}, in no set")
    return fired


def main():
    sys.stdout.reconfigure(encoding="utf-8")
    for line in sys.stdin.buffer.read().decode("utf-8").splitlines():
        item = json.loads(line)
        try:
            found, needed = queries(item["yaml"])
            answer = {"name": item["name"], "fired": fires(found, needed, item["sets"])}
        except Exception as error:  # noqa: BLE001
            answer = {"name": item["name"], "error": f"{type(error).__name__}: {str(error)[:400]}"}
        print(json.dumps(answer, ensure_ascii=False))


if __name__ == "__main__":
    main()
