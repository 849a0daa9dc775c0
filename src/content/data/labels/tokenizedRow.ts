import { GraftError } from '../../../base/lib/errors.ts';
import { hasField, ownField } from '../rows/conversation.ts';
import { weightOf } from '../rows/lossWeight.ts';
import { kindName } from '../files/row.ts';

/** Label of an untrained token, as in PyTorch's cross-entropy. */
export const IGNORED = -100;

const MAX_ID = 2 ** 31 - 1;

/** Masks of pre-tokenized rows, 1 where a token is trained, by TRL's, transformers' and other common names. */
const MASK_FIELDS = [
  'completion_mask',
  'assistant_masks',
  'assistant_mask',
  'assistant_tokens_mask',
  'loss_mask',
];
/** Fields of per-token loss weights. */
const WEIGHT_FIELDS = ['loss_weights', 'loss_scale', 'weights'];

/** Whether a row has the tokens of a prompt and of its answers, as TRL's preference trainers take them. */
export function hasAnswerIds(row: Record<string, unknown>): boolean {
  return hasField(row, 'prompt_ids') && (isPairOfIds(row) || hasField(row, 'completion_ids'));
}

/** Whether a pre-tokenized row has a better and a worse answer. */
export function isPairOfIds(row: Record<string, unknown>): boolean {
  return hasField(row, 'chosen_ids') && hasField(row, 'rejected_ids');
}

/** The tokens of a row's prompt, and of its answers: chosen and rejected, or its completion. Throws `data.bad_ids`, … */
export function answerIdsOf(row: Record<string, unknown>): { prompt: number[]; answers: number[][] } {
  const fields = isPairOfIds(row) ? ['chosen_ids', 'rejected_ids'] : ['completion_ids'];
  return {
    prompt: integers(ownField(row, 'prompt_ids'), 'prompt_ids', 0),
    answers: fields.map((field) => integers(ownField(row, field), field, 0)),
  };
}

/**
 * A pre-tokenized row: `input_ids`, and `labels` aligned with them (−100 = not trained; all trained when there are
 * none), further restricted by `completion_mask` and the like, and scaled by `loss_weights`. Padding marked at the end
 * by `attention_mask` is dropped. Of a prompt with answers, the better answer is trained.
 * Throws `data.missing_field`, `data.bad_field`, `data.bad_ids`, `data.ids_and_labels_differ`, `data.padding_inside`.
 */
export function tokenizedOf(row: Record<string, unknown>): {
  inputIds: number[];
  labels: number[];
  weights?: number[];
} {
  if (hasAnswerIds(row)) {
    const { prompt, answers } = answerIdsOf(row);
    return { inputIds: [...prompt, ...answers[0]!], labels: [...prompt.map(() => IGNORED), ...answers[0]!] };
  }
  const inputIds = integers(ownField(row, 'input_ids'), 'input_ids', 0);
  const given = ownField(row, 'labels');
  const labels = given === undefined ? [...inputIds] : integers(given, 'labels', IGNORED);
  if (labels.length !== inputIds.length) {
    throw new GraftError('data.ids_and_labels_differ', { ids: inputIds.length, labels: labels.length });
  }
  refusePacked(row, inputIds.length);
  const weights: number[] = inputIds.map(() => 1);
  for (const field of [...MASK_FIELDS, ...WEIGHT_FIELDS]) {
    if (!hasField(row, field)) continue;
    const factors = factorsOf(ownField(row, field), field, inputIds.length, MASK_FIELDS.includes(field));
    factors.forEach((factor, i) => {
      if (factor === 0) labels[i] = IGNORED;
      else weights[i]! *= factor;
    });
  }
  const length = unpaddedLength(ownField(row, 'attention_mask'), inputIds.length);
  return {
    inputIds: inputIds.slice(0, length),
    labels: labels.slice(0, length),
    ...(weights.some((weight) => weight !== 1) && { weights: weights.slice(0, length) }),
  };
}

/** Rejects several sequences in one row: their tokens would attend to each other. */
function refusePacked(row: Record<string, unknown>, length: number): void {
  const positions = ownField(row, 'position_ids');
  const isPlain = !Array.isArray(positions) || positions.every((position, i) => Number(position) === i);
  const sequences = ownField(row, 'seq_lengths');
  const isOne = !Array.isArray(sequences) || sequences.length <= 1;
  if (isPlain && isOne && (!Array.isArray(positions) || positions.length === length)) return;
  const field = isOne ? 'position_ids' : 'seq_lengths';
  const detail = 'the row contains several sequences; write each as a separate row';
  throw new GraftError('data.unsupported_field', { field, detail });
}

function factorsOf(value: unknown, field: string, length: number, isMask: boolean): number[] {
  if (!Array.isArray(value) || value.length !== length) {
    const found = Array.isArray(value) ? `a list of ${value.length}` : kindName(value);
    throw new GraftError('data.bad_field', { field, found, expected: `a list of ${length}` });
  }
  return value.map((item: unknown, i) => {
    const factor = weightOf(item, `${field}[${i}]`);
    if (!isMask || factor === 0 || factor === 1) return factor;
    throw new GraftError('data.bad_field', {
      field: `${field}[${i}]`,
      found: String(item),
      expected: '0 or 1',
    });
  });
}

function integers(value: unknown, field: string, lowest: number): number[] {
  if (value === undefined) throw new GraftError('data.missing_field', { field });
  if (!Array.isArray(value)) {
    throw new GraftError('data.bad_field', { field, found: kindName(value), expected: 'a list of integers' });
  }
  return value.map((given: unknown, index) => {
    const item: unknown = given instanceof Number ? Number(given) : given;
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

/** Number of tokens before the padding at the end. */
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
  const isShown = (bit: unknown) => bit === true || Number(bit) === 1;
  const shown = mask.findLastIndex(isShown) + 1;
  if (!mask.slice(0, shown).every(isShown)) throw new GraftError('data.padding_inside');
  return shown;
}
