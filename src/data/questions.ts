import { GraftError } from '../lib/errors.ts';
import { contentOf, refusePlaceholder } from './contentParts.ts';
import { firstField, hasField, isEmpty, jsonOf, ownField, type Message } from './conversation.ts';
import { kindName } from './row.ts';

/** Columns that hold a question, where it is no conversation. */
export const QUESTION_FIELDS = ['instruction', 'query', 'question', 'prompt'] as const;

/**
 * The question of an Alpaca-like row as messages: earlier pairs in `history`, then instruction and input, as
 * LLaMA-Factory joins them: those that are not empty, by a line break. Throws `data.missing_field`, `data.bad_field`.
 */
export function questionOf(row: Record<string, unknown>): Message[] {
  const field = firstField(row, QUESTION_FIELDS);
  const instruction = field === undefined ? '' : contentOf(ownField(row, field), field).text;
  const input = hasField(row, 'input') ? contentOf(ownField(row, 'input'), 'input').text : '';
  if (field === undefined && input === '')
    throw new GraftError('data.missing_field', { field: 'instruction' });
  const content = [instruction, input].filter((part) => part !== '').join('\n');
  refusePlaceholder(content, field ?? 'input');
  return [...historyOf(row), { role: 'user', content }];
}

function historyOf(row: Record<string, unknown>): Message[] {
  if (isEmpty(ownField(row, 'history'))) return [];
  const history = jsonOf(ownField(row, 'history'), 'history');
  if (!Array.isArray(history)) {
    throw new GraftError('data.bad_field', {
      field: 'history',
      found: kindName(history),
      expected: 'a list of pairs',
    });
  }
  return history.flatMap((pair: unknown, i): Message[] => {
    const field = `history[${i}]`;
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new GraftError('data.bad_field', { field, found: kindName(pair), expected: 'a pair of texts' });
    }
    return [
      { role: 'user', content: contentOf(pair[0], `${field}[0]`).text },
      { role: 'assistant', content: contentOf(pair[1], `${field}[1]`).text },
    ];
  });
}
