#!/usr/bin/env bash
# Builds the image and sees it take conversations as it is meant to run: read-only, without rights.
#   collector-config/deploy/try_image.sh [name]     needs Docker and curl
set -euo pipefail
cd "$(dirname "$0")/../.."
image=${1:-otel-threads}

docker build -f collector-config/deploy/Dockerfile -t "$image" .
container=$(docker run --detach --read-only --tmpfs /tmp --cap-drop ALL \
  --security-opt no-new-privileges:true --publish 127.0.0.1::4320 "$image")
trap 'docker logs "$container" >&2; docker rm --force --volumes "$container" >/dev/null' EXIT
address=$(docker port "$container" 4320/tcp | head -n 1)

get() { curl --silent --show-error --fail --retry 30 --retry-all-errors --retry-delay 1 "$@"; }
get "http://$address/readyz"
get --request POST "http://$address/api/v1/demo"
for _ in $(seq 60); do
  threads=$(get "http://$address/api/v1/threads" | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["items"]))')
  [ "$threads" -gt 0 ] && break
  sleep 1
done
[ "$threads" -gt 0 ] || { echo "no conversation after a minute"; exit 1; }

# What is written outlives the process, which ends by itself.
docker stop --time 30 "$container" >/dev/null
code=$(docker inspect --format '{{.State.ExitCode}}' "$container")
[ "$code" = 0 ] || { echo "the server ended with code $code"; exit 1; }
echo "$image: $threads conversations or more, stopped with code 0"
