import { GraftError } from '../lib/errors.ts';
import { ownField } from './conversation.ts';
import { kindName } from './row.ts';

/** Label of a token that is not trained, as in PyTorch's cross-entropy. */
export const IGNORED = -100;

const MAX_ID = 2 ** 31 - 1;

/**
 * A pre-tokenized row: `input_ids`, and `labels` aligned with them (−100 = not trained; all trained when there are
 * none). Padding marked at the end by `attention_mask` is dropped.
 * Throws `data.missing_field`, `data.bad_field`, `data.bad_ids`, `data.ids_and_labels_differ`, `data.padding_inside`.
 */
export function tokenizedOf(row: Record<string, unknown>): { inputIds: number[]; labels: number[] } {
  const inputIds = integers(ownField(row, 'input_ids'), 'input_ids', 0);
  const given = ownField(row, 'labels');
  const labels = given === undefined ? [...inputIds] : integers(given, 'labels', IGNORED);
  if (labels.length !== inputIds.length) {
    throw new GraftError('data.ids_and_labels_differ', { ids: inputIds.length, labels: labels.length });
  }
  const length = unpaddedLength(ownField(row, 'attention_mask'), inputIds.length);
  return { inputIds: inputIds.slice(0, length), labels: labels.slice(0, length) };
}

function integers(value: unknown, field: string, lowest: number): number[] {
  if (value === undefined) throw new GraftError('data.missing_field', { field });
  if (!Array.isArray(value)) {
    throw new GraftError('data.bad_field', { field, found: kindName(value), expected: 'a list of integers' });
  }
  return value.map((item: unknown, index) => {
    // −100 is the only negative label; anything else below 0 is a mistake, not a mask.
    const ok =
      Number.isInteger(item) && (item as number) <= MAX_ID && ((item as number) >= 0 || item === lowest);
    if (ok) return item as number;
    throw new GraftError('data.bad_ids', {
      field,
      index,
      found: typeof item === 'number' ? item : kindName(item),
      expected: lowest === IGNORED ? 'a token id or −100' : 'a token id',
    });
  });
}

function unpaddedLength(mask: unknown, length: number): number {
  if (!Array.isArray(mask)) return length;
  if (mask.length !== length) {
    const found = `a list of ${mask.length}`;
    throw new GraftError('data.bad_field', {
      field: 'attention_mask',
      found,
      expected: `a list of ${length}`,
    });
  }
  const firstHidden = mask.findIndex((bit: unknown) => bit !== 1 && bit !== true);
  if (firstHidden < 0) return length;
  if (mask.slice(firstHidden).some((bit: unknown) => bit === 1 || bit === true)) {
    throw new GraftError('data.padding_inside');
  }
  return firstHidden;
}
