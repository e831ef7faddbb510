#!/bin/sh
# Starts PostgreSQL as the official image does: a new cluster gets the user, password and database of the environment.
set -eu
bin=$(echo /usr/lib/postgresql/*/bin)
data=/var/lib/postgresql/data/cluster
if [ ! -f "$data/PG_VERSION" ]; then
  rm -rf "$data.new"
  "$bin/initdb" --pgdata "$data.new" --username "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" \
    --auth scram-sha-256 --encoding UTF8 --locale C.UTF-8 >/dev/null
  echo "host all all all scram-sha-256" >> "$data.new/pg_hba.conf"
  echo "CREATE DATABASE $POSTGRES_DB" | "$bin/postgres" --single -D "$data.new" -c log_min_messages=fatal postgres >/dev/null
  mv "$data.new" "$data"
fi
exec "$bin/postgres" -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
