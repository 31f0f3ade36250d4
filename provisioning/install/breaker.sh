#!/bin/sh
# Called when a unit has failed ten times in a row: breaker.sh /opt/amont amont-guard. It needs no Python,
# for that may be what is broken. Within a day after an upgrade it goes back to the release before, once.
# Else, or if that does not help, it tries again each minute, for ever: a siren is never given up.
set -eu
home=$1 unit=$2

fresh=$(find "$home/on-trial" -mmin -1440 2>/dev/null || true)
if [ -n "$fresh" ] && [ -d "$home/previous/bin" ]; then
  broken=$(readlink "$home/current")
  ln -sfn "$(readlink "$home/previous")" "$home/current.new"
  mv -T "$home/current.new" "$home/current"
  ln -sfn "$broken" "$home/previous.new"
  mv -T "$home/previous.new" "$home/previous"
  rm -f "$home/on-trial"
  echo "$unit did not stay up: back from $broken to $(readlink "$home/current")"
  systemctl reset-failed amont-guard.service amont-gateway.service || true
  systemctl restart --no-block amont-guard.service amont-gateway.service
else
  echo "$unit did not stay up: again in 60 s"
  sleep "${AMONT_BREAKER_WAIT_S:-60}"
  systemctl reset-failed "$unit.service" || true
  systemctl start --no-block "$unit.service"
fi
