"""Runs Sigma rules over events: pySigma's SQLite backend, SQLite itself, regular expressions by Python's `re`.

    run.py < lines.jsonl > answers.jsonl

in:  {"events": [{FIELD: VALUE, …}, …]} puts these events in place of all others; {"name", "yaml"} asks them.
out: {"loaded": EVENTS}, or {"name", "matched"}: for each rule of the text the indexes of the events that it selects; or
     {"name", "error"}. One answer a line, same order.

`check.py` does the same for one rule with events of its own, and everything else that can be said of a rule.
"""

import re
import sqlite3

from check import BACKENDS, convert_once, items_of_stdin, print_answers


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def regexp(pattern, value):
    return None if value is None else compiled(pattern).search(str(value)) is not None


COMPILED = {}


def compiled(pattern):
    if pattern not in COMPILED:
        COMPILED[pattern] = re.compile(pattern)
    return COMPILED[pattern]


def load(events):
    columns = list(dict.fromkeys(key for event in events for key in event))
    database = sqlite3.connect(":memory:")
    database.create_function("REGEXP", 2, regexp, deterministic=True)
    made = "".join(f", {quote(name)} COLLATE NOCASE" for name in columns)
    database.execute(f"CREATE TABLE logs (_event INTEGER{made})")
    rows = [[index, *(event.get(name) for name in columns)] for index, event in enumerate(events)]
    database.executemany(f"INSERT INTO logs VALUES ({', '.join('?' * (len(columns) + 1))})", rows)
    return database


def select(database, query):
    while True:
        try:
            cursor = database.execute(query)
            place = [column[0] for column in cursor.description].index("_event")
            return sorted(row[place] for row in cursor)
        except sqlite3.OperationalError as error:
            absent = re.fullmatch(r"no such column: (.+)", str(error))
            if not absent:
                raise
            database.execute(f"ALTER TABLE logs ADD COLUMN {quote(absent[1])} COLLATE NOCASE")


def answers(items):
    database = load([])
    backend, _ = BACKENDS["sqlite"]
    for item in items:
        if "events" in item:
            database = load(item["events"])
            yield {"loaded": len(item["events"])}
            continue
        try:
            matched = [select(database, query) for query in convert_once(item["yaml"], backend, None)]
            yield {"name": item["name"], "matched": matched}
        except Exception as error:  # noqa: BLE001
            yield {"name": item["name"], "error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    print_answers(answers(items_of_stdin()))
