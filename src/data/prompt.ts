import type { TemplateMessage } from './conversation.ts';
import { encodeChat } from './template.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Token ids of a chat up to where the model is to answer, by the model's own template. Throws as `encodeChat` does. */
export function chatPrompt(tokenizer: Tokenizer, messages: readonly TemplateMessage[]): number[] {
  return encodeChat(tokenizer, messages, { addGenerationPrompt: true });
}

/** Token ids of a text to be continued; the empty text is BOS alone. */
export function textPrompt(tokenizer: Tokenizer, text: string): number[] {
  if (text !== '') return tokenizer.encode(text);
  return tokenizer.bosId === null ? [] : [tokenizer.bosId];
}
