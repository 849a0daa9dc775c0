# /// script
# requires-python = ">=3.11"
# dependencies = ["ray[train]==2.60.0"]
# ///
"""Ray Train: python launch/ray_train.py 8, on a cluster whose workers have the packages of train.py and this folder."""

import runpy
import sys
from pathlib import Path

from ray.train import ScalingConfig
from ray.train.torch import TorchTrainer

JOB = Path(__file__).resolve().parent.parent


def train():
    sys.path.insert(0, str(JOB))
    sys.argv = ["train.py", "--fsdp"]
    runpy.run_path(str(JOB / "train.py"), run_name="__main__")


TorchTrainer(train, scaling_config=ScalingConfig(num_workers=int(sys.argv[1]), use_gpu=True)).fit()
