#!/bin/sh
# Install or upgrade Amont from the folder that this script lies in: sudo ./install.sh install --site site.yaml
# It needs Debian 12 or 13, or Raspberry Pi OS 64-bit of the same age; everything comes by apt and pip.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

if [ "$(getconf LONG_BIT)" != 64 ]; then
  echo "A 64-bit system is needed / il faut un système 64 bits." >&2
  exit 1
fi
python=$(command -v python3 || true)
if [ -z "$python" ] || ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
  if [ "$(id -u)" != 0 ]; then
    echo "Please run this, then try again / à exécuter d'abord : sudo apt-get install python3-venv" >&2
    exit 1
  fi
  apt-get update --quiet
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends python3-venv
  python=$(command -v python3)
fi

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
install | upgrade) set -- "$command" --bundle "$here" "$@" ;;
*) set -- ${command:+"$command"} "$@" ;;
esac
# The program comes out of the wheel, so that a new release is installed by its own rules.
for wheel in "$here"/amont-*.whl; do
  PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$wheel exec "$python" -m amont_provision.install "$@"
done
