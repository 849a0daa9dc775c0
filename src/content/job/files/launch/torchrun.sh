#!/bin/sh
# On one machine with several GPUs: launch/torchrun.sh [OPTIONS OF train.py]. GPUS=4 takes four of them.
cd "$(dirname "$0")/.." || exit 1
exec uv run --with-requirements train.py torchrun --nproc-per-node "${GPUS:-gpu}" train.py --fsdp "$@"
