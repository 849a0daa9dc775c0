import { serveCommand } from '../formats/gguf/serveCommand.ts';

/** Where an export is used. */
export const useTargets = [
  'transformers',
  'peft',
  'vllm',
  'hub',
  'llamacpp',
  'ollama',
  'lmstudio',
  'chat',
] as const;
export type UseTarget = (typeof useTargets)[number];

/** What takes GGUF files. `chat` is a web page with the model in it. */
const ggufTargets = ['llamacpp', 'ollama', 'lmstudio', 'chat'] as const satisfies readonly UseTarget[];
export type GgufTarget = (typeof ggufTargets)[number];

/** Whether something takes GGUF files. */
export function needsGguf(use: UseTarget | null): use is GgufTarget {
  return ggufTargets.some((target) => target === use);
}

/** What is exported: the adapter, or a whole model. */
export type ExportKind = 'adapter' | 'merged';

/** Real names for the commands that use an export. */
export interface UsageFacts {
  /** The exported folder's name, such as `my-model-adapter`. */
  name: string;
  /** The Hub repo that it was pushed to; null for a folder beside which the commands run. */
  repo: string | null;
  /** The base on the Hub, or its folder's name. */
  base: { repo: string | null; commit: string | null; name: string };
  /** Ids that end answers, where the base's generation_config.json lacks some of them; empty otherwise. */
  endIds: readonly number[];
  /** Whether the model has a chat template. */
  chat: boolean;
  /** Largest rank of the adapter; null for a model of which all parameters were trained. */
  rank: number | null;
  /** Whether the adapter has modules that were trained in full (`modules_to_save`). */
  savesModules: boolean;
}

/** One thing to run, or to write into a file. */
export interface UsageBlock {
  language: 'bash' | 'python' | 'text';
  /** Name of the file to write it into; absent for what is run. */
  file?: string;
  code: string;
}

/** Ranks that vLLM reserves memory for (`MaxLoRARanks` in vllm/config/lora.py); the default is 16. */
const VLLM_RANKS = [8, 16, 32, 64, 128, 256, 320, 512];
const VLLM_DEFAULT_RANK = 16;

/** What is used where: vLLM takes either, the others one of them. */
export const kindsOfTarget: Readonly<Record<UseTarget, readonly ExportKind[]>> = {
  transformers: ['merged'],
  peft: ['adapter'],
  vllm: ['adapter', 'merged'],
  hub: ['adapter', 'merged'],
  llamacpp: ['merged'],
  ollama: ['merged'],
  lmstudio: ['merged'],
  chat: ['merged'],
};

/** Why an adapter cannot be served by vLLM on top of its base; null where it can. A merged model always can. */
export function vllmRefuses({ rank, savesModules }: UsageFacts): 'savedModules' | 'rank' | null {
  if (savesModules) return 'savedModules';
  return rank !== null && rank > VLLM_RANKS.at(-1)! ? 'rank' : null;
}

/**
 * The commands that use an export somewhere, in order. They are those of transformers 5, PEFT 0.21, vLLM's
 * OpenAI-compatible server, and for GGUF llama.cpp's convert_hf_to_gguf.py, since Graft writes safetensors.
 */
export function usageOf(
  target: Exclude<UseTarget, 'chat'>,
  kind: ExportKind,
  facts: UsageFacts,
): UsageBlock[] {
  switch (target) {
    case 'transformers':
    case 'peft':
      return pythonUsage(kind, facts);
    case 'hub':
      return pythonUsage(kind, facts);
    case 'vllm':
      return vllmUsage(kind, facts);
    case 'llamacpp':
      return [...toGguf(facts), { language: 'bash', code: `llama-server -m ${shell(ggufOf(facts))}` }];
    case 'ollama':
      return [
        ...toGguf(facts),
        { language: 'text', file: 'Modelfile', code: `FROM ./${ggufOf(facts)}` },
        {
          language: 'bash',
          code: `ollama create ${shell(plainName(facts))} -f Modelfile\nollama run ${shell(plainName(facts))}`,
        },
      ];
    case 'lmstudio':
      return [...toGguf(facts), { language: 'bash', code: `lms import ${shell(ggufOf(facts))}` }];
  }
}

/**
 * The commands that use a GGUF file that Graft has written, in order: beside the file, or in the unpacked folder for Ollama and a
 * chat page.
 * @param lora whether it is the adapter alone, for llama.cpp's `--lora`
 */
export function ggufUsage(target: GgufTarget, facts: UsageFacts, lora: boolean): UsageBlock[] {
  const name = plainName(facts);
  if (target === 'chat') return [{ language: 'bash', code: serveCommand }];
  if (target === 'lmstudio') return [{ language: 'bash', code: `lms import ${shell(ggufOf(facts))}` }];
  if (target === 'ollama') {
    const run = `ollama create ${shell(name)} -f Modelfile\nollama run ${shell(name)}`;
    return [{ language: 'bash', code: run }];
  }
  const file = lora ? `base.gguf --lora ${shell(loraFileName(facts.name))}` : shell(ggufOf(facts));
  return [{ language: 'bash', code: `llama-server -m ${file}` }];
}

/** The name of a model's GGUF file. */
export function ggufFileName(name: string): string {
  return `${plainName({ name })}.gguf`;
}

/** The name of an adapter's GGUF file. */
export function loraFileName(name: string): string {
  return `${plainName({ name })}-lora.gguf`;
}

function pythonUsage(kind: ExportKind, facts: UsageFacts): UsageBlock[] {
  const { endIds, chat } = facts;
  const base = python(baseOf(facts));
  // A commit that the adapter was trained on; a folder has none.
  const { repo, commit } = facts.base;
  const revision = repo !== null && commit !== null ? `, revision=${python(commit)}` : '';
  const load =
    kind === 'adapter'
      ? [
          `tokenizer = AutoTokenizer.from_pretrained(${base}${revision})`,
          `base = AutoModelForCausalLM.from_pretrained(${base}${revision}, dtype="auto", device_map="auto")`,
          `model = PeftModel.from_pretrained(base, ${python(pathOf(facts))})`,
          ...(endIds.length > 0 ? [`model.generation_config.eos_token_id = [${endIds.join(', ')}]`] : []),
        ]
      : [
          `tokenizer = AutoTokenizer.from_pretrained(${python(pathOf(facts))})`,
          `model = AutoModelForCausalLM.from_pretrained(${python(pathOf(facts))}, dtype="auto", device_map="auto")`,
        ];
  const ask = chat
    ? [
        'messages = [{"role": "user", "content": "Hello!"}]',
        'inputs = tokenizer.apply_chat_template(',
        '    messages, add_generation_prompt=True, return_dict=True, return_tensors="pt"',
        ').to(model.device)',
      ]
    : ['inputs = tokenizer("Hello!", return_tensors="pt").to(model.device)'];
  const code = [
    ...(kind === 'adapter' ? ['from peft import PeftModel'] : []),
    'from transformers import AutoModelForCausalLM, AutoTokenizer',
    '',
    ...load,
    '',
    ...ask,
    'output = model.generate(**inputs, max_new_tokens=128)',
    'print(tokenizer.decode(output[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))',
  ].join('\n');
  const packages = `pip install torch transformers accelerate${kind === 'adapter' ? ' peft' : ''}`;
  return [
    { language: 'bash', code: packages },
    { language: 'python', code },
  ];
}

function vllmUsage(kind: ExportKind, facts: UsageFacts): UsageBlock[] {
  const name = plainName(facts);
  const { rank, base, chat, endIds } = facts;
  const revision = base.repo !== null && base.commit !== null ? ` --revision ${base.commit}` : '';
  const reserved = VLLM_RANKS.find((size) => size >= (rank ?? 0));
  const ranks = reserved !== undefined && reserved > VLLM_DEFAULT_RANK ? ` --max-lora-rank ${reserved}` : '';
  const serve =
    kind === 'adapter'
      ? `vllm serve ${shell(baseOf(facts))}${revision} --enable-lora${ranks} --lora-modules ${shell(`${name}=${pathOf(facts)}`)}`
      : `vllm serve ${shell(pathOf(facts))} --served-model-name ${shell(name)}`;
  const asked = chat
    ? { messages: [{ role: 'user', content: 'Hello!' }], max_tokens: 128 }
    : { prompt: 'Hello!', max_tokens: 128 };
  // An adapter is served with the generation config of its base.
  const stop = kind === 'adapter' && endIds.length > 0 ? { stop_token_ids: endIds } : {};
  const body = JSON.stringify({ model: name, ...asked, ...stop });
  const ask = [
    `curl http://localhost:8000/v1/${chat ? 'chat/completions' : 'completions'} \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '${body}'`,
  ].join('\n');
  return [
    { language: 'bash', code: `pip install vllm\n${serve}` },
    { language: 'bash', code: ask },
  ];
}

/** The conversion of a merged model, by llama.cpp itself. */
function toGguf(facts: UsageFacts): UsageBlock[] {
  const { repo } = facts;
  const folder = `./${facts.name}`;
  const code = [
    ...(repo === null ? [] : [`hf download ${shell(repo)} --local-dir ${shell(folder)}`]),
    'git clone https://github.com/ggml-org/llama.cpp',
    'pip install -r llama.cpp/requirements.txt',
    `python llama.cpp/convert_hf_to_gguf.py ${shell(folder)} --outfile ${shell(ggufOf(facts))} --outtype auto`,
  ].join('\n');
  return [{ language: 'bash', code }];
}

const pathOf = ({ repo, name }: UsageFacts): string => repo ?? `./${name}`;
const baseOf = ({ base }: UsageFacts): string => base.repo ?? `path/to/${base.name}`;
const ggufOf = ({ name }: UsageFacts): string => ggufFileName(name);

/** A name that servers and model stores take: letters, digits, dots, dashes. */
function plainName({ name }: Pick<UsageFacts, 'name'>): string {
  return (
    name
      .replace(/[^\w.-]+/g, '-')
      .replace(/^[-.]+|[-.]+$/g, '')
      .toLowerCase() || 'model'
  );
}

/** An argument of a POSIX shell. Names come from files and Hubs. */
function shell(text: string): string {
  return /^[\w./=@:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A string of Python, which JSON's are but for unpaired surrogates. */
function python(text: string): string {
  return JSON.stringify(text);
}
