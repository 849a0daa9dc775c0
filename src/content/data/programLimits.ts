/*
 * What a model's own programs may take: its chat template, and its tokenizer with its patterns. They come from strangers,
 * so every host keeps to these limits. What an interpreter of ours runs is counted, and ends by itself in any thread; a
 * regular expression cannot be counted, so a guard ends its thread.
 */

/** One rendering of a template. */
export const templateLimits = {
  /** Characters of the source; templates on the Hub have some ten thousand. */
  source: 1 << 20,
  /** Expressions, statements and loop iterations; a real template takes a few dozen per message. */
  steps: 3_000_000,
  /** Additional steps per character of the conversation: some templates read contents character by character. */
  stepsPerCharacter: 40,
  /** Additional steps per pair of messages: some templates scan all messages for each one. */
  stepsPerPair: 4,
  /** Characters of all texts made, besides those that scale with the conversation. */
  characters: 50_000_000,
  /** Number of times that a template may copy the whole conversation. */
  copies: 200,
  /** Items of all lists and dicts made. */
  items: 2_000_000,
  /** Items of a range; the sandbox of Jinja allows as many. */
  range: 100_000,
  /** Characters of a single text. */
  length: 1 << 24,
  /** Depth of macro calls; Python's own stack ends at about 200. */
  depth: 200,
  /** Nesting of lists when they are written or compared. */
  nesting: 500,
} as const;

/** One text that a tokenizer encodes or decodes, or all of its added tokens. */
export const tokenizerLimits = {
  /** Bytes of tokenizer.json or qwen.tiktoken; the largest on the Hub have 35 million. */
  fileBytes: 1 << 26,
  /** Values of one of its files, by its commas and brackets; a vocabulary of 262,000 tokens with its merges has 2 million. */
  values: 4_000_000,
  /** Line ends of qwen.tiktoken, which has 151,643 lines. */
  lines: 1_000_000,
  /** Steps for the merges of qwen.tiktoken: its tokens' lengths for each of their merges, ten million there. */
  mergeSteps: 100_000_000,
  /** Objects and lists in its normalizer, pre-tokenizer, post-processor and decoder; on the Hub there are some dozen. */
  parts: 10_000,
  /** UTF-16 units that its steps may make: in all, and for each unit of the text. */
  units: 1_000_000,
  unitsPerUnit: 64,
} as const;

/** One run of a program in its own thread. */
export const threadLimits = {
  /** How long a program may be silent, in ms: on any text, and for each UTF-16 unit that a tokenizer is given. */
  silenceMs: 1800,
  silenceMsPerUnit: 0.005,
  /** The same for our own code in that thread, such as building a vocabulary. */
  ownSilenceMs: 30_000,
} as const;

/** Heap of that thread in MB, where the host can limit it (Node). A vocabulary of 262,000 tokens fits in half of it. */
export const threadHeapMb = 384;
