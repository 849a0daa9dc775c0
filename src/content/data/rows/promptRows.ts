import { GraftError } from '../../../base/lib/errors.ts';
import { toJsonText } from '../files/exactJson.ts';
import type { Row } from '../files/row.ts';
import { chatOf } from './chatOf.ts';
import { answerChat } from './preference.ts';
import { hasField, isEmpty, ownField, textOf, tryJson, type Conversation } from './conversation.ts';
import { conversationOf, ownFormat, toConversation, type RowFormat } from './formats.ts';
import { isMessageList, listOrText } from './messageLists.ts';
import { messagesOf } from './messages.ts';
import { REFERENCE_FIELDS } from './questions.ts';
import { rowPrompt, type RowPrompt } from './rowPrompt.ts';

/*
 * Rows that a model answers by itself, and whose answers are rewarded: a prompt, and what is known of a good answer.
 * Rows for supervised training serve as they are: their last answer is the reference.
 */

/** What the rewards of a row's completions may read beside the completion. All of it is JSON. */
export interface RowReference {
  /** The reference answer; null without one. */
  answer: string | null;
  /** The row's columns, by name. */
  columns: Record<string, unknown>;
  /** The tokens that end an answer to it. */
  endIds: number[];
}

/**
 * A row's prompt, and what is known of answers to it. Throws `data.no_prompt`, and as `toConversation`.
 */
export function promptRow(
  row: Row,
  format: RowFormat,
): { prompt: RowPrompt['prompt']; reference: Omit<RowReference, 'endIds'> } {
  const conversation = promptConversation(row, format);
  const asked = rowPrompt(conversation, row.line);
  if (!asked) throw new GraftError('data.no_prompt');
  const field = REFERENCE_FIELDS.find((name) => hasField(row.value, name));
  const answer = field === undefined ? asked.expected : plainText(ownField(row.value, field));
  // Conversations are long, and what a reward compares with is beside them.
  const columns = Object.fromEntries(Object.entries(row.value).filter(([, value]) => !isMessageList(value)));
  return { prompt: asked.prompt, reference: { answer, columns } };
}

/** A row's reference as JSON, on a line. */
export function referenceText(reference: RowReference): string {
  return toJsonText(reference);
}

/** What a row's reference says. */
export function parseReference(text: string): RowReference {
  return tryJson(text) as RowReference;
}

function promptConversation(row: Row, format: RowFormat): Conversation {
  const { value } = row;
  if (typeof format === 'object') return toConversation(row, format);
  const own = ownFormat(value, format);
  if (own === 'preference') return answerChat(value, 'chosen');
  // TRL's form: a prompt alone, as a text or as messages.
  const isAlone = hasField(value, 'prompt') && isEmpty(ownField(value, 'completion'));
  if (isAlone && (own === 'prompt_completion' || isMessageList(listOrText(ownField(value, 'prompt'))))) {
    const prompt = listOrText(ownField(value, 'prompt'));
    const messages = isMessageList(prompt)
      ? messagesOf(prompt, 'prompt')
      : [{ role: 'user' as const, content: textOf(prompt, 'prompt') }];
    return chatOf(value, 'prompt_completion', messages);
  }
  return conversationOf(value, own);
}

/** A cell as the text it is compared as: JSON of lists and objects. */
export function plainText(value: unknown): string {
  return typeof value === 'string' ? value : toJsonText(value);
}
