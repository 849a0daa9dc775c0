import type { ErrorText } from './types.ts';

export const inferErrors = {
  'infer.empty_prompt': {
    what: 'The prompt has no tokens, and this model has no BOS token to start from.',
    next: 'Enter a prompt.',
  },
  'infer.prompt_too_long': {
    what: 'The prompt has {length} tokens, which exceeds the model’s context of {positions}.',
    next: 'Shorten the prompt.',
  },
  'infer.conversation_too_long': {
    what: 'The conversation has {length} tokens, which leaves no room for an answer in the model’s context of {positions}.',
    next: 'Edit an earlier turn, which drops what followed, or clear the conversation.',
  },
  'infer.no_tokenizer': {
    what: 'The model folder has no tokenizer (tokenizer.json or qwen.tiktoken), so text cannot be tokenized.',
    next: 'Add tokenizer.json and tokenizer_config.json from the model’s original page.',
  },
  'infer.judge_failed': {
    what: 'The judge at {url} did not answer: {detail}.',
    next: 'Check the address, the model and the key.',
  },
  'infer.judge_unreadable': {
    what: 'The judge at {url} said no number from 0 to {best}: {found}',
    next: 'Choose a model that follows instructions.',
  },
} satisfies Record<string, ErrorText>;
