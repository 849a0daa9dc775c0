"""AdamW's moments of what is trained, in one process and sharded by FSDP2 or DeepSpeed."""

import torch
from torch.distributed.tensor import DTensor, distribute_tensor


def trained(model):
    """What is trained, by the names in the file of its adapter or model."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            yield name.replace(".modules_to_save.default", "").replace(".default", ""), parameter


def set_moments(optimizer, parameter, m, v, step):
    """Gives AdamW the moments of a parameter, or this rank's part of them, after `step` updates."""
    if hasattr(parameter, "ds_id"):  # DeepSpeed
        from deepspeed.utils import safe_set_full_optimizer_state

        for flat in optimizer.fp32_partitioned_groups_flat:
            # AdamW makes its states in its first step, which is yet to come.
            if not optimizer.optimizer.state[flat]:
                zeros = {"exp_avg": torch.zeros_like(flat), "exp_avg_sq": torch.zeros_like(flat)}
                optimizer.optimizer.state[flat] = {"step": step.clone(), **zeros}
        safe_set_full_optimizer_state(parameter, m, "exp_avg")
        safe_set_full_optimizer_state(parameter, v, "exp_avg_sq")
        return
    m, v = m.to(parameter.device), v.to(parameter.device)
    if isinstance(parameter, DTensor):  # FSDP2
        m, v = (distribute_tensor(one, parameter.device_mesh, parameter.placements) for one in (m, v))
    optimizer.state[parameter] = {"step": step.clone(), "exp_avg": m, "exp_avg_sq": v}


def get_moment(optimizer, parameter, name):
    """A moment of a parameter, of all ranks together: `exp_avg` or `exp_avg_sq`."""
    if hasattr(parameter, "ds_id"):
        from deepspeed.utils import safe_get_full_optimizer_state

        return safe_get_full_optimizer_state(parameter, name).cpu()
    moment = optimizer.state[parameter][name]
    return (moment.full_tensor() if isinstance(moment, DTensor) else moment).cpu()
