import type { PreferenceObjectiveName } from '../../../base/config/recipe.ts';
import { assert, GraftError } from '../../../base/lib/errors.ts';
import { answerIdsOf, hasAnswerIds, isPairOfIds } from '../labels/tokenizedRow.ts';
import type { Row } from '../files/row.ts';
import { ownField, type Chat, type Conversation, type Message } from './conversation.ts';
import { turnsOf } from '../labels/mask.ts';
import { conversationOf, ownFormat, type RowFormat } from './formats.ts';
import { isMessageList, listOrText } from './messageLists.ts';
import { messagesOf } from './messages.ts';
import { answerChat, preferenceOf } from './preference.ts';
import { fieldsWith, labelOf, type DataFormat } from './rowFields.ts';

/** A prompt with its answer: a conversation whose `firstTrained` begins the answer, or tokens. */
export type Answered = Chat | { prompt: number[]; answer: number[] };

/** What preference training reads of a row. */
export type PreferenceRow =
  | { kind: 'pairs'; chosen: Answered; rejected: Answered }
  | { kind: 'labels'; answer: Answered; good: boolean };

/** Whether an objective compares the answers of pairs; KTO takes answers that are good or bad. */
export function takesPairs(objective: PreferenceObjectiveName): boolean {
  return objective !== 'kto';
}

/**
 * The answers of a row, as an objective takes them: a pair, or answers marked as good or bad, into which a pair is taken
 * apart. Throws `data.no_pair`, `data.no_label`, and as `toConversation`.
 */
export function preferenceRows(
  row: Row,
  format: RowFormat,
  objective: PreferenceObjectiveName,
): PreferenceRow[] {
  const own = typeof format === 'object' ? null : ownFormat(row.value, format);
  const kind = own === null ? null : preferenceOf(row.value, own);
  if (own !== null && kind === 'pairs') {
    const [chosen, rejected] = pairOf(row.value, own);
    if (takesPairs(objective)) return [{ kind: 'pairs', chosen, rejected }];
    return [
      { kind: 'labels', answer: chosen, good: true },
      { kind: 'labels', answer: rejected, good: false },
    ];
  }
  if (takesPairs(objective)) throw new GraftError('data.no_pair', { objective });
  if (own === null || kind !== 'labels') throw new GraftError('data.no_label');
  const good = labelOf(ownField(row.value, fieldsWith(row.value, own, 'label')[0]!)) === true;
  return [{ kind: 'labels', answer: labeledOf(row.value, own), good }];
}

type Fields = Record<string, unknown>;

function pairOf(row: Fields, format: DataFormat): [Answered, Answered] {
  if (format === 'tokenized' && isPairOfIds(row)) {
    const { prompt, answers } = answerIdsOf(row);
    return [
      { prompt, answer: answers[0]! },
      { prompt, answer: answers[1]! },
    ];
  }
  if (format === 'preference') return [answerChat(row, 'chosen'), answerChat(row, 'rejected')];
  // A conversation that ends with the better answer, with the worse one beside it.
  const chosen = lastAnswered(conversationOf(row, format));
  const [field] = fieldsWith(row, format, 'rejected');
  assert(field !== undefined, 'a pair has a worse answer');
  const given = listOrText(ownField(row, field));
  const before = chosen.messages.slice(0, chosen.firstTrained);
  if (!isMessageList(given)) {
    if (typeof given !== 'string')
      throw new GraftError('data.unsupported_field', { field, detail: 'it is neither a text nor messages' });
    return [chosen, { ...chosen, messages: [...before, { role: 'assistant', content: given }] }];
  }
  const turns = messagesOf(given, field);
  const isAnswer = turns.every(({ role }) => role === 'assistant');
  if (isAnswer) return [chosen, { ...chosen, messages: [...before, ...turns] }];
  const messages = withSystemOf(before, turns);
  return [chosen, { ...chosen, messages, firstTrained: messages.length - 1 }];
}

/** A whole other conversation; the system message of the row is its too. */
function withSystemOf(before: readonly Message[], turns: readonly Message[]): Message[] {
  const [system] = before;
  return system?.role === 'system' && turns[0]!.role !== 'system' ? [system, ...turns] : [...turns];
}

function labeledOf(row: Fields, format: DataFormat): Answered {
  if (format === 'tokenized' && hasAnswerIds(row)) {
    const { prompt, answers } = answerIdsOf(row);
    return { prompt, answer: answers[0]! };
  }
  return lastAnswered(conversationOf(row, format));
}

/** The conversation with its last answer alone to be judged. Throws `data.no_trained_tokens`. */
function lastAnswered(conversation: Conversation): Chat & { firstTrained: number } {
  if ('text' in conversation || 'inputIds' in conversation)
    throw new GraftError('data.no_trained_tokens', { detail: 'it has no prompt with an answer' });
  const chat: Chat = 'messages' in conversation ? conversation : turnsOf(conversation);
  const last = chat.messages.length - 1;
  if (chat.messages[last]?.role !== 'assistant')
    throw new GraftError('data.no_trained_tokens', {
      detail: 'the conversation does not end with an answer',
    });
  return { ...chat, firstTrained: chat.firstTrained ?? last };
}
