"""Training with PiSSA against PEFT's in float64: check_pissa.py FOLDER, where pissa.ts has written. A line a check."""

import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM
from transformers.utils import logging

LOSS_TOLERANCE = 1e-5
# Of all that was learned, by Frobenius norms: AdamW moves by the sign, which rounding turns where a gradient is next to nothing.
LEARNED_TOLERANCE = 1e-2
# Half a step of bfloat16, in which the merged model is stored, and what float32 adds to that.
MERGED_TOLERANCE = 2**-8 * 1.001


def main(folder: Path) -> None:
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    found = json.loads((folder / "run.json").read_text())
    for run in found["runs"]:
        name = f"{Path(found['model']).name}: PiSSA, {run['name']}"
        for check in (check_training, check_files):
            try:
                if text := check(found, run):
                    print("ok", f"{name}: {check.__doc__}: {text}", flush=True)
            except Exception as error:
                message = f"{type(error).__name__}: {error}".replace("\n", " ")
                print("FAIL", f"{name}: {check.__doc__}: {message}", flush=True)


def load(at: str, dtype=torch.float64):
    return AutoModelForCausalLM.from_pretrained(at, dtype=dtype, attn_implementation="eager").eval()


def with_adapter(found: dict, run: dict):
    """Graft's adapter on the base, in float64."""
    return PeftModel.from_pretrained(load(found["model"]), run["adapter"], autocast_adapter_dtype=False).double()


def loss_of(model, rows: list) -> torch.Tensor:
    total, count = torch.zeros((), dtype=torch.float64), 0
    for row in rows:
        ids = torch.tensor([row])
        total = total + cross_entropy(model(ids).logits[0, :-1], ids[0, 1:], reduction="sum")
        count += len(row) - 1
    return total / count


def check_training(found: dict, run: dict) -> str | None:
    """losses and what is learned are PEFT's"""
    recipe, settings = run["recipe"], found["adamW"]
    if recipe["init_lora_weights"] != "pissa":
        # Its random vectors are PyTorch's.
        return None
    # What PEFT decomposes has to be in float32.
    config = LoraConfig(
        r=recipe["rank"],
        lora_alpha=recipe["alpha"],
        use_rslora=recipe["rslora"],
        target_modules=recipe["targets"],
        init_lora_weights="pissa",
    )
    model = get_peft_model(load(found["model"], torch.float32), config, autocast_adapter_dtype=False).double()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        trained,
        lr=settings["lr"],
        betas=(settings["beta1"], settings["beta2"]),
        eps=settings["eps"],
        weight_decay=0.0,
    )
    losses = []
    for _ in run["losses"][:-1]:
        optimizer.zero_grad()
        loss = loss_of(model, found["rows"])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        losses.append(loss_of(model, found["rows"]).item())
    error = max(abs(ours / theirs - 1) for ours, theirs in zip(run["losses"], losses, strict=True))
    assert error <= LOSS_TOLERANCE, f"losses off by {error:.1e}: {run['losses']}, PEFT's {losses}"
    assert abs(losses[-1] - losses[0]) > 1e-2, "next to nothing is learned"
    theirs = model.merge_and_unload().state_dict()
    ours, base = with_adapter(found, run).merge_and_unload().state_dict(), load(found["model"]).state_dict()
    norm = lambda of: sum(of(name).square().sum() for name in base).sqrt().item()
    learned = norm(lambda name: theirs[name] - base[name])
    off = norm(lambda name: ours[name] - theirs[name]) / learned
    assert off <= LEARNED_TOLERANCE, f"what is learned is off by {off:.1e}"
    return f"losses from {losses[0]:.4f} to {losses[-1]:.4f} off by {error:.1e}, weights by {off:.1e} of what is learned"


def check_files(found: dict, run: dict) -> str:
    """PEFT loads the adapter onto the base as the same model"""
    model = with_adapter(found, run)
    config = model.peft_config["default"]
    assert (config.r, config.init_lora_weights) == (2 * run["recipe"]["rank"], True), config
    with torch.no_grad():
        error = abs(run["losses"][-1] / loss_of(model, found["rows"]).item() - 1)
    assert error <= LOSS_TOLERANCE, f"its loss is off by {error:.1e}"
    theirs, ours = model.merge_and_unload().state_dict(), load(run["merged"]).state_dict()
    # Below that, float32's rounding of large terms that cancel is more than the step of a weight.
    size = lambda tensor: tensor.abs().clamp(min=1e-3 * tensor.abs().max())
    off = max(((ours[name] - theirs[name]).abs() / size(theirs[name])).max().item() for name in theirs)
    assert off <= MERGED_TOLERANCE, f"the merged weights are off by {off:.1e}"
    return f"loss off by {error:.1e}, merged weights by {off:.1e}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
