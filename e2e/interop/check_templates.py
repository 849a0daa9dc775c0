"""Does Graft render chat templates as transformers does?

    python check_templates.py small          small templates over all constructs
    python check_templates.py odd [COUNT]    COUNT (10,000) renderings of the fixtures' templates with odd contents
    python check_templates.py DIR            every *.jinja of a folder, with seven conversations each

A line a check, as check.py prints them. Equal texts pass, and what both refuse; what Graft alone refuses is counted and
listed with -v; anything else fails.
"""

import json
import random
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

from transformers.utils import chat_template_utils, logging

from small_templates import CONTENTS, small_templates

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FIXTURES = ROOT / "src" / "content" / "data" / "fixtures"
NOW = datetime(2026, 1, 2, 3, 4, 5)
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}


class FrozenDatetime(datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(*NOW.timetuple()[:6])


chat_template_utils.datetime = FrozenDatetime
# It warns of templates without generation tags.
logging.set_verbosity_error()


def render(job: dict) -> dict:
    """What apply_chat_template(tokenize=False) gives, and the spans of its assistant mask."""
    chat = [{k: v for k, v in message.items() if v is not None} for message in job["messages"]]
    variables = dict(job["variables"])
    tools, documents = variables.pop("tools", None), variables.pop("documents", None)
    try:
        texts, spans = chat_template_utils.render_jinja_template(
            conversations=[chat],
            tools=tools,
            documents=documents,
            chat_template=job["template"],
            return_assistant_tokens_mask=True,
            add_generation_prompt=job["addGenerationPrompt"],
            **{**job["specialTokens"], **variables},
        )
    except (Exception, RecursionError) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {"text": texts[0], "spans": spans[0]}


def render_with_graft(jobs: list[dict]) -> list[dict]:
    command = ["node", "--import", "tsx", str(HERE / "renderTemplates.mjs")]
    data = json.dumps({"now": NOW.isoformat(), "jobs": [marked(job) for job in jobs]})
    run = subprocess.run(command, input=data, capture_output=True, text=True, cwd=ROOT, encoding="utf-8")
    if run.returncode != 0:
        sys.exit(run.stderr)
    return json.loads(run.stdout)


def marked(value):
    """Floats that JSON would read as ints in JavaScript, and ints it would round, marked."""
    if isinstance(value, dict):
        return {key: marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [marked(item) for item in value]
    if isinstance(value, float):
        return {"$float": value}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return {"$int": str(value)}
    return value


def points(text: str, offset: int) -> int:
    """UTF-16 offset to code points."""
    return len(text.encode("utf-16-le")[: 2 * offset].decode("utf-16-le", "replace"))


def outcome(ours: dict, theirs: dict) -> str:
    if "error" in theirs:
        # An address in memory is no text anybody could give.
        return "refused by both" if "error" in ours else "rendered what transformers refuses"
    if "error" in ours:
        return "no text to equal" if " at 0x" in theirs["text"] or "<class '" in theirs["text"] else "refused by Graft alone"
    if ours["text"] != theirs["text"]:
        return "other text"
    if ours["spans"] is not None:
        length = len(theirs["text"])
        spans = [[points(ours["text"], part) for part in (span["start"], span["end"])] for span in ours["spans"]]
        if spans != [[min(start, length), min(end, length)] for start, end in theirs["spans"]]:
            return "other spans"
    return "equal"


FINE = {"equal", "refused by both", "no text to equal", "refused by Graft alone"}


def check(name: str, jobs: list[dict], verbose: bool) -> bool:
    found = Counter()
    for start in range(0, len(jobs), 20_000):
        part = jobs[start : start + 20_000]
        for job, ours in zip(part, render_with_graft(part)):
            theirs = render(job)
            kind = outcome(ours, theirs)
            found[kind] += 1
            if kind not in FINE or (verbose and kind == "refused by Graft alone"):
                shown = {key: job[key] for key in ("name", "template", "content", "messages") if key in job}
                if "name" in job:
                    shown.pop("template")
                print(f"{kind}: {json.dumps(shown, ensure_ascii=True)[:600]}\n  Graft: {str(ours)[:400]!r}\n  there: {str(theirs)[:400]!r}")
    bad = sum(count for kind, count in found.items() if kind not in FINE)
    print(f"{'FAIL' if bad else 'ok'} {name}: {', '.join(f'{count} {kind}' for kind, count in found.most_common())}")
    return bad == 0


def job(template: str, messages: list[dict], generation_prompt=False, **variables) -> dict:
    return {
        "template": template,
        "specialTokens": SPECIAL,
        "messages": messages,
        "variables": variables,
        "addGenerationPrompt": generation_prompt,
    }


def small_jobs() -> list[dict]:
    extra = {"d": {"a": 1, "b": [2, "x"]}, "big": 2**64, "float1": 1.0}
    return [
        job(template, [{"role": "user", "content": content}], content=content, **extra)
        for template, content in small_templates()
    ]


REAL = ["llama3", "mistral", "qwen2.5", "qwen3", "smollm2", "deepseek-r1", "generation"]


def odd_text(rng: random.Random) -> str:
    pieces = [*CONTENTS, "\n", "\r\n", " ", "\t", "\u0085", "\ufeff", "\u2028", "\x1c", "<think>", "</think>", "<think>\nhm\n</think>\n\n", "[INST]", "<tool_response>", "word", "😀", "\u200d", "\n\n"]
    return "".join(rng.choice(pieces) for _ in range(rng.randrange(0, 6)))


def odd_jobs(count: int) -> list[dict]:
    rng = random.Random(13)
    sources = [(name, (FIXTURES / f"{name}.jinja").read_text(encoding="utf-8")) for name in REAL]
    jobs = []
    for i in range(count):
        name, source = sources[i % len(sources)]
        roles = ["user", "assistant"] * rng.randrange(1, 4)
        if rng.random() < 0.4:
            roles.insert(0, "system")
        if rng.random() < 0.3:
            roles.pop()
        messages = [{"role": role, "content": odd_text(rng)} for role in roles]
        if rng.random() < 0.2:
            messages[-1]["reasoning_content"] = odd_text(rng)
        variables = {"enable_thinking": rng.random() < 0.5} if rng.random() < 0.2 else {}
        jobs.append({**job(source, messages, rng.random() < 0.5, **variables), "name": name})
    return jobs


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather's \"now\" in a <city>, e.g. 東京",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "A city"},
                    "unit": {"type": "string", "enum": ["C", "F"], "default": "C"},
                    "days": {"type": ["integer", "null"], "minimum": 1, "maximum": 7.5},
                },
                "required": ["city"],
            },
        },
    }
]


def conversations() -> dict[str, tuple[list[dict], bool, dict]]:
    user, answer = {"role": "user", "content": "Hi, what's up?"}, {"role": "assistant", "content": "Not much."}
    system = {"role": "system", "content": "Be kind."}
    call = {
        "id": "abcdefghi",
        "type": "function",
        "function": {"name": "get_weather", "arguments": {"city": "東京", "unit": "C", "days": 2, "exact": 1.0, "more": None}},
    }
    tools = [
        user,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "name": "get_weather", "tool_call_id": "abcdefghi", "content": '{"t": 21.5}'},
        {"role": "assistant", "content": "It is 21.5 °C."},
    ]
    thoughts = [
        user,
        {"role": "assistant", "content": "Four.", "reasoning_content": "Two and two\nmake four."},
        {"role": "user", "content": "Sure?"},
        {"role": "assistant", "content": "<think>\nYes.\n</think>\n\nYes!", "reasoning_content": "Again."},
    ]
    odd = [
        {"role": "user", "content": " \u0085\ufeff😀\r\nx<|im_end|>{{ y }}\n "},
        {"role": "assistant", "content": "\x1c'\"\\<b>&amp;</think>\t\n"},
        {"role": "user", "content": ""},
    ]
    return {
        "one turn": ([user, answer], False, {}),
        "many turns": ([user, answer] * 4, False, {}),
        "system": ([system, user, answer], False, {}),
        "tools": (tools, False, {"tools": TOOLS}),
        "thoughts": (thoughts, False, {"enable_thinking": True}),
        "generation prompt": ([system, user], True, {}),
        "odd contents": (odd, True, {}),
    }


def folder_jobs(folder: Path) -> list[dict]:
    jobs = []
    for file in sorted(folder.rglob("*.jinja")):
        source = file.read_text(encoding="utf-8")
        for name, (messages, prompt, variables) in conversations().items():
            jobs.append({**job(source, messages, prompt, **variables), "name": f"{file.name}: {name}"})
    return jobs


def main() -> None:
    verbose = "-v" in sys.argv
    what, *rest = [arg for arg in sys.argv[1:] if arg != "-v"]
    if what == "small":
        fine = check("small templates", small_jobs(), verbose)
    elif what == "odd":
        fine = check("odd contents", odd_jobs(int(rest[0]) if rest else 10_000), verbose)
    else:
        fine = check(f"templates of {Path(what).name}", folder_jobs(Path(what)), verbose)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
