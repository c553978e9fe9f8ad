#!/bin/sh
# Brings the gateway of docker-compose.yml to the version and the settings that lie here:
#
#   deploy/upgrade.sh
#
# One step after the other, the running gateway meanwhile at work. A step that fails ends it there and
# says where to look. Which compose files and which project: COMPOSE_FILE and COMPOSE_PROJECT_NAME, as
# for docker compose itself.
set -eu
cd "$(dirname "$0")/.."

#: How long a new container may take until it is healthy.
SECONDS_TO_START=${SECONDS_TO_START:-120}

step() { printf '\n== %s\n' "$*"; }

fail() {
    printf '\nupgrade: %s\n' "$*" >&2
    exit 1
}

running() { docker compose ps --quiet "$1" | tr '\n' ' '; }

start() { docker compose up --detach --no-deps --wait --wait-timeout "$SECONDS_TO_START" "$@"; }

has_port() {
    # Of a port that is only exposed it says :0.
    case $(docker compose port "$1" 8080 2>/dev/null) in "" | *:0) return 1 ;; esac
}

# As many new containers beside the old ones; the old ones go once the new ones are healthy.
roll() {
    count=0 new=
    for _ in $old; do count=$((count + 1)); done
    if start --no-recreate --scale "$service=$((2 * count))" "$service"; then
        # shellcheck disable=SC2086 # IDs, one word each
        docker stop $old >/dev/null
        # shellcheck disable=SC2086
        docker rm --volumes $old >/dev/null
        return
    fi
    for id in $(docker compose ps --all --quiet "$service"); do
        case " $old " in *" $id "*) ;; *) new="$new $id" ;; esac
    done
    for id in $new; do
        printf '\n-- The last lines of %s %s:\n' "$service" "$(printf %.12s "$id")" >&2
        docker logs --tail 15 "$id" >&2 || true
        docker rm --force --volumes "$id" >/dev/null
    done
    fail "the new $service did not start: its last lines are above. The old one goes on running."
}

step "1/4 build the image"
docker compose build migrate ||
    fail "the image was not built: see above. Nothing has changed."

step "2/4 migrate the database"
docker compose run --rm --no-deps migrate ||
    fail "the database was not migrated: see above. The gateway goes on running as it was. Where the
database itself is away: docker compose ps --all, docker compose logs postgres."

# Whether it would start: a container of the service that nobody is led to, and that is removed again.
rehearse() {
    id=$(docker compose run --detach --no-deps "$service") || return 1
    waited=0
    while state=$(docker inspect --format '{{.State.Running}} {{.State.Health.Status}}' "$id"); do
        case $state in "true starting") ;; *) break ;; esac
        [ "$waited" -lt "$SECONDS_TO_START" ] || break
        waited=$((waited + 1))
        sleep 1
    done
    [ "$state" = "true healthy" ] || docker logs --tail 15 "$id" >&2 || true
    docker rm --force --volumes "$id" >/dev/null
    [ "$state" = "true healthy" ]
}

replace() {
    service=$1 old=$(running "$1")
    if [ -n "$old" ] && ! has_port "$service"; then
        roll
        return
    fi
    # Its port of the machine is one container's, so its successor can only start after it.
    if [ -n "$old" ]; then
        rehearse || fail "the new $service does not start: its last lines are above. The old one goes on
running."
    fi
    start "$service" || {
        docker compose logs --tail 15 "$service" >&2 || true
        fail "the new $service did not start: its last lines are above, and there is more in
docker compose logs $service."
    }
}

step "3/4 replace the worker"
replace worker

step "4/4 replace the api"
replace api

step "Done"
docker compose ps
