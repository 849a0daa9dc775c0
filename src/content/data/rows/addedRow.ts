import { GraftError } from '../../../base/lib/errors.ts';
import type { ColumnMapping } from './columns.ts';
import type { RowFormat } from './formats.ts';

/** A message of a conversation that becomes a row. */
export interface AddedMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/**
 * A conversation as a row of data in a format: as `messages`, which all formats but two read beside their own; in the
 * chosen columns where there are any. Throws `data.add_tokenized`, `data.add_preference`, `data.add_columns`.
 */
export function addedRow(
  messages: readonly AddedMessage[],
  format: RowFormat | null,
): Record<string, unknown> {
  if (format === 'tokenized') throw new GraftError('data.add_tokenized');
  if (format === 'preference') throw new GraftError('data.add_preference');
  if (format !== null && typeof format === 'object') return inColumns(messages, format);
  return { messages: messages.map(({ role, content }) => ({ role, content })) };
}

/** A conversation of one turn in the columns of a table. */
function inColumns(messages: readonly AddedMessage[], mapping: ColumnMapping): Record<string, unknown> {
  const system = messages.filter(({ role }) => role === 'system');
  const [user, answer, ...more] = messages.filter(({ role }) => role !== 'system');
  if (mapping.kind === 'text' || !user || answer?.role !== 'assistant' || more.length > 0)
    throw new GraftError('data.add_columns');
  if (system.length > 0 && mapping.system === null) throw new GraftError('data.add_columns');
  const [first, ...rest] = mapping.prompt;
  return {
    ...(mapping.system !== null && { [mapping.system]: system[0]?.content ?? '' }),
    ...(first !== undefined && { [first]: user.content }),
    ...Object.fromEntries(rest.map((name) => [name, ''])),
    [mapping.response]: answer.content,
  };
}
