import type { TemplateMessage } from '../rows/conversation.ts';
import { messagesAsGiven } from './renderedChat.ts';
import { encodeChat } from './template.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/**
 * Token ids of a chat prompt, by the model's template with further variables (`template_args` of a recipe). Throws like
 * `encodeChat`.
 */
export function chatPrompt(
  tokenizer: Tokenizer,
  messages: readonly TemplateMessage[],
  variables: Readonly<Record<string, unknown>> = {},
): number[] {
  const given = messagesAsGiven(tokenizer, messages);
  return encodeChat(tokenizer, given, { addGenerationPrompt: true, variables });
}

/**
 * Token ids of a text to continue: with the prefix that the tokenizer adds (BOS), but without the EOS that some append,
 * since nothing continues after it. The empty text is BOS alone.
 */
export function textPrompt(tokenizer: Tokenizer, text: string): number[] {
  if (text !== '') {
    const ids = tokenizer.encode(text);
    return tokenizer.addEos ? ids.slice(0, -1) : ids;
  }
  return tokenizer.bosId === null ? [] : [tokenizer.bosId];
}
