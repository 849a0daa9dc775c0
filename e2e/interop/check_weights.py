"""A weight of each trained token: Graft's losses, gradients and steps against float64 PyTorch's."""

import json
from functools import cached_property
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy

from case import load

# Relative.
LOSS_TOLERANCE = 1e-5
NORM_TOLERANCE = 1e-4
# Of the largest entry of the tensor.
GRADIENT_TOLERANCE = 1e-4


class WeightedCase:
    def __init__(self, entry: dict):
        self.name: str = entry["name"]
        self.base = Path(entry["model"])
        self.adapter = Path(entry["adapter"])
        self.folder = Path(entry["folder"])
        with open(self.folder / "run.json", encoding="utf-8") as file:
            self.run: dict = json.load(file)

    def model(self):
        """The adapter as training begins with it, all of it in float64."""
        base = load(self.base, torch.float64)
        return PeftModel.from_pretrained(
            base, self.adapter, is_trainable=True, autocast_adapter_dtype=False
        ).eval()

    def loss_sum(self, model, rows: list[int]) -> tuple[torch.Tensor, int]:
        """The sum of weight times cross-entropy over the trained tokens of rows, and their number."""
        total, count = torch.zeros((), dtype=torch.float64), 0
        for index in rows:
            row = self.run["rows"][index]
            logits = model(torch.tensor([row["input_ids"]])).logits[0, :-1]
            labels = torch.tensor(row["labels"])[1:]
            weights = torch.tensor(row["weights"], dtype=torch.float64)[1:]
            losses = cross_entropy(logits, labels, reduction="none")
            total = total + (weights * losses).sum()
            count += int((labels != -100).sum())
        return total, count

    @cached_property
    def theirs(self) -> dict:
        """The same steps by PyTorch: each step's loss and gradient norm, evaluations, gradients of the first."""
        model, settings = self.model(), self.run["adamW"]
        trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        optimizer = torch.optim.AdamW(
            trained.values(),
            lr=settings["lr"],
            betas=(settings["beta1"], settings["beta2"]),
            eps=settings["eps"],
            weight_decay=settings["weightDecay"],
        )
        told = {"before": self.evaluation(model), "steps": []}
        for batches in self.run["batches"]:
            rows = [row for batch in batches for row in batch]
            optimizer.zero_grad()
            total, count = self.loss_sum(model, rows)
            loss = total / count
            loss.backward()
            if not told["steps"]:
                told["gradients"] = {
                    name.replace(".default.", "."): p.grad.clone() for name, p in trained.items()
                }
            norm = torch.nn.utils.clip_grad_norm_(trained.values(), settings["maxGradNorm"])
            optimizer.step()
            told["steps"].append({"loss": loss.item(), "gradNorm": norm.item(), "targets": count})
        told["after"] = self.evaluation(model)
        return told

    @torch.no_grad()
    def evaluation(self, model) -> dict:
        total, count = self.loss_sum(model, list(range(len(self.run["rows"]))))
        return {"loss": total.item() / count, "tokens": count}


def weighted_gradients(case: WeightedCase) -> str:
    """with weights, the gradient of every tensor is PyTorch's."""
    ours, theirs = load_file(case.folder / "gradients.safetensors"), case.theirs["gradients"]
    assert ours.keys() == theirs.keys(), f"not in both: {sorted(ours.keys() ^ theirs.keys())}"
    worst = max(
        ((ours[name].double() - exact.flatten()).abs().max() / exact.abs().max()).item()
        for name, exact in theirs.items()
    )
    assert worst <= GRADIENT_TOLERANCE, f"off by {worst:.1e} of the largest"
    return f"{len(ours)} tensors, off by {worst:.1e} of the largest"


def weighted_steps(case: WeightedCase) -> str:
    """with weights, loss and gradient norm of every step are PyTorch's."""
    ours, theirs = case.run["steps"], case.theirs["steps"]
    assert [step["targets"] for step in ours] == [step["targets"] for step in theirs]
    loss, norm = (largest_error(ours, theirs, key) for key in ("loss", "gradNorm"))
    assert loss <= LOSS_TOLERANCE, f"a loss is off by {loss:.1e}"
    assert norm <= NORM_TOLERANCE, f"a norm is off by {norm:.1e}"
    return f"{len(ours)} steps, losses off by {loss:.1e}, norms by {norm:.1e}"


def weighted_evaluation(case: WeightedCase) -> str:
    """with weights, the losses of evaluations before and after are PyTorch's."""
    ours, theirs = ([told["before"], told["after"]] for told in (case.run, case.theirs))
    assert [told["tokens"] for told in ours] == [told["tokens"] for told in theirs]
    plain = unweighted(case)
    assert abs(plain / theirs[0]["loss"] - 1) > 0.01, "the weights change next to nothing"
    error = largest_error(ours, theirs, "loss")
    assert error <= LOSS_TOLERANCE, f"off by {error:.1e}"
    return f"{theirs[0]['loss']:.5f}, without weights {plain:.5f}; off by {error:.1e}"


@torch.no_grad()
def unweighted(case: WeightedCase) -> float:
    model = case.model()
    losses = [
        cross_entropy(
            model(torch.tensor([row["input_ids"]])).logits[0, :-1],
            torch.tensor(row["labels"])[1:],
            reduction="sum",
        )
        for row in case.run["rows"]
    ]
    return sum(losses).item() / case.run["before"]["tokens"]


def largest_error(ours: list[dict], theirs: list[dict], key: str) -> float:
    return max(abs(a[key] / b[key] - 1) for a, b in zip(ours, theirs, strict=True))


WEIGHT_CHECKS = [weighted_gradients, weighted_steps, weighted_evaluation]
