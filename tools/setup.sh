#!/bin/sh
# Set up .venv for one profile (cpu or cuda) and the given extras. Safe to repeat: it does nothing when nothing changed.
set -eu
profile=$1
extras=$2
python=${PYTHON:-python3}
venv=.venv
stamp=$venv/.setup-$profile-$extras
inputs="pyproject.toml constraints/cpu.txt constraints/overrides-cpu.txt tools/setup.sh"

# Install a Debian package where one may; fails quietly otherwise.
install() {
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo -n"
    command -v apt-get >/dev/null 2>&1 || return 1
    $as_root apt-get install -y -qq "$1" >/dev/null 2>&1 ||
        { $as_root apt-get update -qq >/dev/null 2>&1 && $as_root apt-get install -y -qq "$1" >/dev/null 2>&1; }
}

# Python that models write runs in a sandbox (tool usage). Without bubblewrap that one paradigm refuses, in one line.
command -v bwrap >/dev/null 2>&1 || install bubblewrap ||
    echo "note: bubblewrap is not installed and could not be; the tool-usage paradigm needs it (see docs/tool_usage.md)" >&2
case $extras in
*test*) # The web page is tested in a real browser; without one those tests are skipped.
    command -v chromium >/dev/null 2>&1 || install chromium || echo "note: chromium is not installed and could not be" >&2 ;;
esac

fingerprint=$(cat $inputs | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$fingerprint" ]; then
    exit 0
fi
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || {
    echo "error: $("$python" --version) found, Python 3.11 to 3.13 is needed. Set PYTHON=/path/to/python3.11" >&2
    exit 2
}
[ -x $venv/bin/python ] || "$python" -m venv $venv
echo "setting up $venv for profile $profile (a few minutes the first time)"
$venv/bin/python -m pip install --quiet --disable-pip-version-check uv
uv="$venv/bin/uv pip install --quiet --python $venv/bin/python --compile-bytecode"

if [ "$profile" = cpu ]; then
    if ! $venv/bin/python -c 'import torch' 2>/dev/null; then
        # Where pip is configured with a folder of wheels that holds torch, that is the build to take;
        # everywhere else uv knows where the CPU builds are.
        links=${PIP_FIND_LINKS:-$($venv/bin/python -m pip config list | sed -n "s/^.*find-links='\(.*\)'$/\1/p" | head -n 1)}
        if [ -n "$links" ] && ls "$links"/torch-2.13.0* >/dev/null 2>&1; then
            $venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps torch==2.13.0
        else
            $uv --torch-backend cpu torch==2.13.0
        fi
    fi
    $uv --constraint constraints/cpu.txt --override constraints/overrides-cpu.txt -e ".[cpu,$extras]"
else
    $uv --torch-backend auto -e ".[cuda,$extras]"
fi
rm -f $venv/.setup-*
echo "$fingerprint" > "$stamp"
