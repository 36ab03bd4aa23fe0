"""Splunk's contentctl as a filter: each line of standard input is a JSON object, each line of output its answer.

`{"name", "files"}`, the files being texts by their path in a content repository, gives `{"name", "problems", "searches"}`:
`contentctl init --bare` makes a repository, contentctl's macros and the files are put into it, `contentctl validate` checks them, and
`contentctl build` makes an app; `searches` is its savedsearches.conf. ATT&CK and CVE data are off by default
(`enrichments`), so nothing is fetched.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROGRAM = Path(sys.executable).parent / "contentctl"


def plain(text):
    """What it said, without the steps of its progress."""
    lines = (line.rsplit("\r", 1)[-1] for line in text.splitlines())
    return "\n".join(line for line in lines if line.strip() and "Progress:" not in line)


def run(repository, *arguments):
    """What is wrong, if it failed."""
    environment = {**os.environ, "HOME": str(repository), "PYTHONUTF8": "1", "NO_COLOR": "1"}
    ended = subprocess.run([PROGRAM, *arguments], cwd=repository, env=environment, capture_output=True, encoding="utf-8")
    failed = f"contentctl {' '.join(arguments)} ({ended.returncode}):\n{plain(ended.stdout)}\n{plain(ended.stderr)}"
    return [] if ended.returncode == 0 else [failed]


def check(bare, files):
    with tempfile.TemporaryDirectory() as place:
        repository = Path(place) / "content"
        shutil.copytree(bare, repository)
        for path, text in files.items():
            file = repository / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        problems = run(repository, "validate") or run(repository, "build")
        built = repository / "dist" / "ContentPack" / "default" / "savedsearches.conf"
        if not problems and not built.is_file():
            problems = ["contentctl build made no savedsearches.conf"]
        return problems, "" if problems else built.read_text(encoding="utf-8")


with tempfile.TemporaryDirectory() as made:
    with tempfile.TemporaryDirectory() as full:
        failed = run(Path(made), "init", "--bare") or run(Path(full), "init")
        if failed:
            sys.exit(failed[0])
        # A bare repository lacks the macros that contentctl comes with, and that Splunk's own content has.
        shutil.copytree(Path(full) / "macros", Path(made) / "macros", dirs_exist_ok=True)
    asked = [json.loads(line) for line in sys.stdin]
    with ThreadPoolExecutor(os.cpu_count()) as at_once:
        answers = at_once.map(lambda one: check(made, one["files"]), asked)
        for one, (found, searches) in zip(asked, answers):
            print(json.dumps({"name": one["name"], "problems": found, "searches": searches}))
