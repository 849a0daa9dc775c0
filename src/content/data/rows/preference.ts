import { GraftError } from '../../../base/lib/errors.ts';
import { chatOf } from './chatOf.ts';
import { contentOf } from './contentParts.ts';
import { hasField, isEmpty, isObject, ownField, type Chat, type Message } from './conversation.ts';
import { isMessageList, listOrText } from './messageLists.ts';
import { messageOf, messagesOf } from './messages.ts';
import { questionOf } from './questions.ts';
import { isPairOfIds } from '../labels/tokenizedRow.ts';
import { fieldsWith, labelOf, rowMeaning, type DataFormat } from './rowFields.ts';

/*
 * Preference data: rows that mark answers as good or bad. They are never trained on as if all their answers were good;
 * on request, the good ones are.
 */

/** `pairs`: a better and a worse answer to a question (DPO). `labels`: answers marked good or bad (KTO). */
export type PreferenceKind = 'pairs' | 'labels';

type Fields = Record<string, unknown>;

/** The kind of preference a row has; null if none. */
export function preferenceOf(row: Fields, format: DataFormat): PreferenceKind | null {
  if (format === 'preference') return 'pairs';
  if (format === 'tokenized' && isPairOfIds(row)) return 'pairs';
  if (fieldsWith(row, format, 'rejected').length > 0) return 'pairs';
  return format !== 'text' && fieldsWith(row, format, 'label').length > 0 ? 'labels' : null;
}

/** Whether a row has a better and a worse answer and no conversation that ends with the better one. */
export function isPair(row: Fields): boolean {
  const has = (meaning: 'chosen' | 'rejected') =>
    Object.keys(row).some((name) => rowMeaning(name) === meaning && !isEmpty(ownField(row, name)));
  return has('chosen') && has('rejected') && !endsWithAnswer(row);
}

/**
 * Rejects a row of preference data that must not be trained on: a bad answer always, others unless requested
 * (`wanted`). A pair whose better answer ends the conversation is trained on as it is. Throws `data.preference_pair`,
 * `data.preference_label`, `data.bad_answer`.
 */
export function checkPreference(row: Fields, format: DataFormat, wanted: boolean): void {
  const kind = preferenceOf(row, format);
  if (kind === 'labels') {
    const field = fieldsWith(row, format, 'label')[0]!;
    if (!wanted) throw new GraftError('data.preference_label', { field });
    if (labelOf(ownField(row, field)) === false) throw new GraftError('data.bad_answer', { field });
  }
  const [rejected] = fieldsWith(row, format, 'rejected');
  if (format !== 'preference' && rejected !== undefined && answersWith(row, ownField(row, rejected))) {
    throw new GraftError('data.bad_answer', { field: rejected });
  }
  if (kind === 'pairs' && (format === 'preference' || format === 'tokenized') && !wanted) {
    const named = [...fieldsWith(row, format, 'chosen'), ...fieldsWith(row, format, 'rejected')];
    const fields = (format === 'tokenized' ? ['chosen_ids', 'rejected_ids'] : named).join(', ');
    throw new GraftError('data.preference_pair', { fields });
  }
}

/** One of the answers of a pair, by the meaning of its field. */
export type Side = 'chosen' | 'rejected';

/**
 * The conversation of a pair that ends with one of its answers, the only one trained. Throws like `messagesOf` and
 * `chatOf`, and `data.missing_field`.
 */
export function answerChat(row: Fields, side: Side): Chat {
  const [field] = fieldsWith(row, 'preference', side);
  const [otherField] = fieldsWith(row, 'preference', side === 'chosen' ? 'rejected' : 'chosen');
  if (field === undefined) throw new GraftError('data.missing_field', { field: side });
  const given = listOrText(ownField(row, field));
  const asked = openAiInput(row) ?? row;
  const dialogue = typeof given === 'string' ? hhTurns(given) : null;
  if (dialogue) {
    const other = hhTurns(String(ownField(row, otherField ?? '') ?? '')) ?? [];
    return chatOf(row, 'preference', dialogue, commonLength(dialogue, other));
  }
  if (Array.isArray(given)) {
    const answer = messagesOf(given, field);
    if (answer[0]!.role === 'assistant' && answer.length === 1) return withContext(asked, row, answer[0]!);
    const otherGiven = listOrText(ownField(row, otherField ?? ''));
    const other = Array.isArray(otherGiven) ? messagesOf(otherGiven, otherField!) : [];
    const prompt = listOrText(ownField(asked, 'prompt'));
    const context = isMessageList(prompt) ? messagesOf(prompt, 'prompt') : [];
    const isWhole = startsWith(answer, context);
    const messages = isWhole ? answer : [...context, ...answer];
    const first = isWhole ? commonLength(answer, other) : context.length;
    return chatOf(row, 'preference', messages, first);
  }
  const answer: Message = isObject(given)
    ? messageOf(given, field)
    : { role: 'assistant', content: contentOf(given, field).text };
  return withContext(asked, row, { ...answer, role: 'assistant' });
}

/** OpenAI's rows have the request in `input`: messages and tools. */
function openAiInput(row: Fields): Fields | null {
  const input = ownField(row, 'input');
  return isObject(input) && hasField(input, 'messages') ? input : null;
}

/** The question of the row with the given answer. */
function withContext(asked: Fields, row: Fields, answer: Message): Chat {
  const said = contextOf(asked);
  // Some rows repeat the answer in the conversation.
  const before = said.at(-1)?.role === 'assistant' ? said.slice(0, -1) : said;
  const extra = asked === row ? row : { ...asked, ...row };
  return chatOf(extra, 'preference', [...before, answer], before.length);
}

function contextOf(row: Fields): Message[] {
  for (const field of ['messages', 'conversations']) {
    if (hasField(row, field)) return messagesOf(ownField(row, field), field);
  }
  const prompt = listOrText(ownField(row, 'prompt'));
  if (isMessageList(prompt)) return messagesOf(prompt, 'prompt');
  const turns = typeof prompt === 'string' ? hhTurns(prompt) : null;
  return turns ?? questionOf(row);
}

const HH_TURN = /(?:^|\n\n)(Human|Assistant): ?/;

/** Anthropic's dialogues: texts after "\n\nHuman:" and "\n\nAssistant:"; null for other texts. */
function hhTurns(text: string): Message[] | null {
  if (!/^\s*Human: /.test(text)) return null;
  const parts = `\n\n${text.trimStart()}`.split(HH_TURN).slice(1);
  const messages: Message[] = [];
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const role = parts[i] === 'Human' ? 'user' : 'assistant';
    const content = parts[i + 1]!.trim();
    // A prompt ends where the answer would start.
    if (content !== '' || i + 2 < parts.length) messages.push({ role, content });
  }
  return messages.length > 0 ? messages : null;
}

/** Whether the row's own answer equals the given one. */
function answersWith(row: Fields, answer: unknown): boolean {
  const columns = ['output', 'response', 'answer', 'completion'];
  if (columns.some((name) => hasField(row, name) && ownField(row, name) === answer)) return true;
  return ['messages', 'conversations'].some((field) => {
    const turns = listOrText(ownField(row, field));
    const last: unknown = Array.isArray(turns) ? turns.at(-1) : undefined;
    return isObject(last) && (ownField(last, 'content') ?? ownField(last, 'value')) === answer;
  });
}

/** Whether the row's own turns end with an answer that is not the worse one. */
function endsWithAnswer(row: Fields): boolean {
  for (const field of ['messages', 'conversations']) {
    const turns = listOrText(ownField(row, field));
    if (!Array.isArray(turns)) continue;
    const last: unknown = turns.at(-1);
    if (!isObject(last)) return false;
    const role = ownField(last, 'role') ?? ownField(last, 'from');
    const isRejected = Object.keys(row).some(
      (name) => rowMeaning(name) === 'rejected' && answersWith(row, ownField(row, name)),
    );
    return ['assistant', 'gpt', 'chatgpt', 'model', 'bot', 'ai'].includes(String(role)) && !isRejected;
  }
  return false;
}

function startsWith(messages: readonly Message[], beginning: readonly Message[]): boolean {
  return commonLength(messages, beginning) === beginning.length;
}

/** The number of messages that two conversations share, always excluding the last. */
function commonLength(a: readonly Message[], b: readonly Message[]): number {
  let length = 0;
  const same = (x: Message, y: Message) => x.role === y.role && x.content === y.content;
  while (length < a.length && length < b.length && same(a[length]!, b[length]!)) length++;
  return Math.min(length, a.length - 1);
}
