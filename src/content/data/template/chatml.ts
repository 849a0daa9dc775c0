import type { TemplateMessage } from '../rows/conversation.ts';

export const IM_START = '<|im_start|>';
export const IM_END = '<|im_end|>';

/**
 * A piece of a conversation in ChatML. A turn is `start` (<|im_start|>), `role`, `opening` (the line break after it),
 * `content`, `end` (<|im_end|>) and `line` (the line break after that, which some templates omit and others double);
 * `other` is text before the first turn.
 */
export interface ChatmlPiece {
  part: 'start' | 'role' | 'opening' | 'content' | 'end' | 'line' | 'other';
  text: string;
  /** Index of the assistant's message in this turn; null in other turns and in a generation prompt. */
  answer: number | null;
}

/**
 * Splits `text`, the rendering of `messages` by a chat template, into the pieces of its ChatML turns, which concatenate
 * to it; null if it isn't ChatML. A turn's content is located by its message, so it may contain `<|im_end|>` itself.
 */
export function chatmlPieces(text: string, messages: readonly TemplateMessage[]): ChatmlPiece[] | null {
  const pieces: ChatmlPiece[] = [];
  let at = 0;
  let next = 0;
  let answer: number | null = null;
  const take = (part: ChatmlPiece['part'], end: number) => {
    if (end > at) pieces.push({ part, text: text.slice(at, end), answer });
    at = end;
  };

  const first = text.indexOf(IM_START);
  if (first < 0) return null;
  take('other', first);
  while (at < text.length) {
    if (!text.startsWith(IM_START, at)) return null;
    const roleEnd = text.indexOf('\n', at);
    if (roleEnd < 0) return null;
    const role = text.slice(at + IM_START.length, roleEnd);
    const message = messageOfTurn(text, roleEnd + 1, role, messages, next);
    if (message !== null) next = message + 1;
    answer = role === 'assistant' ? message : null;
    take('start', at + IM_START.length);
    take('role', roleEnd);
    take('opening', roleEnd + 1);
    // The generation prompt: a turn without an end.
    if (at === text.length) break;
    // A closed answer that matches no message: the text isn't what it seems.
    if (role === 'assistant' && answer === null) return null;

    const content = message === null ? undefined : messages[message]?.content;
    const end =
      content !== undefined && text.startsWith(content + IM_END, at)
        ? at + content.length
        : text.indexOf(IM_END, at);
    if (end < 0) return null;
    take('content', end);
    take('end', end + IM_END.length);
    take('line', at + blankLength(text, at));
  }
  return messages.slice(next).some(({ role }) => role === 'assistant') ? null : pieces;
}

/**
 * The message shown by a turn of `role` whose content starts at `at`: an assistant's turn shows the assistant's next
 * message, other turns one of the messages before it. Null for text that the template adds (a default system message,
 * for example).
 */
function messageOfTurn(
  text: string,
  at: number,
  role: string,
  messages: readonly TemplateMessage[],
  next: number,
): number | null {
  for (let i = next; i < messages.length; i++) {
    const { role: said, content } = messages[i] as TemplateMessage;
    if (said === 'assistant' && role !== 'assistant') return null;
    if (said === role && (role === 'assistant' || text.startsWith(content + IM_END, at))) return i;
  }
  return null;
}

function blankLength(text: string, at: number): number {
  let end = at;
  while (end < text.length && (text[end] as string).trim() === '') end++;
  return end - at;
}
