#!/usr/bin/env bash
# Runs fuzz targets, each for so many seconds: fuzz/run.sh SECONDS [TARGET]...
# Needs a stable Rust and a C++ compiler, nothing else. What is found lies in fuzz/artifacts/TARGET and ends the script with 1.
# What is new goes to fuzz/corpus/TARGET if FUZZ_KEEP is set, else it is thrown away.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
seconds=${1:?how many seconds a target}
shift
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
  targets=(parse resolve compile target project read release)
fi

# libFuzzer learns what code an input reaches from counters that this pass of LLVM's adds, as cargo-fuzz does it.
coverage='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares'
host=$(rustc -vV | sed -n 's/^host: //p')
# With a target of its own, build scripts and macros go without.
RUSTFLAGS="--cfg fuzzing ${coverage//$'\n'/ }" cargo build --locked --release --target "$host"
built=target/$host/release

failed=()
for target in "${targets[@]}"; do
  mkdir -p "corpus/$target" "artifacts/$target"
  if [ -n "${FUZZ_KEEP:-}" ]; then
    corpus=("corpus/$target")
  else
    new=$(mktemp -d)
    corpus=("$new" "corpus/$target")
  fi
  if [ -d "seeds/$target" ]; then
    corpus+=("seeds/$target")
  fi
  log=$(mktemp)
  if "$built/$target" "${corpus[@]}" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="artifacts/$target/" -print_final_stats=1 >"$log" 2>&1; then
    printf '%-8s %s executions, nothing found\n' "$target" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
  else
    tail -n 40 "$log"
    failed+=("$target")
  fi
  rm -rf "$log" ${new:+"$new"}
done
if [ ${#failed[@]} != 0 ]; then
  printf 'found something: %s\n' "${failed[*]}" >&2
  exit 1
fi
