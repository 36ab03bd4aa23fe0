#!/usr/bin/env bash
# Fills fuzz/corpus with what is known: each shipped source, each of its items alone, and each golden case of a finding.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT

while IFS= read -r file; do
  name=${file//\//-}
  cp "$file" "$seeds/$name"
  # An item begins in the first column; what stands before the first one is left out.
  awk -v out="$seeds/${name%.det}" '
    /^(utility|exception|rule|tune|group|list|param|let|extend) / { n++ }
    n { print > (out "." n ".det") }
  ' "$file"
done < <(find rules tests/diagnostics -name '*.det' | LC_ALL=C sort)

for target in parse resolve compile; do
  mkdir -p "fuzz/corpus/$target"
  cp "$seeds"/* "fuzz/corpus/$target/"
done
mkdir -p fuzz/corpus/read
cp tests/data/events/* fuzz/corpus/read/
printf '%s seeds for each target in fuzz/corpus\n' "$(find "$seeds" -type f | wc -l)"
