#!/bin/sh
# Backs up what docker-compose.yml keeps: the database, the videos, and the secrets in .env and secrets/.
#
#   deploy/backup.sh FOLDER
#
# Makes a new folder below FOLDER, named by the time, that is complete or not there at all. Nothing is
# stopped for it. Whoever reads it has all prompts, videos and secrets. deploy/restore.sh is the way back.
set -eu
# Nobody else of this machine reads it.
umask 077

fail() {
    printf '\nbackup: %s\n' "$*" >&2
    exit 1
}

[ $# -eq 1 ] || fail "say where: deploy/backup.sh FOLDER"
mkdir -p "$1"
where=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

asked=$(docker compose config) || fail "the compose file is not complete: see above."
case $asked in
    *"DATABASE_URL: postgresql://reelgate@postgres/reelgate"*) ;;
    *) fail "DATABASE_URL names another database than the one of docker-compose.yml: see docs/backup.md." ;;
esac

name=$(date -u +%Y-%m-%dT%H-%M-%SZ)
part=$where/.$name.part
[ ! -e "$where/$name" ] || fail "$where/$name is there already."
mkdir "$part"
trap 'rm -rf "$part"' EXIT
trap 'exit 1' HUP INT TERM

# The database first: a file is complete before its row says so, and does not change after that.
docker compose exec -T postgres pg_dump --format=custom --username reelgate reelgate >"$part/reelgate.dump" ||
    fail "the database was not dumped: see above. Is it running? docker compose ps"
docker compose exec -T postgres pg_restore --list <"$part/reelgate.dump" >/dev/null ||
    fail "the dump cannot be read: see above."

docker compose run --rm --no-deps -T --entrypoint tar api -C /data -cf - . >"$part/data.tar" ||
    fail "the videos were not copied: see above."
tar -tf "$part/data.tar" >/dev/null || fail "the copy of the videos cannot be read: see above."
elsewhere=$(printf '%s\n' "$asked" | sed -n 's/^ *REELGATE_ARCHIVE_URL: *"\{0,1\}\([^" ]\)/\1/p' | sed -n 1p)
case $elsewhere in
    "" | file:///data*) ;;
    *) echo "The videos are in REELGATE_ARCHIVE_URL, and not in this backup." ;;
esac
[ ! -e .env ] || cp .env "$part/env"
[ ! -d secrets ] || cp -R secrets "$part/secrets"

mv "$part" "$where/$name"
echo "$where/$name"
