import { PROBE } from '../template/probe.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import type { LabelOptions } from '../labels/labels.ts';
import { literalIn } from '../labels/literalTokens.ts';
import type { TemplateMessage } from '../rows/conversation.ts';
import { leavesOut, leavesOutThought, type RenderedChat } from '../template/renderedChat.ts';
import type { NoteCode, RowNotes } from './rowNotes.ts';

/** A thought in the content itself, with or without its opening tag. */
const THOUGHT = /^\s*(?:<think>)?([\s\S]*?)<\/think>/;

/**
 * What a chat template made of a conversation beside writing it down. Throws `data.thought_dropped` where it leaves
 * out the thought of the last answer, which would then be trained as if it came without thinking.
 */
export function notesOnChat(
  rendered: RenderedChat,
  literalTokens: LabelOptions['literalTokens'] = 'special',
): RowNotes | undefined {
  const { tokenizer, chat, messages, text } = rendered;
  const codes = new Set<NoteCode>();
  let droppedThoughtTokens = 0;
  const { firstTrained = 0 } = chat;
  const lastAnswer = chat.messages.findLastIndex(({ role }) => role === 'assistant');
  chat.messages.forEach(({ role, content, thought, calls }, i) => {
    const inContent = role === 'assistant' ? THOUGHT.exec(content) : null;
    const dropped: string[] = [];
    if (thought !== undefined && leavesOutThought(rendered, i)) dropped.push(thought);
    if (inContent && leavesOut(rendered, i, (message) => withThought(message, inContent, PROBE))) {
      dropped.push(inContent[1]!);
    }
    for (const trimmed of dropped.map((said) => said.trim()).filter((said) => said !== '')) {
      if (i === lastAnswer) throw new GraftError('data.thought_dropped');
      // Of context nothing is lost: the row of its own turn has its thought.
      if (i < firstTrained) continue;
      codes.add('thoughtsDropped');
      droppedThoughtTokens += tokenizer.encode(trimmed, { addSpecialTokens: false }).length;
    }
    const spoken = (inContent ? content.slice(inContent[0].length) : messages[i]!.content).trim();
    if (spoken !== '' && !isWritten(text, spoken)) {
      // An answer that is not there cannot be learned.
      const isLost =
        role === 'assistant' && leavesOut(rendered, i, (message) => ({ ...message, content: PROBE }));
      if (isLost) throw new GraftError('data.no_place', { field: `messages[${i}].content` });
      if (!calls) codes.add('messageRewritten');
    }
    if (
      literalTokens === 'special' &&
      [content, thought ?? ''].some((said) => literalIn(tokenizer, said) !== undefined)
    )
      codes.add('literalTokens');
  });
  return codes.size === 0 ? undefined : { codes: [...codes], droppedThoughtTokens };
}

/** The message with another thought at the beginning of its content. */
function withThought(
  message: TemplateMessage,
  [whole, thought]: RegExpExecArray,
  other: string,
): TemplateMessage {
  const rest = message.content.slice(whole.length);
  return { ...message, content: whole.replace(thought!, () => other) + rest };
}

/** Whether the text has what was said, as it is or as JSON. */
function isWritten(text: string, said: string): boolean {
  return text.includes(said) || text.includes(JSON.stringify(said).slice(1, -1));
}
