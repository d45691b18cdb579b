#!/usr/bin/env bash
# Scan from cron. Lies beside atlascan.yaml, credentials.env and .venv; keeps each day's results in results/<day>/.
# Says nothing while the gate passes, and else the report: cron mails what a job says.
set -euo pipefail
umask 077
cd "$(dirname "$0")"

exec 9> .lock
if ! flock --nonblock 9; then
    echo "the scan before this one is still running" >&2
    exit 3
fi

set -o allexport
# shellcheck source=/dev/null
source credentials.env
set +o allexport

day=results/$(date --utc +%F)
mkdir -p "$day"
code=0
.venv/bin/atlascan scan --output "$day/snapshot.ndjson.zst" \
    -f text=- -f html="$day/report.html" -f json="$day/result.json" > "$day/report.txt" 2> "$day/log.txt" || code=$?
if [[ $code -ne 0 ]]; then
    cat "$day/report.txt" "$day/log.txt"
fi
exit "$code"
