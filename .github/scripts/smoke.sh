#!/usr/bin/env bash
# Is the agent at URL alive, ready, and able to finish one task?  smoke.sh URL [seconds]
# A bearer token is taken from SMOKE_TOKEN.
set -euo pipefail
url="${1:?usage: smoke.sh URL [seconds]}"
limit="${2:-60}"
header=()
[ -z "${SMOKE_TOKEN:-}" ] || header=(--header "Authorization: Bearer $SMOKE_TOKEN")
ask() { curl --silent --show-error --fail-with-body --max-time 10 "${header[@]}" "$@"; }
fail() { echo "smoke: $*" >&2; exit 1; }

for path in /health /ready; do
  ask --output /dev/null "$url$path" || fail "$url$path does not answer 2xx"
done

key="smoke-$(date +%s)-$$"
task="$(ask --header "Idempotency-Key: $key" --json '{"prompt": "Say hello.", "session_id": "'"$key"'"}' "$url/tasks")" \
  || fail "the task was not accepted: $task"
id="$(jq --raw-output '.task_id // empty' <<< "$task")"
[ -n "$id" ] || fail "no task_id in $task"

deadline=$((SECONDS + limit))
while [ "$SECONDS" -le "$deadline" ]; do
  state="$(ask "$url/tasks/$id")" || fail "task $id was accepted and cannot be found"
  status="$(jq --raw-output '.status' <<< "$state")"
  case "$status" in
    completed) echo "smoke: $url is alive, ready, and finished task $id"; exit 0 ;;
    pending | running) sleep 1 ;;
    *) fail "task $id is $status: $state" ;;
  esac
done
fail "task $id is still $status after $limit s"
