import { GraftError } from '../lib/errors.ts';
import { leavesOutThought, markedSpans, tryRenderAgain, type RenderedChat } from './renderedChat.ts';

// A noncharacter (reserved by Unicode for internal use): no template looks for it.
const PROBE = '\ufdd2';

/** A part of a rendered conversation; UTF-16 offsets. */
export interface Span {
  start: number;
  end: number;
}

/** Where in a rendered conversation the model's turns are. */
export interface AnswerSpans {
  /** By the index of the message. */
  spans: ReadonlyMap<number, Span>;
  /** Answers the template renders differently inside the conversation than at its end; training on them would teach that. */
  skipped: number;
}

/**
 * Finds those turns of the assistant in the rendered text, from the template itself: by its `{% generation %}` tags,
 * or by rendering the conversation up to each turn. A turn counts only when the conversation up to it, and with it,
 * are beginnings of the text: a template that rewrites earlier turns (Qwen3 drops their thoughts) is detected, and
 * those turns are skipped. Throws `data.answer_not_found` when no turn can be located.
 */
export function findAnswers(rendered: RenderedChat, wanted: readonly number[]): AnswerSpans {
  if (wanted.length === 0) return { spans: new Map(), skipped: 0 };
  const answers = rendered.messages.flatMap(({ role }, i) => (role === 'assistant' ? [i] : []));
  const tagged = markedSpans(rendered);
  if (tagged && tagged.length === answers.length) {
    return { spans: new Map(wanted.map((i) => [i, tagged[answers.indexOf(i)]!])), skipped: 0 };
  }

  const spans = new Map<number, Span>();
  for (const i of wanted) {
    const span = locateAnswer(rendered, i);
    if (span) spans.set(i, span);
  }
  if (spans.size === 0) throw new GraftError('data.answer_not_found');
  return { spans, skipped: wanted.length - spans.size };
}

function locateAnswer(rendered: RenderedChat, i: number): Span | null {
  const { messages, text } = rendered;
  const end =
    i === messages.length - 1
      ? text.length
      : (endOfBeginning(rendered, i + 1) ?? (isWholeCall(rendered, i) ? endOfAnswer(rendered, i) : null));
  if (end === null) return null;
  const start = endOfBeginning(rendered, i, true) ?? startOfAnswer(rendered, i);
  return start !== null && start < end ? { start, end } : null;
}

/** Whether message `i` calls tools, in a field of its own or as text that a tool answers, and keeps its thought. */
function isWholeCall(rendered: RenderedChat, i: number): boolean {
  const { chat, messages } = rendered;
  const { calls, thought, content } = chat.messages[i]!;
  if (calls === undefined && messages[i + 1]?.role !== 'tool') return false;
  if (thought !== undefined) return !leavesOutThought(rendered, i);
  return !content.includes('</think>') || rendered.text.includes(content.trim());
}

/**
 * Where the answer of message `i` ends: where the text stays as it is when another answer stands there. For calls of
 * tools, which a template may end with otherwise than it does in the middle of a conversation (Qwen3 puts an empty
 * thought before the last message).
 */
function endOfAnswer(rendered: RenderedChat, i: number): number | null {
  const { messages, text } = rendered;
  const others = messages.map((message, k) =>
    k === i ? { role: message.role, content: `${PROBE}q${PROBE}` } : message,
  );
  const again = tryRenderAgain(rendered, others);
  if (again === null) return null;
  return text.length - commonSuffix(text, again);
}

/** Length of the rendering of the first `count` messages, if the text begins with it. */
function endOfBeginning(rendered: RenderedChat, count: number, addGenerationPrompt = false): number | null {
  const part = tryRenderAgain(rendered, rendered.messages.slice(0, count), {}, addGenerationPrompt);
  return part !== null && rendered.text.startsWith(part) ? part.length : null;
}

/** Where an answer begins that does not go on from the generation prompt: behind the header of its turn. */
function startOfAnswer(rendered: RenderedChat, i: number): number | null {
  const content = startOfContent(rendered, i);
  const header = endOfHeader(rendered, i);
  return header === null ? content : Math.min(header, content ?? Infinity);
}

/**
 * Where the text leaves the way of its own generation prompt: a template may open a thought there and write another
 * one in a conversation (`<think>` and two line breaks, say). What both write is the header of the turn.
 */
function endOfHeader(rendered: RenderedChat, i: number): number | null {
  const before = endOfBeginning(rendered, i);
  const prompt = tryRenderAgain(rendered, rendered.messages.slice(0, i), {}, true);
  if (prompt === null) return null;
  const common = commonPrefix(prompt, rendered.text);
  return before !== null && common > before ? common : null;
}

/**
 * Where the content of message `i` begins in the text: a probe character put in front of it must turn up exactly once
 * and change nothing else. For templates whose generation prompt isn't what they write before an answer (DeepSeek-R1
 * opens a thought there).
 */
export function startOfContent(rendered: RenderedChat, i: number): number | null {
  const { messages, text } = rendered;
  const content = messages[i]!.content;
  const blank = content.length - content.trimStart().length;
  const probed = messages.map((message, k) =>
    k === i ? { ...message, content: content.slice(0, blank) + PROBE + content.slice(blank) } : message,
  );
  const again = tryRenderAgain(rendered, probed);
  const at = again?.indexOf(PROBE) ?? -1;
  return again !== null && at >= 0 && again.slice(0, at) + again.slice(at + 1) === text ? at : null;
}

/** Where the content of message `i` stands in the text, without white space around it; null where it was rewritten. */
export function contentSpan(rendered: RenderedChat, i: number): Span | null {
  const content = rendered.messages[i]!.content.trim();
  const start = content === '' ? null : startOfContent(rendered, i);
  return start !== null && rendered.text.startsWith(content, start)
    ? { start, end: start + content.length }
    : null;
}

/** How many UTF-16 units two texts share at their beginnings. */
export function commonPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

/** How many UTF-16 units two texts share at their ends, of those from `from` on. */
export function commonSuffix(a: string, b: string, from = 0): number {
  const limit = Math.min(a.length, b.length) - from;
  let length = 0;
  while (length < limit && a[a.length - 1 - length] === b[b.length - 1 - length]) length++;
  return length;
}
