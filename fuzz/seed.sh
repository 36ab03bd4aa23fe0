#!/usr/bin/env bash
# Fills fuzz/seeds, beside the small corpus that is kept, with what is known: each shipped source, each of its items alone,
# each golden case of a finding, each target, reader, project and recording, and the release of a new project.
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

out=fuzz/seeds
for target in parse resolve compile; do
  mkdir -p "$out/$target"
  cp "$seeds"/* "$out/$target/"
done
mkdir -p "$out/read" "$out/target" "$out/project" "$out/release"
cp tests/cases/events/* "$out/read/"
cp targets/*.yaml "$out/target/"
cp rules/arcanary.yaml "$out/project/rules.yaml"
cp templates/new/arcanary.yaml "$out/project/new.yaml"
cp tests/cases/arcanary.yaml "$out/project/cases.yaml"

# A release's manifest, a byte that is no text, and an archive before it is compressed.
cargo build --locked --quiet
target/debug/arcanary new "$seeds/new" >/dev/null
target/debug/arcanary pack "$seeds/new" --out "$seeds/dist" >/dev/null
for archive in "$seeds"/dist/*.tar.gz; do
  cp "$archive" "$out/release/"
  { cat "$seeds/dist/manifest.json"; printf '\xff'; gunzip -c "$archive"; } >"$out/release/$(basename "$archive" .tar.gz)"
done
printf '%s sources in %s\n' "$(find "$seeds" -maxdepth 1 -type f | wc -l)" "$out"
