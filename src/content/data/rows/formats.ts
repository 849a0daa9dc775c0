import { GraftError } from '../../../base/lib/errors.ts';
import { chatOf, needsTemplate, refuseMask, refuseMedia, rowWeight } from './chatOf.ts';
import { mappedConversation, type ColumnMapping } from './columns.ts';
import { contentOf, refusePlaceholder } from './contentParts.ts';
import {
  firstField,
  hasField,
  objectsOf,
  ownField,
  textOf,
  tryJson,
  type Conversation,
  type Message,
} from './conversation.ts';
import { glaiveChat, isGlaiveChat } from './glaive.ts';
import { isMessageList, listOrText } from './messageLists.ts';
import { messagesOf } from './messages.ts';
import { answerChat, checkPreference, isPair } from './preference.ts';
import { isPromptRow, onlyField, questionOf, REFERENCE_FIELDS } from './questions.ts';
import type { Row } from '../files/row.ts';
import { fieldsWith, type DataFormat } from './rowFields.ts';
import { IGNORED, hasAnswerIds, tokenizedOf } from '../labels/tokenizedRow.ts';

export type { Chat, Conversation, Message, Role } from './conversation.ts';

export type { DataFormat } from './rowFields.ts';

/** How rows are read: as one of the known formats, or by the columns a user chose. */
export type RowFormat = DataFormat | ColumnMapping;

/** How many rows are inspected to detect the format. */
const SAMPLED_ROWS = 100;

/**
 * The format of a dataset: that of most of its first 100 rows. Rows of another format become problems when they are
 * converted.
 * Throws `data.unknown_format` with the fields of the first row if no format matches.
 * @param file name for the message
 */
export function detectFormat(rows: readonly Row[], file = 'the data'): DataFormat {
  const votes = new Map<DataFormat, number>();
  for (const { value } of rows.slice(0, SAMPLED_ROWS)) {
    // A prompt alone, for a model that answers by itself; beside other rows it is one of theirs.
    const format = formatOfRow(value) ?? (isPromptRow(value) ? 'prompt_completion' : null);
    if (format) votes.set(format, (votes.get(format) ?? 0) + 1);
  }
  // ShareGPT rows include all that Qwen rows can hold: one human/gpt row makes all of them ShareGPT.
  const shareGpt = votes.get('sharegpt');
  const qwen = votes.get('qwen');
  if (shareGpt !== undefined && qwen !== undefined) {
    votes.set('sharegpt', shareGpt + qwen);
    votes.delete('qwen');
  }
  const best = [...votes].sort((a, b) => b[1] - a[1])[0];
  if (best) return best[0];
  const first = rows[0];
  const fields = first ? Object.keys(first.value).join(', ') || 'none' : 'none';
  throw new GraftError('data.unknown_format', { file, line: first?.line ?? 1, fields });
}

/** Common names of a list of turns, the most common first. */
const TURN_FIELDS = ['messages', 'conversations', 'conversation', 'dialogue', 'dialog'] as const;

function formatOfRow(row: Record<string, unknown>): DataFormat | null {
  if (hasField(row, 'input_ids') || hasAnswerIds(row)) return 'tokenized';
  if (isPair(row)) return 'preference';
  if (hasField(row, 'messages')) return 'messages';
  const turns = firstField(row, TURN_FIELDS);
  if (turns !== undefined) return formatOfTurns(ownField(row, turns));
  const hasAnswer = hasField(row, 'output') || hasField(row, 'response');
  if ((hasField(row, 'instruction') || hasField(row, 'query')) && hasAnswer) return 'alpaca';
  if (hasField(row, 'prompt') && hasField(row, 'response')) return 'alpaca';
  if (hasField(row, 'question') && hasField(row, 'answer')) return 'alpaca';
  if (hasField(row, 'prompt') && hasField(row, 'completion')) return 'prompt_completion';
  if (isGlaiveChat(ownField(row, 'chat'))) return 'glaive';
  // Alpaca rows may have the question in `input` alone.
  if (Object.hasOwn(row, 'instruction') && hasAnswer) return 'alpaca';
  if (hasField(row, 'text')) return 'text';
  if (hasField(row, 'input') && hasAnswer) return 'alpaca';
  return hasField(row, 'prompt') && REFERENCE_FIELDS.some((name) => hasField(row, name)) ? 'alpaca' : null;
}

function formatOfTurns(given: unknown): DataFormat | null {
  const turns = typeof given === 'string' ? tryJson(given) : given;
  if (!Array.isArray(turns)) return null;
  const names = turns.map((turn: unknown) =>
    typeof turn === 'object' && turn !== null ? ownField(turn, 'from') : undefined,
  );
  if (names.length > 0 && names.every((name) => name === undefined)) return 'messages';
  return names.every((name) => name === 'user' || name === 'assistant') ? 'qwen' : 'sharegpt';
}

/** QwenLM's finetune.py prepends this to every conversation. */
const QWEN_SYSTEM = 'You are a helpful assistant.';

export interface ConversionOptions {
  /** Train on the better answers of preference data, which is otherwise rejected. */
  chosenOnly?: boolean;
}

/**
 * Converts a row to a conversation, a text, a prompt with its completion, or token ids. rowFields.ts defines the
 * meaning of every further field. Throws a `data.*` error that names the field at fault; the caller adds the line
 * ({@link Row}).
 */
export function toConversation(
  row: Row,
  format: RowFormat,
  { chosenOnly = false }: ConversionOptions = {},
): Conversation {
  const { value } = row;
  if (typeof format === 'object') return mappedConversation(row, format);
  const own = ownFormat(value, format);
  if (own !== format) return toConversation(row, own, { chosenOnly });
  checkPreference(value, format, chosenOnly);
  return conversationOf(value, format);
}

/** A row as it is, whatever it says about which answers are good. Throws as {@link toConversation}. */
export function conversationOf(value: Record<string, unknown>, format: DataFormat): Conversation {
  switch (format) {
    case 'messages':
    case 'sharegpt':
      return chatOf(value, format, turnsOf(value, format));
    case 'qwen': {
      const chat = chatOf(value, format, turnsOf(value, format));
      if (chat.messages[0]?.role === 'system') return chat;
      return { ...chat, messages: [{ role: 'system', content: QWEN_SYSTEM }, ...chat.messages] };
    }
    case 'alpaca':
      return chatOf(value, format, [...questionOf(value), answerOf(value)]);
    case 'prompt_completion':
      return promptCompletion(value);
    case 'preference':
      return answerChat(value, 'chosen');
    case 'glaive':
      return glaiveRow(value);
    case 'text':
      return plainText(value);
    case 'tokenized':
      return tokenizedRow(value);
  }
}

/**
 * The format to read a row with: the dataset's, or the row's own if it differs. A preference pair among rows of another
 * format is still a pair; text and tokens never override.
 */
export function ownFormat(row: Record<string, unknown>, format: DataFormat): DataFormat {
  if (format === 'tokenized' || format === 'preference') return format;
  if (isPair(row)) return 'preference';
  const own = formatOfRow(row);
  return own !== null && family(own) !== 'raw' && family(own) !== family(format) ? own : format;
}

/** Groups formats within which the dataset's decides, not the row's: turns in either spelling. */
function family(format: DataFormat): string {
  if (format === 'messages' || format === 'sharegpt' || format === 'qwen') return 'turns';
  return format === 'text' || format === 'tokenized' ? 'raw' : format;
}

/** The turns of a row; `messages` takes precedence in rows of that format. */
function turnsOf(row: Record<string, unknown>, format: 'messages' | 'sharegpt' | 'qwen'): Message[] {
  const preferred = format === 'messages' ? 'messages' : 'conversations';
  const field = onlyField(row, [preferred, ...TURN_FIELDS.filter((name) => name !== preferred)]) ?? preferred;
  return messagesOf(ownField(row, field), field);
}

function answerOf(row: Record<string, unknown>): Message {
  const field =
    onlyField(row, ['output', 'response', 'answer']) ?? firstField(row, REFERENCE_FIELDS) ?? 'output';
  const { text, ...others } = contentOf(ownField(row, field), field);
  return { role: 'assistant', content: text, ...others };
}

/** A pre-tokenized row; the row's weight scales its loss. */
function tokenizedRow(row: Record<string, unknown>): Conversation {
  refuseMask(row, 'tokenized');
  const [label] = fieldsWith(row, 'tokenized', 'label');
  if (label !== undefined && !hasAnswerIds(row)) {
    const detail = 'token labels belong in "labels"';
    throw new GraftError('data.unsupported_field', { field: label, detail });
  }
  const { inputIds, labels, weights = inputIds.map(() => 1) } = tokenizedOf(row);
  const weight = rowWeight(row, 'tokenized') ?? 1;
  const scaled = weights.map((own) => (weight === 0 ? 1 : own * weight));
  return {
    inputIds,
    labels: weight === 0 ? labels.map(() => IGNORED) : labels,
    ...(scaled.some((own) => own !== 1) && { weights: scaled }),
  };
}

/** Glaive's chat text with the row's other fields. */
function glaiveRow(row: Record<string, unknown>): Conversation {
  const { messages, tools } = glaiveChat(ownField(row, 'system'), ownField(row, 'chat'));
  return { ...(tools && { tools }), ...chatOf(row, 'glaive', messages) };
}

/** Prompt and completion as texts, or both as lists of messages (TRL's conversational form). */
function promptCompletion(row: Record<string, unknown>): Conversation {
  const format = 'prompt_completion';
  const [prompt, completion] = [listOrText(ownField(row, 'prompt')), listOrText(ownField(row, 'completion'))];
  if (!isMessageList(prompt) && !isMessageList(completion)) {
    refuseMedia(row, format);
    refuseMask(row, format);
    const texts = { prompt: textOf(prompt, 'prompt'), completion: textOf(completion, 'completion') };
    refusePlaceholder(texts.prompt, 'prompt');
    const answer: Message = { role: 'assistant', content: texts.completion };
    const question: Message[] = texts.prompt === '' ? [] : [{ role: 'user', content: texts.prompt }];
    if (needsTemplate(row, format)) return chatOf(row, format, [...question, answer], question.length);
    const weight = rowWeight(row, format);
    return weight === undefined ? texts : { ...texts, weight };
  }
  objectsOf(prompt, 'prompt');
  const before = messagesOf(prompt, 'prompt');
  return chatOf(row, format, [...before, ...messagesOf(completion, 'completion')], before.length);
}

/** A text that is trained whole. Throws for fields that apply to answers, since it has none. */
function plainText(row: Record<string, unknown>): Conversation {
  refuseMedia(row, 'text');
  refuseMask(row, 'text');
  for (const meaning of ['tools', 'thought', 'chosen', 'rejected'] as const) {
    const [field] = fieldsWith(row, 'text', meaning);
    if (field !== undefined) {
      const detail = 'a row with "text" is trained on as it is';
      throw new GraftError('data.unsupported_field', { field, detail });
    }
  }
  const weight = rowWeight(row, 'text');
  const text = textOf(ownField(row, 'text'), 'text');
  refusePlaceholder(text, 'text');
  return weight === undefined ? { text } : { text, weight };
}
