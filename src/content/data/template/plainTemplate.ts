import type { TemplateMessage } from '../rows/conversation.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/*
 * The format for models without a chat template: BOS, the messages line by line, and EOS after the answer. A prompt
 * with its completion is `<bos>prompt\ncompletion<eos>`, and so is a conversation of one question, so that a model
 * trained on prompts and completions can be used in a chat. There are no role names: a model too small for a template
 * is too small for them.
 */

/**
 * One piece of the plain format. Pieces are encoded separately, so that an answer's tokens don't depend on the prompt.
 */
export interface PlainPiece {
  text: string;
  /** Index of the assistant's message; null for other roles. */
  answer: number | null;
}

/**
 * The pieces of a conversation: the turns before an answer form one piece, each line ended; each answer is one, without
 * EOS.
 */
export function plainPieces(messages: readonly TemplateMessage[]): PlainPiece[] {
  const pieces: PlainPiece[] = [];
  for (const [i, { role, content }] of messages.entries()) {
    const last = pieces.at(-1);
    if (role === 'assistant') pieces.push({ text: content, answer: i });
    else if (content === '') continue;
    else if (last && last.answer === null) last.text += `${content}\n`;
    else pieces.push({ text: `${content}\n`, answer: null });
  }
  return pieces;
}

/**
 * The conversation as text, with BOS and EOS as the tokenizer spells them; ready for an answer if it ends with a
 * question.
 */
export function plainText(
  tokenizer: Tokenizer,
  messages: readonly TemplateMessage[],
  { addGenerationPrompt = false }: { addGenerationPrompt?: boolean } = {},
): string {
  const spell = (id: number | null | undefined) =>
    typeof id === 'number' ? (tokenizer.tokenOf(id) ?? '') : '';
  const eos = spell(tokenizer.eosIds[0]);
  const body = withOpening(messages, addGenerationPrompt).map(({ text, answer }) =>
    answer === null ? text : text + eos,
  );
  return (tokenizer.addBos ? spell(tokenizer.bosId) : '') + body.join('');
}

/** Token ids of the conversation in the plain format. */
export function plainIds(
  tokenizer: Tokenizer,
  messages: readonly TemplateMessage[],
  { addGenerationPrompt = false }: { addGenerationPrompt?: boolean } = {},
): number[] {
  const ids = startIds(tokenizer);
  for (const { text, answer } of withOpening(messages, addGenerationPrompt)) {
    ids.push(...tokenizer.encode(text, { addSpecialTokens: false }));
    if (answer !== null) ids.push(...tokenizer.eosIds.slice(0, 1));
  }
  return ids;
}

/** BOS, for tokenizers that start with it. */
export function startIds(tokenizer: Tokenizer): number[] {
  return tokenizer.addBos && tokenizer.bosId !== null ? [tokenizer.bosId] : [];
}

/** Without a generation prompt, a trailing question has no line ending, which belongs to the prompt. */
function withOpening(messages: readonly TemplateMessage[], addGenerationPrompt: boolean): PlainPiece[] {
  const pieces = plainPieces(messages);
  const last = pieces.at(-1);
  if (!addGenerationPrompt && last?.answer === null) last.text = last.text.slice(0, -1);
  return pieces;
}
