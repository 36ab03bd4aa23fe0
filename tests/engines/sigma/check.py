"""Checks Sigma YAML with the tools that its users run: the published schema, two YAML readers, pySigma.

    check.py SCHEMA_FOLDER ATTACK_TABLE < rules.jsonl > findings.jsonl
    check.py SCHEMA_FOLDER ATTACK_TABLE --self-test

in:  {"name", "yaml"}, one object a line; "yaml" may hold several documents. Optional: "path", the file name it is
     to be published under (only then are SigmaHQ's file name conventions checked); "events", a list of flat
     objects, which the rule is run over (SQLite backend, SQLite itself, regular expressions by Python's `re`).
out: {"name", "problems": [{"check": "schema|types|load|validator|convert|run", "message"}],
      "limits": [{"backend", "message"}], "converted": {"splunk": [...], "kusto": [...], "sqlite": [...]}}, same order;
     with "events" also "matched", for each SQLite query the indexes of the events it selects.

A problem is a fault of the rule. A limit is something that a converter is known not to be able to do, or a field
mapping of pySigma's that lacks a field (the rule is then converted without that mapping). Identifiers and titles
must be unique over the whole input. Nothing here may use the network: sockets are closed off before pySigma loads.
"""

import datetime
import io
import json
import os
import re
import socket
import sqlite3
import sys
import tempfile
from pathlib import Path


def _no_network(*_args, **_kwargs):
    raise OSError("the Sigma checker must not use the network")


socket.socket.connect = _no_network
socket.getaddrinfo = _no_network

import jsonschema  # noqa: E402
import ruamel.yaml  # noqa: E402
import yaml  # noqa: E402
from sigma.backends.kusto import KustoBackend  # noqa: E402
from sigma.backends.splunk import SplunkBackend  # noqa: E402
from sigma.backends.splunk.splunk import SplunkDeferredORRegularExpression  # noqa: E402
from sigma.backends.sqlite import sqliteBackend  # noqa: E402
from sigma.collection import SigmaCollection  # noqa: E402
from sigma.correlations import SigmaCorrelationRule  # noqa: E402
from sigma.data import mitre_attack  # noqa: E402
from sigma.exceptions import SigmaRuleLocation  # noqa: E402
from sigma.pipelines.microsoftxdr import microsoft_xdr_pipeline  # noqa: E402
from sigma.pipelines.splunk import splunk_windows_pipeline  # noqa: E402
from sigma.pipelines.sysmon import sysmon_pipeline  # noqa: E402
from sigma.rule.base import SigmaYAMLLoader  # noqa: E402
from sigma.validation import SigmaValidator  # noqa: E402
from sigma.validators.core import validators as core_validators  # noqa: E402

# SigmaHQ's validators look for newer data on the network as they are imported, unless a folder of this name is in
# the current directory; an empty one leaves them with the data of their own release (and keeps their failed
# download off our standard output).
_home = os.getcwd()
with tempfile.TemporaryDirectory(prefix="arcanary-sigmahq-") as _folder:
    os.chdir(_folder)
    os.mkdir("validator_json")
    from sigma.validators.sigmahq import validators as sigmahq_validators  # noqa: E402

    os.chdir(_home)

# Validators that are not run, each with its reason. All others of pySigma and of SigmaHQ are.
LEFT_OUT = {
    "d3_fendtag": "downloads D3FEND for every tag, whatever its namespace",
    "tlpv1_tag": "TLP 1 and TLP 2 exclude each other; tlptag takes both",
    "escaped_wildcard": "asks a human author whether an escape is meant; a compiler escapes a star only when told to",
    "sigmahq_status": "wants deprecated rules in a certain folder of SigmaHQ's repository",
    "sigmahq_status_to_high": "compares `date` with today's: the same rule fails this month and passes the next",
}

# A field that SigmaHQ's lists have for Windows alone, where they were made from whole events: it stands in the header of
# every event of Sysmon, on Linux too. Files for its repository have no such exception.
HEADER_FIELDS = {"Computer"}

# What a converter is known not to do: (backend, what its exception says). Anything else is a problem.
KNOWN_LIMITS = [
    ("kusto", r"does not support correlation rules"),
    ("kusto", r"Field reference .*not supported"),
    ("splunk", r"Correlation type 'temporal_ordered' is not supported"),
    ("splunk", r"ORing FieldRef matching is not yet supported"),
    ("splunk", r"Field reference \w+ expression is not supported"),
]

DATES = ("date", "modified")


# --- schema and YAML ------------------------------------------------------------------------------------------


def schemas(folder):
    """The three schemas of Sigma 2.1.0, by the kind of document."""
    named = {"rule": "sigma-detection-rule-schema", "correlation": "sigma-correlation-rules-schema", "filter": "sigma-filters-schema"}
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return {
        kind: jsonschema.Draft202012Validator(json.loads((Path(folder) / f"{name}.json").read_text("utf-8")), format_checker=checker)
        for kind, name in named.items()
    }


def kind_of(document):
    return next((kind for kind in ("correlation", "filter") if kind in document), "rule")


def schema_problems(document, validators, path):
    if not isinstance(document, dict):
        yield f"{path}: a document is a {type(document).__name__}, not a mapping"
        return
    # A YAML 1.1 reader makes a plain 2026-01-31 a date, which pySigma takes; the schema wants its text.
    shown = {
        key: value.isoformat() if key in DATES and type(value) is datetime.date else value
        for key, value in document.items()
    }
    found = validators[kind_of(document)].iter_errors(shown)
    yield from dict.fromkeys(f"{path}{error.json_path.removeprefix('$')}: {error.message}" for error in found)


def differences(old, new, path="$"):
    """Where YAML 1.1 and 1.2 readers disagree, or read something that is not plain data."""
    if type(old) is not type(new):
        yield f"{path}: {old!r} ({type(old).__name__}) in YAML 1.1, {new!r} ({type(new).__name__}) in YAML 1.2"
    elif isinstance(old, dict):
        for key in old:
            if not isinstance(key, str):
                yield f"{path}: the key {key!r} is a {type(key).__name__}"
        if list(old) != list(new):
            yield f"{path}: keys {list(old)!r} in YAML 1.1, {list(new)!r} in YAML 1.2"
        else:
            for key in old:
                yield from differences(old[key], new[key], f"{path}.{key}")
    elif isinstance(old, list):
        if len(old) != len(new):
            yield f"{path}: {len(old)} items in YAML 1.1, {len(new)} in YAML 1.2"
        for index, (left, right) in enumerate(zip(old, new)):
            yield from differences(left, right, f"{path}[{index}]")
    elif isinstance(old, (datetime.date, datetime.datetime)):
        yield f"{path}: {old!r} is a date; a reader without timestamps makes it a string"
    elif old != new:
        yield f"{path}: {old!r} in YAML 1.1, {new!r} in YAML 1.2"


def type_problems(text):
    try:
        for _ in yaml.load_all(text, Loader=SigmaYAMLLoader):
            pass  # refuses a repeated key, which safe_load lets through
        old = list(yaml.safe_load_all(text))
        new = list(ruamel.yaml.YAML(typ="safe", pure=True).load_all(io.StringIO(text)))
    except (yaml.YAMLError, ruamel.yaml.error.YAMLError) as error:
        yield f"not readable as YAML: {error}"
        return
    without_dates = [[{k: v for k, v in d.items() if k not in DATES} if isinstance(d, dict) else d for d in ds] for ds in (old, new)]
    yield from differences(*without_dates)


# --- pySigma --------------------------------------------------------------------------------------------------


def load(text, path=None):
    """A fresh collection (pipelines change the rules they convert) and what is wrong with it."""
    try:
        rules = SigmaCollection.from_yaml(text, collect_errors=True)
    except Exception as error:  # noqa: BLE001 - whatever a user's tool would die of
        return None, [f"{type(error).__name__}: {error}"]
    problems = [f"{type(error).__name__}: {error}" for error in rules.errors]
    if not rules.rules:
        problems.append("no rule in the text")
    for rule in rules.rules:
        if path:
            rule.source = SigmaRuleLocation(Path(path))
        if isinstance(rule, SigmaCorrelationRule) or rule.errors:
            continue
        for condition in rule.detection.parsed_condition:  # parsed only when asked for
            try:
                condition.parsed
            except Exception as error:  # noqa: BLE001
                problems.append(f"{rule.title}: {type(error).__name__}: {error}")
    return rules, problems


def use_attack(file):
    """Gives pySigma Arcanary's table of ATT&CK in the form it would have downloaded."""
    rows = [line.split("\t") for line in Path(file).read_text("utf-8").splitlines() if not line.startswith("#")]

    def item(kind, identifier, **more):
        return {"type": kind, "external_references": [{"source_name": "mitre-attack", "external_id": identifier}], **more}

    objects = [item("x-mitre-tactic", row[0], x_mitre_shortname=row[2]) for row in rows if row[0].startswith("TA")]
    for number, name, tactics in (row for row in rows if row[0].startswith("T1") and len(row) == 3):
        phases = [{"kill_chain_name": "mitre-attack", "phase_name": tactic} for tactic in tactics.split()]
        if phases:
            objects.append(item("attack-pattern", number, name=name, kill_chain_phases=phases))
    folder = Path(tempfile.mkdtemp(prefix="arcanary-attack-"))
    (folder / "attack.json").write_text(json.dumps({"objects": objects}), "utf-8")
    mitre_attack.set_cache_dir(str(folder / "cache"))
    mitre_attack.set_url(str(folder / "attack.json"))


class Validation:
    """Every validator that applies; remembers whose rule is whose, since some speak only at the end."""

    def __init__(self):
        known = {**core_validators, **sigmahq_validators}
        missing = set(LEFT_OUT) - set(known)
        if missing:
            raise SystemExit(f"check.py names validators that are gone: {sorted(missing)}")
        self.names = sorted(set(known) - set(LEFT_OUT))
        self.validator = SigmaValidator([known[name] for name in self.names])
        self.owner = {}

    @staticmethod
    def _text(issue):
        fields = {k: v for k, v in vars(issue).items() if k != "rules"}
        detail = ", ".join(f"{k}={getattr(v, 'field', v)}" for k, v in fields.items())
        titles = ", ".join(rule.title for rule in issue.rules)
        name = type(issue).__name__.removesuffix("Issue")
        return f"{name} ({issue.severity.name.lower()}): {issue.description}{' ' + detail if detail else ''} [{titles}]"

    @staticmethod
    def _known(rule, issue):
        if type(issue).__name__ != "SigmahqInvalidFieldnameIssue":
            return False
        return issue.field in HEADER_FIELDS and rule.logsource.product != "windows" and rule.source is None

    def rule(self, rule, answer):
        self.owner[id(rule)] = (rule, answer)
        found = self.validator.validate_rule(rule)
        found = [issue for issue in found if not self._known(rule, issue)]
        for message in sorted(map(self._text, found)):
            answer["problems"].append({"check": "validator", "message": message})

    def finish(self):
        for issue in sorted(self.validator.finalize(), key=self._text):
            for rule in issue.rules:
                self.owner[id(rule)][1]["problems"].append({"check": "validator", "message": self._text(issue)})


# --- converters -----------------------------------------------------------------------------------------------


def splunk_pipelines():
    """Sysmon's event codes and Splunk's sources."""
    return sysmon_pipeline() + splunk_windows_pipeline()


# The columns of SQLite's table are made as text that ignores case where Sigma does; |cased becomes GLOB.
BACKENDS = {
    "splunk": (SplunkBackend, splunk_pipelines),
    "kusto": (KustoBackend, microsoft_xdr_pipeline),
    "sqlite": (lambda pipeline=None: sqliteBackend(pipeline, collate_nocase=True), None),
}


def convert_once(text, backend, pipeline):
    SplunkDeferredORRegularExpression.reset()  # its counters live in the class and outlive a failure
    rules, _ = load(text)
    queries = [str(query) for query in backend(pipeline).convert(rules)]
    if not queries or any(query.strip() == "" for query in queries):
        raise ValueError("the converter printed an empty query")
    return queries


def convert(text, answer):
    for name, (backend, pipeline) in BACKENDS.items():
        answer["converted"][name] = []
        try:
            try:
                answer["converted"][name] = convert_once(text, backend, pipeline() if pipeline else None)
            except Exception as error:  # noqa: BLE001
                if pipeline is None:
                    raise
                answer["converted"][name] = convert_once(text, backend, None)
                brief = str(error).splitlines()[0][:200]
                answer["limits"].append({"backend": name, "message": f"only without its pipeline: {type(error).__name__}: {brief}"})
        except Exception as error:  # noqa: BLE001
            message = f"{type(error).__name__}: {error}"
            if any(name == limited and re.search(said, message) for limited, said in KNOWN_LIMITS):
                answer["limits"].append({"backend": name, "message": message})
            else:
                answer["problems"].append({"check": "convert", "message": f"{name}: {message}"})


def regexp(pattern, value):
    return None if value is None else re.search(pattern, str(value)) is not None


def run_sqlite(queries, events):
    """For each query the indexes of the events it selects; with no events it still proves that SQLite takes it."""
    quote = lambda name: '"' + name.replace('"', '""') + '"'  # noqa: E731
    columns = {"_event": "INTEGER", "timestamp": "TEXT"}
    for event in events:
        for key in event:
            columns.setdefault(key, "COLLATE NOCASE")
    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    database.create_function("REGEXP", 2, regexp, deterministic=True)
    database.execute(f"CREATE TABLE logs ({', '.join(quote(k) + ' ' + v for k, v in columns.items())})")
    for index, event in enumerate(events):
        keys = [*event, "_event"]
        database.execute(
            f"INSERT INTO logs (rowid, {', '.join(map(quote, keys))}) VALUES (?, {', '.join('?' * len(keys))})",
            [index, *event.values(), index],
        )
    matched = []
    for query in queries:
        while True:
            try:
                rows = database.execute(query).fetchall()
                break
            except sqlite3.OperationalError as error:
                absent = re.fullmatch(r"no such column: (.+)", str(error))
                if not absent:
                    raise
                database.execute(f"ALTER TABLE logs ADD COLUMN {quote(absent[1])} COLLATE NOCASE")
        found = set()
        for row in rows:
            if "event_ids" in row.keys():  # a correlation: "table:rowid"
                found.update(int(identity.rsplit(":", 1)[1]) for identity in json.loads(row["event_ids"]))
            else:
                found.add(row["_event"])
        matched.append(sorted(found))
    return matched


# --- one line in, one line out --------------------------------------------------------------------------------


def check(item, validators, validation):
    text = item["yaml"]
    answer = {"name": item["name"], "problems": [], "limits": [], "converted": {}}
    add = lambda kind, messages: answer["problems"].extend({"check": kind, "message": m} for m in messages)  # noqa: E731
    try:
        documents = [d for d in yaml.safe_load_all(text) if d is not None]
    except yaml.YAMLError:
        documents = []  # type_problems says it
    for index, document in enumerate(documents):
        add("schema", schema_problems(document, validators, f"$[{index}]"))
    add("types", type_problems(text))
    rules, problems = load(text, item.get("path"))
    add("load", problems)
    if problems:
        answer["converted"] = {name: [] for name in BACKENDS}
        return answer
    for rule in rules.rules:
        validation.rule(rule, answer)
    convert(text, answer)
    try:
        matched = run_sqlite(answer["converted"]["sqlite"], item.get("events", []))
        if "events" in item:
            answer["matched"] = matched
    except Exception as error:  # noqa: BLE001
        add("run", [f"SQLite: {type(error).__name__}: {error}"])
    return answer


def check_all(items, folder, attack):
    validators = schemas(folder)
    use_attack(attack)
    validation = Validation()
    answers = [check(item, validators, validation) for item in items]
    validation.finish()
    return answers, validation


def items_of_stdin():
    """The items of stdin, one JSON text a line."""
    return (json.loads(line) for line in sys.stdin.buffer.read().decode("utf-8").splitlines() if line.strip())


def print_answers(answers):
    """Prints each answer as one line of JSON in UTF-8."""
    sys.stdout.reconfigure(encoding="utf-8")
    for answer in answers:
        print(json.dumps(answer, ensure_ascii=False))


def main(arguments):
    if len(arguments) < 2:
        raise SystemExit(__doc__)
    folder, attack, *rest = arguments
    if "--self-test" in rest:
        import selftest

        return selftest.run(lambda items: check_all(items, folder, attack)[0])
    answers, validation = check_all(list(items_of_stdin()), folder, attack)
    print_answers(answers)
    print(f"sigma: {len(validation.names)} validators run; left out:", file=sys.stderr)
    for name, reason in LEFT_OUT.items():
        print(f"  {name}: {reason}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
