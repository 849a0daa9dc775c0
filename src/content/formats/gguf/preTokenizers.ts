/**
 * The pre-tokenizers of byte-level BPE that llama.cpp knows by name (`tokenizer.ggml.pre`; its `llama-vocab.cpp`), each as
 * tokenizer.json writes it. One table for both ways: a file names its pre-tokenizer, and a tokenizer.json finds its name.
 */
export interface PreTokenizer {
  /** The name that is written, then others that mean the same. */
  names: readonly string[];
  steps: readonly Step[];
  /** Whether a word that is a token is taken whole, whatever the merges say. */
  ignoreMerges: boolean;
  /** Whether texts begin with BOS where the file does not say. */
  addBos: boolean;
  /** Whether models with it normalize texts to NFC, which llama.cpp does not do. */
  nfc?: boolean;
}

/** One step: a pattern whose matches stay apart, single digits, or GPT-2's own pattern. */
export type Step = { split: string } | 'digits' | 'gpt2';

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const SPACES = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const [UPPER, LOWER] = ['[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]', '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]'];
const LEAD = '[^\\r\\n\\p{L}\\p{N}]?';
const SIGNS = ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*';
const [camel, camelShout] = [`${LEAD}${UPPER}*${LOWER}+`, `${LEAD}${UPPER}+${LOWER}*`];

const LLAMA3 = `${CONTRACTIONS}|${LEAD}\\p{L}+|\\p{N}{1,3}|${SIGNS}|${SPACES}`;
const QWEN2 = `${CONTRACTIONS}|${LEAD}\\p{L}+|\\p{N}|${SIGNS}|${SPACES}`;
const QWEN35 = `${CONTRACTIONS}|${LEAD}[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${SPACES}`;
const TEKKEN = `${camel}|${camelShout}|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${SPACES}`;
const GPT4O = `${camel}${CONTRACTIONS}?|${camelShout}${CONTRACTIONS}?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${SPACES}`;

/** In the order in which a tokenizer.json is compared with them. */
export const preTokenizers: readonly PreTokenizer[] = [
  {
    names: ['qwen2', 'deepseek-r1-qwen', 'stablelm2', 'megrez'],
    steps: [{ split: QWEN2 }],
    ignoreMerges: false,
    addBos: false,
    nfc: true,
  },
  {
    names: ['llama-bpe', 'llama3', 'llama-v3', 'lfm2', 'falcon3', 'falcon-h1', 'pixtral', 'midm-2.0'],
    steps: [{ split: LLAMA3 }],
    ignoreMerges: true,
    addBos: true,
  },
  { names: ['dbrx', 'smaug-bpe'], steps: [{ split: LLAMA3 }], ignoreMerges: false, addBos: false },
  {
    names: ['smollm', 'starcoder', 'refact', 'command-r', 'codeshell', 'exaone', 'minerva-7b'],
    steps: ['digits', 'gpt2'],
    ignoreMerges: false,
    addBos: false,
  },
  { names: ['tekken'], steps: [{ split: TEKKEN }], ignoreMerges: true, addBos: true },
  { names: ['gpt-4o', 'llama4'], steps: [{ split: GPT4O }], ignoreMerges: false, addBos: false },
  { names: ['qwen35'], steps: [{ split: QWEN35 }], ignoreMerges: false, addBos: false, nfc: true },
  {
    names: ['gpt-2', 'phi-2', 'roberta-bpe', 'gigachat', 'mellum', 'modern-bert', 'a.x-4.0', 'default'],
    steps: ['gpt2'],
    ignoreMerges: false,
    addBos: false,
  },
];

/** The pre-tokenizer of a name; null for one that is not in the table. */
export function preTokenizerNamed(name: string): PreTokenizer | null {
  return preTokenizers.find(({ names }) => names.includes(name)) ?? null;
}

type Json = Readonly<Record<string, unknown>>;

/** The `pre_tokenizer` of tokenizer.json for some steps. */
export function preTokenizerJson(steps: readonly Step[]): Json {
  const usesGpt2 = steps.includes('gpt2');
  const pretokenizers = steps.flatMap((step): Json[] => {
    if (step === 'gpt2') return [];
    if (step === 'digits') return [{ type: 'Digits', individual_digits: true }];
    return [{ type: 'Split', pattern: { Regex: step.split }, behavior: 'Isolated', invert: false }];
  });
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: usesGpt2 };
  return pretokenizers.length === 0 ? bytes : { type: 'Sequence', pretokenizers: [...pretokenizers, bytes] };
}

/**
 * The table's entry whose steps a `pre_tokenizer` of tokenizer.json has; null where none has: llama.cpp would split its
 * texts differently.
 */
export function findPreTokenizer(json: unknown, ignoreMerges: boolean): PreTokenizer | null {
  const steps = stepsOf(json);
  if (!steps) return null;
  const text = JSON.stringify(steps);
  const alike = preTokenizers.filter((entry) => JSON.stringify(entry.steps) === text);
  return alike.find((entry) => entry.ignoreMerges === ignoreMerges) ?? null;
}

/** The steps of a byte-level `pre_tokenizer`; null for anything that is not one. */
function stepsOf(json: unknown): Step[] | null {
  const list = flatten(json);
  const last = list.at(-1);
  if (last?.type !== 'ByteLevel' || last.add_prefix_space === true) return null;
  const steps: Step[] = [];
  for (const step of list.slice(0, -1)) {
    const found = stepOf(step);
    if (found === null) return null;
    steps.push(found);
  }
  // The default is GPT-2's pattern.
  if (last.use_regex !== false) steps.push('gpt2');
  return steps;
}

function stepOf(step: Json): Step | null {
  if (step.type === 'Digits') return step.individual_digits === true ? 'digits' : null;
  if (step.type !== 'Split') return null;
  const { Regex: split } = (step.pattern ?? {}) as Json;
  const isolates = step.behavior === 'Isolated' && step.invert !== true;
  // What no match covers is removed: with patterns that cover everything it is the same.
  const keepsMatches = step.behavior === 'Removed' && step.invert === true;
  return typeof split === 'string' && (isolates || keepsMatches) ? { split } : null;
}

function flatten(json: unknown): Json[] {
  if (typeof json !== 'object' || json === null) return [];
  const step = json as Json;
  if (step.type !== 'Sequence') return [step];
  return Array.isArray(step.pretokenizers) ? step.pretokenizers.flatMap(flatten) : [];
}
