"""Searches texts for regular expressions with Python's `re`, with RE2 and with PCRE2.

    run.py < lines.jsonl > answers.jsonl

in:  {"patterns": {ENGINE: [PATTERN, …]}, "texts": [TEXT, …]}; engines are python, re2 and pcre2.
out: {ENGINE: [VERDICTS, …]}: of each pattern a text with a 1 or 0 for each text, `?` where the engine gave up; or
     {"error"} where the engine refuses the pattern. One answer a line, same order.
"""

import json
import re
import sys
import warnings

import pcre2
import re2

# A warning says that a later Python reads the pattern in another way: that is not a shared form.
warnings.simplefilter("error")

QUIET = re2.Options()
QUIET.log_errors = False

COMPILE = {
    "python": re.compile,
    "re2": lambda pattern: re2.compile(pattern, QUIET),
    "pcre2": pcre2.compile,
}


def verdict(search, text):
    try:
        return "1" if search(text) else "0"
    except pcre2.LibraryError:
        return "?"


def answer(engine, pattern, texts):
    try:
        search = COMPILE[engine](pattern).search
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return "".join(verdict(search, text) for text in texts)


for line in sys.stdin:
    asked = json.loads(line)
    said = {engine: [answer(engine, p, asked["texts"]) for p in all_] for engine, all_ in asked["patterns"].items()}
    print(json.dumps(said))
