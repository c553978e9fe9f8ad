#!/bin/sh
# Restores a backup of deploy/backup.sh after a loss, into volumes that are empty:
#
#   install -m 600 BACKUP/env .env
#   deploy/restore.sh BACKUP
#   docker compose up --detach --wait
#
# It starts PostgreSQL and neither API nor worker. What was queued in the backup may have been sent and paid
# since: it becomes unknown, and is not sent again. To move a gateway without a loss: docs/backup.md.
set -eu

step() { printf '\n== %s\n' "$*"; }

fail() {
    printf '\nrestore: %s\n' "$*" >&2
    exit 1
}

[ $# -eq 1 ] || fail "say which: deploy/restore.sh BACKUP"
[ -f "$1/reelgate.dump" ] || fail "there is no reelgate.dump in $1: name a folder that deploy/backup.sh made."
backup=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

reelgate() { docker compose run --rm --no-deps -T api "$@"; }

running=$(docker compose ps --quiet api worker) || fail "docker compose does not answer: see above."
[ -z "$running" ] || fail "API or worker are running. Stop them first: docker compose stop api worker"

step "1/5 start PostgreSQL"
docker compose up --detach --wait postgres || fail "it did not start: docker compose logs postgres"
tables=$(docker compose exec -T postgres psql --username reelgate --tuples-only --no-align \
    --command "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") ||
    fail "the database does not answer: see above."
[ "$tables" -eq 0 ] || fail "the database is not empty, and nothing is written over. To delete it with the
videos that are there: docker compose down --volumes"

step "2/5 restore the database"
docker compose exec -T postgres pg_restore --exit-on-error --single-transaction --no-owner \
    --username reelgate --dbname reelgate <"$backup/reelgate.dump" ||
    fail "the database was not restored: see above."

step "3/5 restore the videos"
docker compose run --rm --no-deps -T --entrypoint tar api -C /data -xf - <"$backup/data.tar" ||
    fail "the videos were not restored: see above."

step "4/5 migrate, and hold back what may have been sent"
docker compose run --rm --no-deps migrate || fail "the database was not migrated: see above."
reelgate after-restore ||
    fail "see above. Before a worker starts: docker compose run --rm --no-deps api after-restore"

step "5/5 check the ledger and the videos"
reelgate ledger verify || fail "balances differ from the ledger: see above."
reelgate archive verify || fail "videos are missing or changed: see above. All else is restored."

step "Done"
cat <<'END'
Start it:                      docker compose up --detach --wait
Then look at what is unknown:  docker compose run --rm worker unknown list
END
