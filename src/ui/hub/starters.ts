import type { TextKey } from '../text/index.ts';

/** Small models with permissive licences; what they weigh and their licence is told by the Hub when one is picked. */
export const starters: readonly { repo: string; note: TextKey }[] = [
  { repo: 'HuggingFaceTB/SmolLM2-135M-Instruct', note: 'hub.starter.smollm2-135m' },
  { repo: 'HuggingFaceTB/SmolLM2-360M-Instruct', note: 'hub.starter.smollm2-360m' },
  { repo: 'Qwen/Qwen2.5-0.5B-Instruct', note: 'hub.starter.qwen2.5-0.5b' },
  { repo: 'Qwen/Qwen3-0.6B', note: 'hub.starter.qwen3-0.6b' },
  { repo: 'TinyLlama/TinyLlama-1.1B-Chat-v1.0', note: 'hub.starter.tinyllama-1.1b' },
];
