import type { TemplateMessage } from './conversation.ts';
import { messagesAsGiven } from './renderedChat.ts';
import { encodeChat } from './template.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * Token ids of a chat up to where the model is to answer, by the model's own template with further variables
 * (`template_args` of a recipe). Throws as `encodeChat` does.
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
 * Token ids of a text to be continued: with what the tokenizer puts in front, without the EOS that some put behind, for
 * after it nothing is continued. The empty text is BOS alone.
 */
export function textPrompt(tokenizer: Tokenizer, text: string): number[] {
  if (text !== '') {
    const ids = tokenizer.encode(text);
    return tokenizer.addEos ? ids.slice(0, -1) : ids;
  }
  return tokenizer.bosId === null ? [] : [tokenizer.bosId];
}
