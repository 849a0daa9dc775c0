import type { ErrorText } from './types.ts';

export const inferErrors = {
  'infer.empty_prompt': {
    what: 'The prompt has no tokens, and this model has no token to begin a text with.',
    next: 'Write a prompt.',
  },
  'infer.prompt_too_long': {
    what: 'The prompt has {length} tokens, and the model’s context ends at {positions}.',
    next: 'Shorten the prompt.',
  },
  'infer.no_tokenizer': {
    what: 'This model folder has no tokenizer (tokenizer.json or qwen.tiktoken), so text cannot be turned into tokens.',
    next: 'Add tokenizer.json and tokenizer_config.json from the model’s original page.',
  },
} satisfies Record<string, ErrorText>;
