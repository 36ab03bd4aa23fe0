"""Runs KQL queries on rows: duckdb-kql translates them, DuckDB executes them.

    run.py < lines.jsonl > answers.jsonl
    run.py --self-test

in:  {"tables": {TABLE: {"columns": {NAME: TYPE}, "rows": [[VALUE, …], …]}}} puts these tables in place of all others;
     {"name", "query", "id": COLUMN, "flags": [COLUMN, …]} asks them. A missing string is '', a missing number, bool or
     datetime is null; datetimes are seconds since 1970.
out: {"loaded": ROWS}, or {"name", "rows": [[ID, FLAG, …], …], "columns": [NAME, …]}: of each row of the result its id and
     whether each flag is true, null where there is no such column; or {"name", "error"}. One answer a line, same order.

Nothing here may use the network.
"""

import datetime
import ipaddress
import json
import socket
import sys


def _no_network(*_args, **_kwargs):
    raise OSError("the KQL runner must not use the network")


socket.socket.connect = _no_network
socket.getaddrinfo = _no_network

import duckdb_kql  # noqa: E402
import numpy  # noqa: E402
from duckdb_kql.translate.functions import SCALAR_FUNCTIONS, FunctionSpec  # noqa: E402

# duckdb-kql 1.1.2 lacks these (../deviations.md); null for what is no address, as Kusto documents.
IN_RANGE = {
    "ipv4_is_in_range": ipaddress.IPv4Network,
    "ipv6_is_in_range": ipaddress.IPv6Network,
    "ipv4_is_in_any_range": ipaddress.IPv4Network,
    "ipv6_is_in_any_range": ipaddress.IPv6Network,
}
for _name in IN_RANGE:
    SCALAR_FUNCTIONS[_name] = FunctionSpec(_name, "udf", f"test_{_name}({{0}}, CAST({{1}} AS VARCHAR))", (2,))

TYPES = {"string": "VARCHAR", "long": "BIGINT", "int": "INTEGER", "bool": "BOOLEAN", "datetime": "TIMESTAMP", "real": "DOUBLE"}
EPOCH = datetime.datetime(1970, 1, 1)


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def stored(value, kind):
    if kind == "string":
        return "" if value is None else value
    if kind == "datetime" and value is not None:
        return EPOCH + datetime.timedelta(seconds=value)
    return value


def in_range(network_class):
    def test(address, networks):
        networks = json.loads(networks) if networks.startswith("[") else [networks]
        try:
            return any(ipaddress.ip_address(address) in network_class(network) for network in networks)
        except ValueError:
            return None

    return test


def load(tables):
    """A database of its own: a table of an earlier set could have other columns."""
    connection = duckdb_kql.connect()
    for name, network_class in IN_RANGE.items():
        connection.create_function(f"test_{name}", in_range(network_class), ["VARCHAR", "VARCHAR"], "BOOLEAN", null_handling="special")
    loaded = 0
    for table, content in tables.items():
        kinds = list(content["columns"].values())
        columns = ", ".join(f"{quote(name)} {TYPES[kind]}" for name, kind in content["columns"].items())
        connection.execute(f"CREATE TABLE {quote(table)} ({columns})")
        rows = [[stored(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in content["rows"]]
        if rows:
            # By column: row by row, DuckDB takes sixty times as long. It looks at each value to know a column's type.
            given = {f"c{i}": numpy.array(values, dtype=object) for i, values in enumerate(zip(*rows, strict=True))}
            connection.execute(f"SET pandas_analyze_sample = {len(rows)}")
            connection.register("given", given)
            connection.execute(f"INSERT INTO {quote(table)} SELECT * FROM given")
            connection.unregister("given")
        loaded += len(rows)
    return connection, loaded


def shown(value):
    if isinstance(value, datetime.datetime):
        return round((value.replace(tzinfo=None) - EPOCH).total_seconds(), 6)
    return value


def ask(connection, item):
    relation = duckdb_kql.kql(connection, item["query"])
    columns = list(relation.columns)
    wanted = [item["id"], *item.get("flags", [])]
    places = [columns.index(name) if name in columns else None for name in wanted]
    rows = [[None if place is None else shown(row[place]) for place in places] for row in relation.fetchall()]
    return {"name": item["name"], "rows": rows, "columns": columns}


def answers(items):
    connection = None
    for item in items:
        if "tables" in item:
            connection, loaded = load(item["tables"])
            yield {"loaded": loaded}
            continue
        try:
            yield ask(connection, item)
        except Exception as error:  # noqa: BLE001
            yield {"name": item["name"], "error": f"{type(error).__name__}: {error}"}


# --- self-test ------------------------------------------------------------------------------------------------

TABLES = {
    "tables": {
        "T": {
            "columns": {"At": "datetime", "S": "string", "N": "long"},
            "rows": [[1, r"C:\A\rar.EXE", 5], [2, "x -p", None], [3, "10.1.2.3", 0], [4, 'say "it\'s"', -1], [5, "", None]],
        }
    }
}

# (query, ids of its rows, flags F of its rows)
CASES = [
    ("T | where S endswith @'\\RAR.exe' | project At", [1], [None]),
    ("// a comment\nT\n| where N >= 0 // another\n| project At", [1, 3], [None, None]),
    ("T | where not(N >= 0) | project At", [4], [None]),
    ("T | where not(isnotnull(N) and N >= 0) | project At", [2, 4, 5], [None, None, None]),
    ("T | where isnotempty(S) | extend F = S has 'rar' | project At, F", [1, 2, 3, 4], [True, False, False, False]),
    ("T | where S matches regex @'(?i)^[^\"]*[ ]-P' | project At", [2], [None]),
    ("T | where S in~ ('X -P', 'y') or S =~ @'say \"it''s\"' | project At", [2, 4], [None, None]),
    ("T | where S has_any ('rar', 'p') | project At", [1, 2], [None, None]),
    ("let A = T | where N == 5; let B = T | where N == 0; union A, B | project At", [1, 3], [None, None]),
    ("T | extend E = extract(@'\\.([^.\\\\/]*)$', 1, S) | where E =~ 'exe' | project At", [1], [None]),
    ("T | where coalesce(ipv4_is_in_range(S, '10.0.0.0/8'), false) | project At", [3], [None]),
]
WRONG = ["T | where Nothing == 1", "T | wherex", "Nowhere | take 1"]


def self_test():
    failed = 0
    lines = [TABLES, *({"name": query, "query": query, "id": "At", "flags": ["F"]} for query, *_ in CASES)]
    lines += [{"name": query, "query": query, "id": "At"} for query in WRONG]
    loaded, *found = answers(lines)
    cases = [*CASES, *((query, None, None) for query in WRONG)]
    for answer, (query, ids, flags) in zip(found, cases, strict=True):
        rows = answer.get("rows")
        good = rows is None if ids is None else rows is not None and sorted(rows) == [list(r) for r in zip(ids, flags, strict=True)]
        if not good:
            failed += 1
            print(f"FAILED {query}: {answer}")
    failed += loaded != {"loaded": 5}
    print(f"KQL self-test: {len(cases) + 1 - failed} passed, {failed} failed")
    return 1 if failed else 0


def main(arguments):
    if "--self-test" in arguments:
        return self_test()
    items = (json.loads(line) for line in sys.stdin.buffer.read().decode("utf-8").splitlines() if line.strip())
    sys.stdout.reconfigure(encoding="utf-8")
    for answer in answers(items):
        print(json.dumps(answer, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
