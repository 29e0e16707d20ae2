#!/usr/bin/env bash
# Write to FILE the windtunnel.toml beside it, aimed at a cluster by its CONTEXT.  kind-config.sh FILE CONTEXT
# The two files lie in one folder, so that relative paths mean the same in both.
set -euo pipefail
file="${1:?file}" context="${2:?context}"
source="$(dirname "$file")/windtunnel.toml"
[ "$(grep -c '^kind = "local"' "$source")" = 1 ] || { echo "kind-config: no kind = \"local\" in $source" >&2; exit 1; }
{
  sed 's/^kind = "local"/kind = "kubernetes"/' "$source"
  printf '\n[target.kubernetes]\ncontext = "%s"\nallowed_contexts = ["%s"]\n' "$context" "$context"
} > "$file"
