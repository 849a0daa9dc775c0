import { choice, field, flag, jsonObject } from '../recipeField.ts';

/** How rows become tokens, and which of these are trained. */
export const dataSettings = {
  mask: field(
    choice(['assistant', 'all', 'last', 'chatml']),
    'assistant',
    'main',
    'Train on',
    'Which tokens count in the loss: the assistant’s answers, all tokens, the last answer only, or the answers and the ChatML markers of every turn, as in Qwen v1.',
  ),
  train_thoughts: field(
    flag(),
    true,
    'advanced',
    'Train on reasoning',
    'Train on the reasoning before each trained answer. Off: reasoning is context only.',
  ),
  train_tool_calls: field(
    flag(),
    true,
    'advanced',
    'Train on tool calls',
    'Train on the tool calls in each trained answer. Off: tool calls are context only.',
  ),
  split_turns: field(
    flag(),
    false,
    'advanced',
    'One row per turn',
    'Turn each answer into a row of its own, with the preceding conversation as context. For chat templates that drop earlier reasoning: all reasoning is then trained once.',
  ),
  special_tokens_in_text: field(
    choice(['special', 'text']),
    'special',
    'advanced',
    'Special tokens in messages',
    'How special tokens written in messages, such as <|im_end|>, are encoded: as the special token itself, as most tools do, or as plain text without special meaning.',
  ),
  template_args: field(
    jsonObject,
    {},
    'advanced',
    'Template arguments',
    'Variables for the chat template, as a JSON object such as {"enable_thinking": false}. Rows can set their own in chat_template_kwargs.',
  ),
};
