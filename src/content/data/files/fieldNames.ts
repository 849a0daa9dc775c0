/** Field names that reveal where the rows of a file are, but not what they mean. */

/** Fields of a row that may hold turns: lists of messages. */
export const TURN_FIELDS: ReadonlySet<string> = new Set([
  'messages',
  'conversations',
  'conversation',
  'dialog',
  'dialogue',
  'turns',
  'chat',
  'history',
  'prompt',
  'completion',
  'chosen',
  'rejected',
  'chosen_messages',
  'rejected_messages',
  'preferred_output',
  'non_preferred_output',
]);

/** Fields of training rows. */
export const ROW_FIELDS: ReadonlySet<string> = new Set([
  'messages',
  'conversations',
  'conversation',
  'dialog',
  'dialogue',
  'turns',
  'prompt',
  'completion',
  'response',
  'instruction',
  'output',
  'question',
  'answer',
  'query',
  'text',
  'input_ids',
  'labels',
  'chosen',
  'rejected',
  'chosen_messages',
  'rejected_messages',
  'system',
  'chosen_response',
  'rejected_response',
  'preferred_output',
  'non_preferred_output',
  'chat',
]);

/** Pairs of fields that make a row on their own. */
const PAIRS = [
  ['prompt', 'completion'],
  ['prompt', 'response'],
  ['instruction', 'output'],
  ['instruction', 'response'],
  ['question', 'answer'],
  ['query', 'response'],
  ['input', 'output'],
  ['chosen', 'rejected'],
  ['response_j', 'response_k'],
] as const;

/** Whether both fields of some pair are present: a question and its answer, for example. */
export function hasPair(has: (name: string) => boolean): boolean {
  return PAIRS.some((pair) => pair.every(has));
}

/** Whether an object with these fields is one turn of a conversation. */
export function isTurn(names: readonly string[]): boolean {
  return names.includes('role') || names.includes('from');
}

/** Whether an object with these fields is a row. */
export function isRow(names: readonly string[]): boolean {
  return !isTurn(names) && names.some((name) => ROW_FIELDS.has(name));
}
