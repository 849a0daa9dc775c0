import type { Chat, Conversation } from './conversation.ts';
import { wantedAnswers, type LabelMask } from './labels.ts';

/**
 * A conversation as one row a turn: for each answer that would be trained, the conversation up to it, of which it alone
 * is trained. Templates that leave out earlier thoughts keep each of them so. Others than conversations stay whole.
 */
export function turnsApart(conversation: Conversation, mask: LabelMask): Conversation[] {
  if (!('messages' in conversation)) return [conversation];
  const chat: Chat = conversation;
  const answers = wantedAnswers(chat, mask);
  const last = chat.messages.findLastIndex(({ role }) => role === 'assistant');
  if (answers.length === 0 || (answers.length === 1 && answers[0] === last)) return [chat];
  return answers.map((i) => ({ ...chat, messages: chat.messages.slice(0, i + 1), firstTrained: i }));
}
