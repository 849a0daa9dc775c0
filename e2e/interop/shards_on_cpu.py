"""Runs train.py of a job under torchrun with FSDP2 or DeepSpeed on CPUs.

Accelerate shards on accelerators alone, while FSDP2 and ZeRO themselves also run on CPUs with gloo: here Accelerate takes
CPUs for accelerators. Usage: shards_on_cpu.py train.py [OPTIONS]
"""

import runpy
import sys
from os.path import dirname

import torch
from accelerate.state import PartialState
from accelerate.utils import DistributedType


def prepare_backend(self, *args, **kwargs):
    return "gloo", DistributedType.MULTI_GPU


def set_device(self):
    self.device = torch.device("cpu")


PartialState._prepare_backend = prepare_backend
PartialState.set_device = set_device
torch.distributed.init_process_group("gloo")
if "--zero3" in sys.argv:
    import deepspeed

    deepspeed.init_distributed("gloo", auto_mpi_discovery=False)
sys.argv = sys.argv[1:]
sys.path.insert(0, dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
