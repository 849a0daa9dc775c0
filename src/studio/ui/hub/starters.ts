import type { TextKey } from '../text/index.ts';

/** A model to start with: its license as its authors name it, whether they grant access, and what it is good for. */
export interface Starter {
  repo: string;
  license: string;
  gated?: true;
  note: TextKey;
}

/** Small models of the families that train here, from small to large. */
export const starters: readonly Starter[] = [
  {
    repo: 'HuggingFaceTB/SmolLM2-135M-Instruct',
    license: 'Apache 2.0',
    note: 'hub.starter.smollm2-135m',
  },
  { repo: 'google/gemma-3-270m-it', license: 'Gemma', gated: true, note: 'hub.starter.gemma-3-270m' },
  { repo: 'baidu/ERNIE-4.5-0.3B-PT', license: 'Apache 2.0', note: 'hub.starter.ernie-4.5-0.3b' },
  { repo: 'LiquidAI/LFM2.5-350M', license: 'LFM Open License v1.0', note: 'hub.starter.lfm2.5-350m' },
  { repo: 'ibm-granite/granite-4.0-350m', license: 'Apache 2.0', note: 'hub.starter.granite-4.0-350m' },
  { repo: 'Qwen/Qwen2.5-0.5B-Instruct', license: 'Apache 2.0', note: 'hub.starter.qwen2.5-0.5b' },
  { repo: 'Qwen/Qwen3-0.6B', license: 'Apache 2.0', note: 'hub.starter.qwen3-0.6b' },
  { repo: 'Qwen/Qwen3.5-0.8B', license: 'Apache 2.0', note: 'hub.starter.qwen3.5-0.8b' },
  { repo: 'HuggingFaceTB/SmolLM3-3B', license: 'Apache 2.0', note: 'hub.starter.smollm3-3b' },
  { repo: 'microsoft/Phi-4-mini-instruct', license: 'MIT', note: 'hub.starter.phi-4-mini' },
];
