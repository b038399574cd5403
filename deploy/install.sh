#!/usr/bin/env bash
# Makes a virtual environment with everything that ivrengine needs, at the versions of constraints.txt.
#
#   install.sh PYTHON FOLDER [EXTRA]
#
# PYTHON   an interpreter of 3.11 or later
# FOLDER   where the environment is made
# EXTRA    [dev] (the default) brings what tests and checks need; '' only what runs
set -euo pipefail

python=${1:?which Python?}
folder=${2:?into which folder?}
extra=${3-[dev]}

refuse() {
    printf '%s\n' "$@" >&2
    exit 2
}

cd -- "$(dirname -- "$0")/.."

command -v "$python" > /dev/null || refuse \
    "There is no $python here. ivrengine needs Python 3.11 or later; on Debian: apt-get install python3 python3-venv" \
    "If it has another name: make install PYTHON=/path/to/python3"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') ||
    refuse "$python does not run; choose another: make install PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || refuse \
    "ivrengine needs Python 3.11 or later, and $python is $version." \
    "If a newer one is here under another name: make install PYTHON=/path/to/python3"
"$python" -c 'import venv, ensurepip' 2> /dev/null || refuse \
    "This Python $version cannot make virtual environments; on Debian: apt-get install python3-venv"

echo "Installing ivrengine into $folder with Python $version (about a minute the first time)"
# What is there is brought up to date, unless it is half made or another Python's.
if [ ! -e "$folder/.installed" ] || [ ! -e "$folder/lib/python$version" ]; then
    "$python" -m venv --clear "$folder"
fi
# As environment variables the constraints hold for the environments in which pip builds packages, too. Those builds run in
# other folders, and pip parts the value at blanks: hence an address.
constraints=$("$python" -c 'import pathlib; print(pathlib.Path("constraints.txt").resolve().as_uri())')
PIP_CONSTRAINT=$constraints PIP_BUILD_CONSTRAINT=$constraints \
    "$folder/bin/python" -m pip install -qq --disable-pip-version-check --no-input --editable ".$extra"
touch "$folder/.installed"
echo "Installed; its commands are in $folder/bin."
