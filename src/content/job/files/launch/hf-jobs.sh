#!/bin/sh
# HF Jobs: launch/hf-jobs.sh USER/REPO, a private dataset repo that the job is uploaded to, and its result too.
# Machines there are gone after the run: the result is uploaded at its end, so give it time enough.
cd "$(dirname "$0")/.." || exit 1
repo=${1:?USER/REPO}
hf upload "$repo" . --repo-type dataset --private || exit 1
exec hf jobs run --flavor "${FLAVOR:-a100-large}" --timeout "${TIMEOUT:-12h}" --secrets HF_TOKEN \
  ghcr.io/astral-sh/uv:python3.12-bookworm sh -c "
    uvx hf download $repo --repo-type dataset --local-dir job && cd job &&
    uv run --with-requirements train.py torchrun --nproc-per-node gpu train.py --fsdp;
    uvx hf upload $repo result result --repo-type dataset"
