import type { Chat, Conversation } from '../rows/conversation.ts';
import { wantedAnswers, type LabelMask } from './labels.ts';

/**
 * Splits a conversation into one row per trained answer: the conversation up to that answer, which alone is trained.
 * This preserves thoughts that a template drops from earlier turns. Other data stays whole.
 */
export function turnRows(conversation: Conversation, mask: LabelMask): Conversation[] {
  if (!('messages' in conversation)) return [conversation];
  const chat: Chat = conversation;
  const answers = wantedAnswers(chat, mask);
  const last = chat.messages.findLastIndex(({ role }) => role === 'assistant');
  if (answers.length === 0 || (answers.length === 1 && answers[0] === last)) return [chat];
  return answers.map((i) => ({ ...chat, messages: chat.messages.slice(0, i + 1), firstTrained: i }));
}
