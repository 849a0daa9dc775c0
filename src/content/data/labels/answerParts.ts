import { isEmpty } from '../rows/conversation.ts';
import { tryRenderAgain, withoutField, type RenderedChat } from '../template/renderedChat.ts';
import { commonPrefix, commonSuffix, type Span } from './spans.ts';

/** Kinds of parts of a rendered conversation, besides plain content. */
export type PartKind = 'thought' | 'call' | 'result' | 'tools';

/** A part of a rendered conversation other than plain content. */
export interface Part extends Span {
  kind: PartKind;
}

/** Tags of thoughts and tool calls in the text of an answer. */
const THOUGHT_TAGS = /<(think|thinking|thought|reasoning)>[\s\S]*?<\/\1>\s*|\[THINK\][\s\S]*?\[\/THINK\]\s*/g;
const CALL_TAGS = /\s*<tool_call>[\s\S]*?<\/tool_call>/g;
/** Closes a thought that the generation prompt opened. */
const THOUGHT_END = /^[\s\S]*?(?:<\/(?:think|thinking|thought|reasoning)>|\[\/THINK\])\s*/;
const OPENING = /(?:<[^<>\s]{1,40}>|\[[A-Z_]{3,20}\])\s*$/;
const CLOSING = /^\s*(?:<[^<>\s]{1,40}>|\[\/[A-Z_]{3,20}\])\s*/;

/** The thoughts and tool calls in the answer of message `i`, which is at `span` of the text. */
export function partsOfAnswer(rendered: RenderedChat, i: number, span: Span): Part[] {
  const parts = [...thoughtsOf(rendered, i, span), ...callsIn(rendered, i, span)];
  return parts.filter(({ start, end }) => end > start).sort((a, b) => a.start - b.start);
}

/** Tool descriptions and tool results in the text. */
export function partsAround(rendered: RenderedChat): Part[] {
  const { messages, text, variables } = rendered;
  const parts: Part[] = [];
  let at = 0;
  if (!isEmpty(variables.tools)) {
    const without = tryRenderAgain(rendered, messages, { tools: null });
    const span = without === null ? null : difference(text, without);
    if (span) {
      parts.push({ ...span, kind: 'tools' });
      at = span.end;
    }
  }
  for (const { role, content } of messages) {
    const start = text.indexOf(content.trim(), at);
    if (start < 0) continue;
    at = start + content.trim().length;
    if (role === 'tool') parts.push({ start, end: at, kind: 'result' });
  }
  return parts;
}

function thoughtsOf({ text, chat }: RenderedChat, i: number, { start, end }: Span): Part[] {
  const said = text.slice(start, end);
  const thought = chat.messages[i]?.thought?.trim() ?? '';
  const at = thought === '' ? -1 : said.indexOf(thought);
  if (at >= 0) {
    const opening = OPENING.exec(said.slice(0, at))?.[0].length ?? 0;
    const after = at + thought.length;
    const closing = CLOSING.exec(said.slice(after))?.[0].length ?? 0;
    return [{ kind: 'thought', start: start + at - opening, end: start + after + closing }];
  }
  const found = matches(THOUGHT_TAGS, said, start, 'thought');
  const opened = found.length === 0 ? THOUGHT_END.exec(said)?.[0].length : undefined;
  return opened === undefined ? found : [{ kind: 'thought', start, end: start + opened }];
}

function callsIn(rendered: RenderedChat, i: number, { start, end }: Span): Part[] {
  const { messages, text, chat } = rendered;
  if (!chat.messages[i]?.calls) return matches(CALL_TAGS, text.slice(start, end), start, 'call');
  const without = messages.map((message, k) => (k === i ? withoutField(message, 'tool_calls') : message));
  const plain = tryRenderAgain(rendered, without);
  const span = plain === null ? null : difference(text, plain);
  // If a template rejects the answer without its calls, it renders nothing else in it.
  const found = span && span.start < end && span.end > start ? span : { start, end };
  let from = Math.max(start, found.start);
  // Both may continue with the same start of a tag: <tool_call> in one, <|im_end|> in the other.
  while (from > start && '<[|'.includes(text[from - 1]!)) from--;
  return [{ kind: 'call', start: from, end: Math.min(end, found.end) }];
}

/**
 * The range of `text` that `other` lacks or has differently; null if they are equal. Among the possible ranges of an
 * inserted part, returns the first: `<a></a>` before another tag, not `a></a><`.
 */
function difference(text: string, other: string): Span | null {
  if (text === other) return null;
  let start = commonPrefix(text, other);
  const shared = commonSuffix(text, other, start);
  let end = text.length - shared;
  const isPutIn = start + shared === other.length;
  while (isPutIn && start > 0 && text[start - 1] === text[end - 1]) [start, end] = [start - 1, end - 1];
  return { start, end };
}

function matches(pattern: RegExp, said: string, offset: number, kind: PartKind): Part[] {
  return Array.from(said.matchAll(pattern), ({ index, 0: found }) => ({
    kind,
    start: offset + index,
    end: offset + index + found.length,
  }));
}
