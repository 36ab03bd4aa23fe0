"""Splunk's AppInspect as a filter: each line of standard input is a JSON object, each line of output its answer.

`{"name", "archive"}`, the archive being a path, gives `{"name", "checks", "problems"}`: how many checks looked at the app,
and what those say that found something to say. AppInspect ends well whatever it finds, so its report is read.

All checks run, those for Splunk Cloud (`cloud`, `private_app`, `private_victoria`, `private_classic`) among them: an app is
judged by the strictest place that it may be installed in, and they take a second.
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

#: Its own script does not know the libmagic that is installed beside it.
PROGRAM = [sys.executable, "-c", "import pylibmagic; from splunk_appinspect.main import execute; execute()"]
#: Results that are no finding. `skipped` is a check that needs what an app of ours does not have.
QUIET = {"success", "not_applicable", "skipped"}


def inspect(archive):
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "report.json"
        command = [*PROGRAM, "inspect", archive, "--mode", "precert", "--data-format", "json", "--output-file", report]
        # It leaves its traces in the current directory and in the home folder.
        environment = {**os.environ, "HOME": place, "TMPDIR": place}
        ended = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
        if ended.returncode != 0 or not report.is_file():
            return 0, [f"AppInspect failed ({ended.returncode}): {ended.stdout}\n{ended.stderr}"]
        read = json.loads(report.read_text(encoding="utf-8"))
    checks, problems = 0, []
    for app in read["reports"]:
        for check in (check for group in app["groups"] for check in group["checks"]):
            checks += check["result"] == "success"
            if check["result"] not in QUIET:
                said = "; ".join(message["message"] for message in check["messages"])
                problems.append(f"{check['result']}: {check['name']}: {said}")
    summary = read["summary"]
    for kind in ("error", "failure", "warning", "future_failure"):
        if summary[kind] and not any(problem.startswith(kind) for problem in problems):
            problems.append(f"{summary[kind]} of kind {kind}, which no check names")
    return checks, problems


asked = [json.loads(line) for line in sys.stdin]
with ThreadPoolExecutor(os.cpu_count()) as at_once:
    for one, (count, found) in zip(asked, at_once.map(lambda one: inspect(one["archive"]), asked)):
        print(json.dumps({"name": one["name"], "checks": count, "problems": found}))
