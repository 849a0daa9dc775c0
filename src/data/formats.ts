import { GraftError } from '../lib/errors.ts';
import { mappedConversation, type ColumnMapping } from './columns.ts';
import { hasField, messagesOf, objectsOf, ownField, refuseField, textOf } from './conversation.ts';
import type { Conversation, Message } from './conversation.ts';
import { kindName, type Row } from './row.ts';
import { tokenizedOf } from './tokenizedRow.ts';

export type { Conversation, Message, Role } from './conversation.ts';

/** The shapes of rows that are understood. `qwen` is QwenLM's `conversations` with from user/assistant. */
export type DataFormat =
  'messages' | 'sharegpt' | 'alpaca' | 'prompt_completion' | 'qwen' | 'text' | 'tokenized';

/** How rows are read: by one of the known shapes, or by the columns a person chose. */
export type RowFormat = DataFormat | ColumnMapping;

/** How many rows are looked at to detect the format. */
const SAMPLED_ROWS = 100;

/**
 * The format of a dataset: the one most of its first 100 rows have. Rows of another shape become problems by line
 * when they are converted. `file` is for the message. Throws `data.unknown_format` naming the fields of the first row when none fits.
 */
export function detectFormat(rows: readonly Row[], file = 'the data'): DataFormat {
  const votes = new Map<DataFormat, number>();
  for (const { value } of rows.slice(0, SAMPLED_ROWS)) {
    const format = formatOfRow(value);
    if (format) votes.set(format, (votes.get(format) ?? 0) + 1);
  }
  // ShareGPT reads everything Qwen's rows hold: one human/gpt row decides for it.
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

function formatOfRow(row: Record<string, unknown>): DataFormat | null {
  if (hasField(row, 'input_ids')) return 'tokenized';
  if (hasField(row, 'messages')) return 'messages';
  if (hasField(row, 'conversations')) return formatOfTurns(ownField(row, 'conversations'));
  if (hasField(row, 'instruction') && hasField(row, 'output')) return 'alpaca';
  if (hasField(row, 'prompt') && hasField(row, 'completion')) return 'prompt_completion';
  if (hasField(row, 'text')) return 'text';
  return null;
}

function formatOfTurns(turns: unknown): DataFormat | null {
  if (!Array.isArray(turns)) return null;
  const names = turns.map((turn: unknown) =>
    typeof turn === 'object' && turn !== null ? ownField(turn, 'from') : undefined,
  );
  if (names.length > 0 && names.every((name) => name === undefined)) return 'messages';
  return names.every((name) => name === 'user' || name === 'assistant') ? 'qwen' : 'sharegpt';
}

/** QwenLM's finetune.py puts this in front of every conversation. */
const QWEN_SYSTEM = 'You are a helpful assistant.';

/**
 * Turns a row into a conversation, a text, a prompt with its completion, or token ids.
 * Throws a `data.*` error that names the field at fault; the caller adds the line ({@link Row}).
 */
export function toConversation(row: Row, format: RowFormat): Conversation {
  const { value } = row;
  if (typeof format === 'object') return mappedConversation(row, format);
  switch (format) {
    case 'messages':
      refuseField(value, 'tools', 'tools', 'tool descriptions are not text');
      return {
        messages: messagesOf(ownField(value, turnsField(value, 'messages')), turnsField(value, 'messages')),
      };
    case 'sharegpt':
      refuseField(value, 'tools', 'tools', 'tool descriptions are not text');
      return { messages: withSystem(value, shareGptTurns(value)) };
    case 'qwen': {
      const messages = shareGptTurns(value);
      const hasSystem = messages[0]?.role === 'system';
      return { messages: hasSystem ? messages : [{ role: 'system', content: QWEN_SYSTEM }, ...messages] };
    }
    case 'alpaca':
      return { messages: alpacaMessages(value) };
    case 'prompt_completion':
      return promptCompletion(value);
    case 'text':
      return { text: textOf(ownField(value, 'text'), 'text') };
    case 'tokenized':
      return tokenizedOf(value);
  }
}

/** Both names are in use for lists of turns; `preferred` when the row has it. */
function turnsField(row: Record<string, unknown>, preferred: 'messages' | 'conversations'): string {
  const other = preferred === 'messages' ? 'conversations' : 'messages';
  return !hasField(row, preferred) && hasField(row, other) ? other : preferred;
}

function shareGptTurns(row: Record<string, unknown>): Message[] {
  const field = turnsField(row, 'conversations');
  return messagesOf(ownField(row, field), field);
}

/** Puts the row's own `system` text first, unless the turns begin with one. */
function withSystem(row: Record<string, unknown>, messages: Message[]): Message[] {
  const system = hasField(row, 'system') ? textOf(ownField(row, 'system'), 'system') : '';
  if (system === '' || messages[0]?.role === 'system') return messages;
  return [{ role: 'system', content: system }, ...messages];
}

/** Alpaca: instruction and input make the question, as LLaMA-Factory joins them; `history` is earlier pairs. */
function alpacaMessages(row: Record<string, unknown>): Message[] {
  const instruction = textOf(ownField(row, 'instruction'), 'instruction');
  const input = hasField(row, 'input') ? textOf(ownField(row, 'input'), 'input') : '';
  const output = textOf(ownField(row, 'output'), 'output');
  const history = hasField(row, 'history') ? ownField(row, 'history') : [];
  if (!Array.isArray(history)) {
    throw new GraftError('data.bad_field', {
      field: 'history',
      found: kindName(history),
      expected: 'a list of pairs',
    });
  }
  const earlier = history.flatMap((pair: unknown, i): Message[] => {
    const field = `history[${i}]`;
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new GraftError('data.bad_field', { field, found: kindName(pair), expected: 'a pair of texts' });
    }
    return [
      { role: 'user', content: textOf(pair[0], `${field}[0]`) },
      { role: 'assistant', content: textOf(pair[1], `${field}[1]`) },
    ];
  });
  return withSystem(row, [
    ...earlier,
    { role: 'user', content: input === '' ? instruction : `${instruction}\n${input}` },
    { role: 'assistant', content: output },
  ]);
}

/** Prompt and completion as texts, or both as lists of messages (TRL's conversational form). */
function promptCompletion(row: Record<string, unknown>): Conversation {
  const prompt = ownField(row, 'prompt');
  const completion = ownField(row, 'completion');
  if (!isMessageList(prompt) && !isMessageList(completion)) {
    return { prompt: textOf(prompt, 'prompt'), completion: textOf(completion, 'completion') };
  }
  refuseField(row, 'tools', 'tools', 'tool descriptions are not text');
  objectsOf(prompt, 'prompt');
  const before = messagesOf(prompt, 'prompt');
  return { messages: [...before, ...messagesOf(completion, 'completion')], firstTrained: before.length };
}

function isMessageList(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const first: unknown = value[0];
  return typeof first === 'object' && first !== null && (hasField(first, 'role') || hasField(first, 'from'));
}
