"""What an emitted sequence costs beside the join that most would write: AN1458 on DuckDB, a million rows a table.

    arcanary build rules --out build
    .tools/python/bin/python benches/kql.py build/defender/archive_staged_by_utility.kql

Both read the same `let`s, so both scan alike. The naive one joins on DeviceId and filters by time and process; ours joins on
the whole process. `even`: 1,000 hosts with as many rows each; `busy`: one of them has 30 % of all rows.
"""

import argparse
import pathlib
import sys
import time

import duckdb
import duckdb_kql

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests/engines/kusto_run"))
import run  # noqa: E402  # the tests' own database, with the functions that duckdb-kql lacks

SETTINGS = [("even", 0.01, 0.0), ("busy", 0.05, 0.3), ("busy", 0.10, 0.3)]

PROCESSES = """
create table DeviceProcessEvents as select *, "Timestamp" as ProcessCreationTime from (select
  timestamp '2026-01-01' + to_microseconds((random() * 86400000000)::bigint) as "Timestamp",
  case when random() < {skew} then 'h0' else 'h' || (floor(random() * 1000)::int) end as DeviceId,
  'ProcessCreated' as ActionType, '' as ProcessVersionInfoOriginalFileName,
  case when random() < {rate} then '7z.exe' else 'svchost.exe' end as FileName,
  'C:\\Windows\\System32\\x.exe' as FolderPath, '7z.exe a D:\\q3.7z D:\\plans -mx9' as ProcessCommandLine,
  (random() * 30000)::bigint as ProcessId, i::bigint as ReportId, 'kim' as AccountName,
  'cmd.exe' as InitiatingProcessFileName, 'C:\\Windows\\System32\\cmd.exe' as InitiatingProcessFolderPath
from range({rows}) t(i))"""

FILES = """
create table DeviceFileEvents as select
  p."Timestamp" + to_microseconds((random() * 1200000000)::bigint) as "Timestamp", p.DeviceId, 'FileCreated' as ActionType,
  'q3.7z' as FileName, 'C:\\Users\\Public\\q3.7z' as FolderPath,
  case when random() < {rate} then 20000000 else 10 end::bigint as FileSize, p.ProcessId as InitiatingProcessId,
  p.ProcessCreationTime as InitiatingProcessCreationTime, p.ReportId, '7z.exe' as InitiatingProcessFileName
from DeviceProcessEvents p"""

NETWORK = """
create table DeviceNetworkEvents as select "Timestamp", DeviceId, 'ConnectionSuccess' as ActionType, InitiatingProcessId,
  InitiatingProcessCreationTime, ReportId, InitiatingProcessFileName, '198.51.100.7' as RemoteIP, 443::int as RemotePort,
  '' as RemoteUrl from DeviceFileEvents limit 1000"""

NAIVE = """Archiving
| join kind=inner (Staged | project-rename Process = ProcessId, Created = ProcessCreationTime) on DeviceId
| where StagedTime >= ArchivingTime and StagedTime - ArchivingTime <= 15m
    and Process == ProcessId and Created == ProcessCreationTime
| project StagedTime, DeviceId, ArchivingTime"""


def database(rate, skew, rows):
    connection, _ = run.load({})
    connection.execute("select setseed(0.42)")
    for text in (PROCESSES, FILES, NETWORK):
        connection.execute(text.format(rate=rate, skew=skew, rows=rows))
    return connection


def fastest(connection, query, times):
    """Seconds of the fastest run, and how many rows it returned."""
    best, rows = None, 0
    for _ in range(times):
        start = time.perf_counter()
        rows = len(duckdb_kql.kql(connection, query).fetchall())
        took = time.perf_counter() - start
        best = took if best is None else min(best, took)
    return best, rows


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("query", type=pathlib.Path)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--times", type=int, default=3)
    asked = arguments.parse_args()
    ours = asked.query.read_text(encoding="utf-8")
    lets = ours[: ours.index("let Sent = ")]
    print(f"DuckDB {duckdb.__version__}, {asked.rows:,} rows a table")
    for name, rate, skew in SETTINGS:
        connection = database(rate, skew, asked.rows)
        scan, _ = fastest(connection, lets + "union (Archiving | count), (Staged | count)", asked.times)
        mine, found = fastest(connection, ours, asked.times)
        theirs, joined = fastest(connection, lets + NAIVE, 1 if skew else asked.times)
        print(
            f"{name} hosts, {rate:.0%} pass: ours {mine:.2f} s ({found} rows), naive {theirs:.2f} s ({joined} pairs), "
            f"the scans alone {scan:.2f} s: {theirs / mine:.1f} times as fast",
            flush=True,
        )


if __name__ == "__main__":
    main()
