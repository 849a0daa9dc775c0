import { GraftError } from '../../../base/lib/errors.ts';
import { contentOf, refusePlaceholder } from './contentParts.ts';
import { firstField, hasField, isEmpty, jsonOf, ownField, type Message } from './conversation.ts';
import { toJsonText } from '../files/exactJson.ts';
import { isMessageList, listOrText } from './messageLists.ts';
import { kindName } from '../files/row.ts';

/** Columns that hold a question outside a conversation. */
export const QUESTION_FIELDS = ['instruction', 'query', 'question', 'prompt'] as const;

/** Columns that hold the reference answer to a prompt, the first that a row has counting. */
export const REFERENCE_FIELDS = [
  'answer',
  'solution',
  'reference',
  'ground_truth',
  'expected_answer',
  'target',
] as const;

/** Whether a row has a prompt as messages, or nothing else: there is no answer in it to train on. */
export function isPromptRow(row: Record<string, unknown>): boolean {
  if (!hasField(row, 'prompt')) return false;
  if (isMessageList(listOrText(ownField(row, 'prompt')))) return true;
  return Object.keys(row).every((name) => name === 'prompt' || name === 'id');
}

/**
 * The question of an Alpaca-like row as messages: earlier pairs in `history`, then instruction and input joined by a
 * line break, empty ones omitted, as LLaMA-Factory does. Throws `data.missing_field`, `data.bad_field`.
 */
export function questionOf(row: Record<string, unknown>): Message[] {
  const field = onlyField(row, QUESTION_FIELDS);
  const instruction = field === undefined ? '' : contentOf(ownField(row, field), field).text;
  // Dolly's name for the input.
  const added = onlyField(row, ['input', 'context']);
  const input = added === undefined ? '' : contentOf(ownField(row, added), added).text;
  if (field === undefined && input === '')
    throw new GraftError('data.missing_field', { field: 'instruction' });
  const content = [instruction, input].filter((part) => part !== '').join('\n');
  refusePlaceholder(content, field ?? 'input');
  return [...historyOf(row), { role: 'user', content }];
}

/** The only one of these fields with a value. Throws `data.unsupported_field` if several have different values. */
export function onlyField(row: Record<string, unknown>, names: readonly string[]): string | undefined {
  const given = names.filter((name) => hasField(row, name) && ownField(row, name) !== '');
  const [first, second] = given;
  if (second !== undefined && toJsonText(ownField(row, first!)) !== toJsonText(ownField(row, second))) {
    const detail = `the row also has "${first}"`;
    throw new GraftError('data.unsupported_field', { field: second, detail });
  }
  return first ?? firstField(row, names);
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
