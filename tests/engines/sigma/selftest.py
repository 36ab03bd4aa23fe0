"""Proves that every check can fail: each case changes a rule that passes and names the checks that must object."""

GOOD = r"""title: Archive With a Password
id: 7f0c2b0e-3d5e-4d0e-9a64-0d7f5a1f3c11
status: test
description: An archiver was told to protect its output with a password.
references:
    - https://example.org/article
author: Arcanary
date: 2026-01-31
tags:
    - attack.collection
    - attack.t1560.001
logsource:
    category: process_creation
    product: windows
detection:
    selection_img:
        - Image|endswith:
              - '\rar.exe'
              - '\7z.exe'
        - OriginalFileName: 'WinRAR.exe'
    selection_cli:
        CommandLine|re: '(?i)^[^"]*(?:"[^"]*"[^"]*)*[ \t\r\n]["'']?-p'
    filter_main_backup:
        ParentImage|endswith: '\backup.exe'
    condition: all of selection_* and not 1 of filter_main_*
falsepositives:
    - Backups
level: medium
"""

CORRELATION = r"""---
title: Archive Then Upload
id: 0b1f4c8e-54a4-4f5e-8d8b-3a0f6f6d7c22
status: test
description: The same host made a protected archive several times.
author: Arcanary
date: 2026-01-31
correlation:
    type: event_count
    rules:
        - archive_pw
    group-by:
        - Computer
    timespan: 10m
    condition:
        gte: 2
level: high
"""
NAMED = GOOD.replace("status: test", "name: archive_pw\nstatus: test", 1)

EVENTS = [
    {"Image": r"C:\Program Files\WinRAR\Rar.exe", "CommandLine": r"rar a -pSecret x.rar C:\data"},
    {"Image": r"C:\Tools\z.exe", "OriginalFileName": "winrar.EXE", "CommandLine": 'z a "-PSecret"'},
    {"Image": r"C:\rar.exe", "CommandLine": r"rar a a-p.rar"},
    {"Image": r"C:\7z.exe", "CommandLine": r"7z a -pX", "ParentImage": r"C:\BACKUP.exe"},
    {"Image": r"C:\7z.exe"},
]


def swap(old, new, text=GOOD):
    assert old in text, old
    return text.replace(old, new, 1)


# (name, yaml, {check: part of its message}) — exactly these checks must object, and say that.
CASES = [
    ("good", GOOD, {}),
    ("good, quoted date", swap("date: 2026-01-31", "date: '2026-01-31'"), {}),
    ("good, several documents", NAMED + CORRELATION, {}),
    ("bad level", swap("level: medium", "level: severe"), {"schema": "$[0].level", "load": "SigmaLevelError"}),
    ("id is no UUID", swap("id: 7f0c2b0e-3d5e", "id: xxxx2b0e-3d5e"), {"schema": "$[0].id", "load": "SigmaIdentifierError"}),
    ("date with a time", swap("date: 2026-01-31", "date: 2026-01-31 10:00:00"), {"schema": "$[0].date"}),
    ("date in the old form", swap("date: 2026-01-31", "date: 2026/01/31"), {"schema": "$[0].date"}),
    ("tag with a capital", swap("attack.collection", "attack.Collection"), {"schema": "$[0].tags", "validator": "InvalidTagFormat"}),
    ("correlation without timespan", NAMED + swap("    timespan: 10m\n", "", CORRELATION), {"schema": "$[1].correlation", "load": "without timespan"}),
    ("yes", swap("'WinRAR.exe'", "yes"), {"types": "True (bool) in YAML 1.1"}),
    ("off as a title", swap("title: Archive With a Password", "title: off"), {"schema": "$[0].title", "types": "$[0].title", "load": "Title"}),
    ("leading zero", swap("'WinRAR.exe'", "010"), {"types": "8 in YAML 1.1, 10 in YAML 1.2"}),
    ("base 60", swap("'WinRAR.exe'", "1:30"), {"types": "90 (int) in YAML 1.1"}),
    ("exponent", swap("'WinRAR.exe'", "1e3"), {"types": "1000.0 (float) in YAML 1.2"}),
    ("date as a value", swap("'WinRAR.exe'", "2026-01-31"), {"types": "is a date", "load": "date"}),
    ("repeated key", swap("level: medium", "level: medium\nlevel: medium"), {"types": "Duplicate key"}),
    ("not YAML", swap("title: Archive", "title: 'Archive"), {"types": "not readable", "load": "Error"}),
    ("condition that does not parse", swap("all of selection_* and", "all of selection_* and and"), {"load": "SigmaConditionError"}),
    ("condition that names nothing", swap("not 1 of filter_main_*", "not filter_x"), {"load": "filter_x"}),
    ("unknown modifier", swap("CommandLine|re", "CommandLine|regex"), {"load": "SigmaModifierError"}),
    ("regular expression that does not compile", swap("(?i)^[^", "(?i)(^[^"), {"load": "SigmaRegularExpressionError"}),
    ("correlation of an unknown rule", NAMED + swap("- archive_pw", "- other", CORRELATION), {"load": "other"}),
    ("validator: unused selection", swap("all of selection_* and", "selection_cli and"), {"validator": "DanglingDetection"}),
    ("validator: field not in the taxonomy", swap("OriginalFileName", "OriginalName"), {"validator": "SigmahqInvalidFieldname"}),
    ("validator: unknown log source", swap("process_creation", "process_making"), {"validator": "SigmahqLogsourceUnknown"}),
    ("validator: look-ahead", swap("-p'", "-p(?=x)'"), {"validator": "SigmahqUnsupportedRegexGroupConstruct"}),
    ("validator: title case", swap("With a Password", "with Some password"), {"validator": "SigmahqTitleCase"}),
    ("validator: link to ATT&CK", swap("https://example.org/article", "https://attack.mitre.org/x"), {"validator": "SigmahqMitreLink"}),
    ("validator: unknown key", swap("level: medium", "level: medium\nlvel: high"), {"validator": "SigmahqUnknownField"}),
    ("inconvertible: placeholder", swap("OriginalFileName: 'WinRAR.exe'", "OriginalFileName|expand: '%name%'"), {"convert": "SigmaPlaceholderError"}),
    ("inconvertible: cased", swap("OriginalFileName: ", "OriginalFileName|cased: "), {"convert": "Case-sensitive"}),
]


def run(check):
    """`check` takes items and gives their answers; returns the process's exit status."""
    failed = total = 0

    def expect(name, good, shown):
        nonlocal failed, total
        total += 1
        if not good:
            failed += 1
            print(f"FAILED {name}: {shown}")

    for name, text, expected in CASES:
        [answer] = check([{"name": name, "yaml": text}])
        problems = answer["problems"]
        exact = {p["check"] for p in problems} == set(expected)
        said = all(any(p["check"] == kind and part in p["message"] for p in problems) for kind, part in expected.items())
        expect(name, exact and said, problems)

    [answer] = check([{"name": "queries", "yaml": GOOD}])
    expect("queries", all(len(answer["converted"][b]) == 1 for b in ("splunk", "kusto", "sqlite")) and not answer["limits"], answer)
    expect("pipelines", "EventCode=1" in answer["converted"]["splunk"][0] and answer["converted"]["kusto"][0].startswith("DeviceProcessEvents"), answer)

    [answer] = check([{"name": "limits", "yaml": NAMED + CORRELATION}])
    expect("limits", [x["backend"] for x in answer["limits"]] == ["kusto"] and answer["converted"]["splunk"], answer)

    [answer] = check([{"name": "events", "yaml": GOOD, "events": EVENTS}])
    expect("events", answer["matched"] == [[0, 1]], answer)
    clock = [dict(e, Computer="a", timestamp=f"2026-01-31T10:0{i}:00Z") for i, e in enumerate(EVENTS)]
    [answer] = check([{"name": "correlated events", "yaml": NAMED + CORRELATION, "events": clock}])
    expect("correlated events", answer["matched"] == [[0, 1]], answer)

    twins = check([{"name": "a", "yaml": GOOD}, {"name": "b", "yaml": swap("Archive With", "Other With")}])
    expect("unique identifiers", all("IdentifierUniqueness" in str(t["problems"]) or "IdentifierCollision" in str(t["problems"]) for t in twins), twins)
    [answer] = check([{"name": "path", "yaml": GOOD, "path": "Wrong-Name.yaml"}])
    expect("file name", "SigmahqFilenameConvention" in str(answer["problems"]), answer)
    [answer] = check([{"name": "path", "yaml": GOOD, "path": "proc_creation_win_archive_password.yml"}])
    expect("good file name", answer["problems"] == [], answer)

    for tag in ("t9999", "t1562.001", "defense-evasion"):
        [answer] = check([{"name": "attack", "yaml": swap("attack.t1560.001", f"attack.{tag}")}])
        expect(f"unknown tag {tag}", "InvalidATTACKTag" in str(answer["problems"]), answer)
    [answer] = check([{"name": "attack", "yaml": swap("    - attack.collection\n", "")}])
    expect("technique without tactic", "TechniquesWithoutTactics" in str(answer["problems"]), answer)

    print(f"sigma self-test: {total - failed} passed, {failed} failed")
    return 1 if failed else 0
