"""All families against float64 PyTorch: check_families.py FAMILIES.json

families.ts has run each folder's model. Prints a line a family and check, as check.py does.
"""

import json
import re
import sys
import traceback
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import torch
from peft import PeftModel, get_peft_model_state_dict
from peft.optimizers import create_loraplus_optimizer
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy
from torch.overrides import TorchFunctionMode
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText
from transformers.utils import logging

from small_families import ADAPTERS, PARAMETERS

LOGIT_TOLERANCE = 1e-5
LOSS_TOLERANCE = 1e-6
GRADIENT_TOLERANCE = 1e-4
STEP_TOLERANCE = 1e-5
# Tensors of parts that are neither run nor trained.
IS_BESIDE = re.compile(r"(^|\.)(vision_tower|multi_modal_projector|visual|mtp)\.").search


class Exact(TorchFunctionMode):
    """Takes float64 where transformers takes float32, whatever the dtype of a model: in norms, softmax and Qwen3.5's rule."""

    paused = False

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if self.paused:
            return func(*args, **kwargs)
        if func is torch.Tensor.float:
            func = torch.Tensor.double
        args = [torch.float64 if arg is torch.float32 else arg for arg in args]
        return func(*args, **{key: torch.float64 if arg is torch.float32 else arg for key, arg in kwargs.items()})

    def pause(self, *_) -> None:
        self.paused = True

    def resume(self, *_) -> None:
        self.paused = False


@contextmanager
def exactness(model):
    """In a model in float64 nothing is in float32 then but the angles of RoPE, which are so by definition."""
    if model.dtype != torch.float64:
        yield
        return
    mode = Exact()
    ropes = [module for module in model.modules() if type(module).__name__.endswith("RotaryEmbedding")]
    hooks = [rope.register_forward_pre_hook(mode.pause) for rope in ropes]
    hooks += [rope.register_forward_hook(mode.resume) for rope in ropes]
    with mode:
        yield
    for hook in hooks:
        hook.remove()


class Family:
    def __init__(self, entry: dict):
        self.name: str = entry["name"]
        self.folder = Path(entry["folder"])
        self.nf4: bool = entry["nf4"]
        self.run = json.loads((self.folder / "run.json").read_text())
        if "error" in self.run:
            raise AssertionError(self.run["error"])
        self.rows = json.loads((self.folder / "rows.json").read_text())
        self.logits = load_file(self.folder / "logits.safetensors")

    def load(self, name: str):
        return self.load_with_info(name)[0]

    def load_with_info(self, name: str) -> tuple:
        at = self.folder / name
        of_class = AutoModelForImageTextToText if self.vision else AutoModelForCausalLM
        model, info = of_class.from_pretrained(
            at,
            dtype=torch.float64,
            attn_implementation="eager",
            experts_implementation="eager",
            output_loading_info=True,
        )
        return model.eval(), info

    @cached_property
    def vision(self) -> bool:
        """Whether it looks at images as well."""
        return hasattr(AutoConfig.from_pretrained(self.folder / "base"), "vision_config")

    @cached_property
    def adapted(self):
        """The adapter on the base, in float64."""
        base = self.load("base")
        if self.changes_base:
            # What peft decomposes has to be in float32.
            base = base.float()
        adapted = PeftModel.from_pretrained(
            base, self.folder / "adapter", is_trainable=True, autocast_adapter_dtype=False
        )
        return adapted.double().eval()

    @property
    def changes_base(self) -> bool:
        """Whether PEFT's base is another model with the adapter: trained biases, or OLoRA's start taken from it."""
        config = json.loads((self.folder / "adapter" / "adapter_config.json").read_text())
        return config["bias"] != "none" or config["init_lora_weights"] == "olora"

    @property
    def depends_on_length(self) -> bool:
        config = json.loads((self.folder / "base" / "config.json").read_text())
        scaling = config.get("rope_scaling") or config.get("rope_parameters") or {}
        return "long_factor" in scaling

    def limit(self, error: float, model: str) -> float:
        """Some random models multiply rounding: then no more than three times PyTorch's own in float32."""
        if error <= LOGIT_TOLERANCE:
            return LOGIT_TOLERANCE
        exact = self.logits_of(self.load(model))
        return max(LOGIT_TOLERANCE, 3 * off_by(self.logits_of(self.load(model).float()), exact))

    def check_gradients(self, actual: dict, exact: dict, model, gradients) -> float:
        """Of each tensor, by its largest entry; where rounding is multiplied, against PyTorch's own in float32.

        `gradients` gives those of a model after `loss`.
        """
        errors = {name: off_by(actual[name], tensor.flatten()) for name, tensor in exact.items()}
        worst = max(errors, key=errors.get)
        if errors[worst] > GRADIENT_TOLERANCE:
            kept = {p: p.grad for p in model.parameters()}
            model.zero_grad()
            self.loss(model.float()).backward()
            own = max(off_by(tensor.flatten(), exact[name].flatten()) for name, tensor in gradients(model) if name in exact)
            model.zero_grad()
            model.double()
            for p, gradient in kept.items():
                p.grad = gradient
            assert errors[worst] <= 3 * own, f"the gradient of {worst} is off by {errors[worst]:.1e} of the largest, PyTorch's by {own:.1e}"
        return errors[worst]

    @torch.no_grad()
    def logits_of(self, model) -> torch.Tensor:
        with exactness(model):
            return torch.cat([model(torch.tensor([row["input_ids"]])).logits.flatten() for row in self.rows])

    def loss(self, model) -> torch.Tensor:
        total, count = torch.zeros((), dtype=torch.float64), 0
        for row in self.rows:
            labels = torch.tensor(row["labels"])[1:]
            with exactness(model):
                logits = model(torch.tensor([row["input_ids"]])).logits[0, :-1]
            total = total + cross_entropy(logits, labels, reduction="sum")
            count += int((labels != -100).sum())
        return total / count


def family_logits(case: Family) -> str:
    """logits of the base and of the adapter are PyTorch's"""
    theirs = {"adapted": case.logits_of(case.adapted)}
    if case.changes_base:
        theirs["base"] = case.logits_of(case.load("base"))
    else:
        with case.adapted.disable_adapter():
            theirs["base"] = case.logits_of(case.adapted)
    errors = []
    for name, exact in theirs.items():
        error = off_by(case.logits[name], exact)
        assert error <= case.limit(error, "base"), f"{name} off by {error:.1e} of the largest"
        errors.append(f"{error:.1e}")
    moved = off_by(theirs["base"], theirs["adapted"])
    assert moved > 1e-2, f"the adapter changes next to nothing ({moved:.1e})"
    return f"off by {' and '.join(errors)} of the largest; the adapter moves them by {moved:.1e}"


def family_targets(case: Family) -> str | None:
    """all-linear names the modules that PEFT adapts"""
    if "target_modules" in ADAPTERS.get(case.name, {}):
        return None
    parameters = set(PARAMETERS.get(case.name, []))
    wrappers = {
        name.removeprefix("base_model.model.").split(".lora_A")[0]
        for name, _ in case.adapted.named_parameters()
        if ".lora_A." in name
    }
    theirs = {module_of(name, wrappers, parameters) for name in wrappers}
    # "all-linear" alone, without what the case adapts besides.
    theirs = {name for name in theirs if not any(f"{name}.weight".endswith(p) or name.endswith(p) for p in parameters)}
    assert set(case.run["planned"]) == theirs, f"not in both: {sorted(theirs ^ set(case.run['planned']))}"
    return f"{len(theirs)} modules"


def module_of(wrapper: str, wrappers: set, parameters: set) -> str:
    """The parameter of experts that PEFT stores under the name of a wrapper; other names as they are."""
    module = wrapper.removesuffix(".base_layer")
    if not module.endswith(".experts"):
        return wrapper
    outer = f"{module}.base_layer" in wrappers or not any(name.endswith("gate_up_proj") for name in parameters)
    return module + (".down_proj" if wrapper == module and outer else ".gate_up_proj")


def family_generation(case: Family) -> str:
    """tokens generated with a cache are the likeliest by PyTorch without one"""
    prompt = case.rows[0]["input_ids"][:10]
    ours = case.run["generated"]
    with torch.no_grad(), exactness(case.adapted):
        # With longrope, all tokens turn by the length of the text: one text a token.
        starts = range(len(ours)) if case.depends_on_length else [len(ours) - 1]
        logits = [case.adapted(torch.tensor([prompt + ours[:at]])).logits[0] for at in starts]
    chosen = torch.stack([each[-1] for each in logits]) if len(logits) > 1 else logits[0][-len(ours) :]
    behind = chosen.amax(1) - chosen[torch.arange(len(ours)), torch.tensor(ours)]
    worst = (behind / chosen.abs().amax(1)).max().item()
    assert worst <= LOGIT_TOLERANCE, f"a token is {worst:.1e} behind the likeliest"
    return f"{len(ours)} tokens"


def family_nf4(case: Family) -> str | None:
    """logits on NF4 are PyTorch's of the adapter merged onto those weights"""
    if not case.nf4:
        return None
    error = off_by(load_file(case.folder / "nf4_logits.safetensors")["nf4"], case.logits_of(case.load("nf4")))
    assert error <= case.limit(error, "nf4"), f"off by {error:.1e} of the largest"
    return f"off by {error:.1e} of the largest"


def family_full(case: Family) -> str:
    """gradients of all parameters are PyTorch's"""
    model = case.load("base")
    case.loss(model).backward()
    ours = load_file(case.folder / "full_gradients.safetensors")
    theirs = dict(gradients_of(model))
    assert ours.keys() == theirs.keys(), f"not in both: {sorted(ours.keys() ^ theirs.keys())}"
    # Of a bias that adds the same to all scores of a query there is only rounding.
    least = 1e-6 * max(exact.abs().max() for exact in theirs.values())
    theirs = {name: exact.clone() for name, exact in theirs.items() if exact.abs().max() > least}
    worst = case.check_gradients(ours, theirs, model, gradients_of)
    return f"{len(theirs)} tensors, off by {worst:.1e} of their largest"


def gradients_of(model):
    """The gradients by the names of a checkpoint, which has experts apart, or their names where it stacks them."""
    for name, p in model.named_parameters():
        if p.grad is None:
            continue
        if p.dim() < 3 or "conv" in name:
            yield name, p.grad.flatten()
            continue
        module, parameter = name.rsplit(".", 1)
        for expert, gradient in enumerate(p.grad):
            if "block_sparse_moe" in name:
                stored = {"gate_up_proj": "input_linear", "down_proj": "output_linear"}[parameter]
                yield f"{module.removesuffix('.experts')}.{stored}.{expert}.weight", gradient.flatten()
            elif parameter == "down_proj":
                yield f"{module}.{expert}.down_proj.weight", gradient.flatten()
            else:
                for half, part in zip(["gate_proj", "up_proj"], gradient.chunk(2), strict=True):
                    yield f"{module}.{expert}.{half}.weight", part.flatten()


def family_merge(case: Family) -> str:
    """transformers loads the merged model whole, with the adapter's logits"""
    model, info = case.load_with_info("merged")
    assert not any(info.values()), info
    ours, base = (load_file(case.folder / name / "model.safetensors") for name in ("merged", "base"))
    assert ours.keys() == base.keys(), sorted(ours.keys() ^ base.keys())
    changed = [name for name in base if IS_BESIDE(name) and (ours[name] != base[name]).any()]
    assert not changed, f"what is not trained has changed: {changed}"
    config, written = (json.loads((case.folder / name / "config.json").read_text()) for name in ("base", "merged"))
    assert config == written, "config.json differs"
    error = off_by(case.logits_of(model), case.logits_of(case.adapted))
    assert error <= LOGIT_TOLERANCE, f"off by {error:.1e} of the largest"
    return f"off by {error:.1e} of the largest"


def family_training(case: Family) -> str | None:
    """losses, gradients and steps are PyTorch's, and PEFT finds a place for every tensor saved"""
    if case.changes_base:
        return None
    model, settings = case.adapted, case.run["adamW"]
    optimizer = create_loraplus_optimizer(
        model,
        torch.optim.AdamW,
        lr=settings["lr"],
        loraplus_lr_ratio=case.run["ratio"],
        betas=(settings["beta1"], settings["beta2"]),
        eps=settings["eps"],
        loraplus_weight_decay=settings["weightDecay"],
    )
    losses, worst = [], 0.0
    for step in range(len(case.run["losses"])):
        optimizer.zero_grad()
        loss = case.loss(model)
        loss.backward()
        if step == 0:
            worst = gradient_error(case)
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        losses.append(case.loss(model).item())
    errors = [abs(a / b - 1) for a, b in zip([*case.run["losses"], case.run["after"]], losses, strict=True)]
    first = max(errors[0], abs(case.run["before"] / losses[0] - 1))
    assert first <= LOSS_TOLERANCE, f"the loss is off by {first:.1e}"
    assert max(errors) <= STEP_TOLERANCE, f"a step's loss is off by {max(errors):.1e}"
    ours = load_file(case.folder / "saved" / "adapter_model.safetensors")
    saved = PeftModel.from_pretrained(case.load("base"), case.folder / "saved", autocast_adapter_dtype=False)
    assert get_peft_model_state_dict(saved).keys() == ours.keys(), "peft has other tensors"
    return f"losses off by {max(errors):.1e}, gradients by {worst:.1e} of their tensor's largest"


def gradient_error(case: Family) -> float:
    """The largest error of the adapter's gradients, after `loss`."""
    ours = load_file(case.folder / "gradients.safetensors")
    theirs = {name: gradient.clone() for name, gradient in adapter_gradients(case.adapted)}
    assert ours.keys() == theirs.keys(), f"not in both: {sorted(ours.keys() ^ theirs.keys())}"
    return case.check_gradients(ours, theirs, case.adapted, adapter_gradients)


def adapter_gradients(model):
    """The gradients by the names of an adapter's file."""
    for name, p in model.named_parameters():
        if p.requires_grad:
            yield name.replace(".default.", ".").replace("_vector.weight", "_vector"), p.grad


def off_by(actual: torch.Tensor, exact: torch.Tensor) -> float:
    return ((actual.double() - exact).abs().max() / exact.abs().max()).item()


CHECKS = [
    family_logits,
    family_targets,
    family_generation,
    family_merge,
    family_nf4,
    family_full,
    family_training,
]


def main(manifest: str) -> None:
    logging.disable_progress_bar()
    # Threads cost such small products more than they save.
    torch.set_num_threads(1)
    for entry in json.loads(Path(manifest).read_text()):
        try:
            case = Family(entry)
        except AssertionError as error:
            print(f"FAIL {error}", flush=True)
            continue
        for check in CHECKS:
            title = f"{case.name}: {check.__doc__}"
            try:
                if (measured := check(case)) is not None:
                    print(f"ok {title}: {measured}", flush=True)
            except AssertionError as error:
                print(f"FAIL {title}: {error}", flush=True)
            except Exception as error:  # Of a library: it fails this check, not those after it.
                traceback.print_exc()
                print(f"FAIL {title}: {type(error).__name__}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
