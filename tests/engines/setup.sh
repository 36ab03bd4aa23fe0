#!/usr/bin/env bash
# Installs the real checkers and engines that the tests run: Microsoft's KQL language service, pySigma, duckdb-kql,
# sigma-rust and rsigma; Splunk's AppInspect and contentctl; pre-commit, the schemas of GitHub's workflows and actions, and
# the linters of workflows, scripts and the Dockerfile.
#
# Everything goes to .tools/ at the top of the project, or to $ARCANARY_TOOLS. A stamp holds the hash of what was
# asked for, so a second run does nothing. Nothing is installed outside that folder.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
tools=${ARCANARY_TOOLS:-$root/.tools}

fail() {
  printf 'setup: %s\n' "$1" >&2
  exit 1
}

command -v python3 >/dev/null || fail 'python3 is missing; install Python 3.11 or later (Debian: apt-get install python3 python3-venv)'
command -v node >/dev/null || fail 'node is missing; install Node.js 18 or later (Debian: apt-get install nodejs npm)'
command -v cargo >/dev/null || fail 'cargo is missing; install Rust (https://rustup.rs)'
command -v npm >/dev/null || fail 'npm is missing; install it beside Node.js (Debian: apt-get install npm)'
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$(python3 --version) is too old; install Python 3.11 or later"
python3 -c 'import venv, ensurepip' 2>/dev/null || fail 'this Python has no venv module; install it (Debian: apt-get install python3-venv)'
node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' || fail "Node.js $(node --version) is too old; install 18 or later"

digest() { python3 -c '
import hashlib, sys
h = hashlib.sha256(sys.argv[1].encode())
for name in sys.argv[2:]:
    h.update(open(name, "rb").read())
print(h.hexdigest())' "$@"; }

# up_to_date STAMP DIGEST
up_to_date() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

mkdir -p "$tools"

want=$(digest "$(python3 --version)" "$here/sigma/requirements.txt" "$here/kusto_run/requirements.txt")
if ! up_to_date "$tools/python.stamp" "$want" || ! "$tools/python/bin/python" -c '' 2>/dev/null; then
  echo 'setup: installing pySigma and duckdb-kql with their companions' >&2
  rm -rf "$tools/python.stamp" "$tools/python"
  python3 -m venv "$tools/python"
  # --no-deps: the files name every package, so one that it forgot shows up in `pip check`.
  "$tools/python/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$here/sigma/requirements.txt" -r "$here/kusto_run/requirements.txt" ||
    fail 'pip could not install tests/engines/*/requirements.txt; is the package index reachable?'
  "$tools/python/bin/python" -m pip check >&2 || fail 'tests/engines/*/requirements.txt do not hold together'
  printf '%s\n' "$want" >"$tools/python.stamp"
fi

# checker NAME MODULE HINT: a Python program with requirements of its own, which those of others do not go with.
checker() {
  local want
  want=$(digest "$(python3 --version)" "$here/$1/requirements.txt")
  if up_to_date "$tools/$1.stamp" "$want" && "$tools/$1/bin/python" -c '' 2>/dev/null; then
    return
  fi
  echo "setup: installing $1" >&2
  rm -rf "$tools/$1.stamp" "${tools:?}/$1"
  python3 -m venv "$tools/$1"
  "$tools/$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$here/$1/requirements.txt" ||
    fail "pip could not install tests/engines/$1/requirements.txt; is the package index reachable?"
  "$tools/$1/bin/python" -m pip check >&2 || fail "tests/engines/$1/requirements.txt does not hold together"
  "$tools/$1/bin/python" -c "import $2" || fail "$1 does not start; $3"
  printf '%s\n' "$want" >"$tools/$1.stamp"
}

checker ci 'pre_commit, check_jsonschema' 'the message above says why'
checker regex 're2, pcre2' 'the message above says why'
checker appinspect 'pylibmagic, magic, splunk_appinspect.main' 'the message above says why'
checker contentctl contentctl.contentctl 'the message above says why'

want=$(digest "node $(node -p process.versions.modules)" "$here/kusto/package.json" "$here/kusto/package-lock.json")
if ! up_to_date "$tools/node.stamp" "$want" || ! [ -d "$tools/kusto/node_modules" ]; then
  echo 'setup: installing the KQL language service' >&2
  rm -rf "$tools/node.stamp" "$tools/kusto"
  mkdir -p "$tools/kusto"
  cp "$here/kusto/package.json" "$here/kusto/package-lock.json" "$here/kusto/.npmrc" "$tools/kusto/"
  npm ci --prefix "$tools/kusto" --ignore-scripts --loglevel=error >&2 ||
    fail 'npm could not install tests/engines/kusto/package-lock.json; is the package registry reachable?'
  printf '%s\n' "$want" >"$tools/node.stamp"
fi

# engine NAME FOLDER PROGRAM
engine() {
  local want
  want=$(digest "$(rustc --version)" "$here/$2/Cargo.lock" "$here/$2/src/main.rs")
  if up_to_date "$tools/$1.stamp" "$want" && [ -x "$tools/$1/bin/$3" ]; then
    return
  fi
  echo "setup: building $1" >&2
  rm -f "$tools/$1.stamp"
  # The tests run these programs for seconds, so what counts is how long they take to compile.
  env -u CARGO_TARGET_DIR CARGO_PROFILE_RELEASE_OPT_LEVEL=1 cargo install --quiet --locked --force --path "$here/$2" --root "$tools/$1" --target-dir "$tools/$1/target" >&2 ||
    fail "cargo could not build tests/engines/$2; is the crate registry reachable?"
  rm -rf "$tools/$1/target"
  printf '%s\n' "$want" >"$tools/$1.stamp"
}

engine sigma-rust sigma_rust sigma-run
engine rsigma rsigma rsigma-run
