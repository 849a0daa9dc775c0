import { GraftError } from '../../../base/lib/errors.ts';
import {
  leavesOutThought,
  markedSpans,
  tryRenderAgain,
  type RenderedChat,
} from '../template/renderedChat.ts';

// A noncharacter (reserved by Unicode for internal use), which no template matches.
const PROBE = '\ufdd2';

/** A part of a rendered conversation; UTF-16 offsets. */
export interface Span {
  start: number;
  end: number;
}

/** Where the model's turns are in a rendered conversation. */
export interface AnswerSpans {
  /** By the index of the message. */
  spans: ReadonlyMap<number, Span>;
  /**
   * Number of answers that the template renders differently inside the conversation than at its end; training on them
   * would teach that rendering.
   */
  skipped: number;
}

/**
 * Finds the given turns of the assistant in the rendered text, using the template itself: by its `{% generation %}`
 * tags, or by rendering the conversation up to each turn. A turn is used only if the conversation up to it, and the
 * conversation including it, are prefixes of the text: turns that a template rewrites (Qwen3 drops earlier thoughts)
 * are detected and skipped. Throws `data.answer_not_found` if no turn can be located.
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

/** Whether message `i` calls tools, in a field or as text that a tool answers, and its thought is rendered. */
function isWholeCall(rendered: RenderedChat, i: number): boolean {
  const { chat, messages } = rendered;
  const { calls, thought, content } = chat.messages[i]!;
  if (calls === undefined && messages[i + 1]?.role !== 'tool') return false;
  if (thought !== undefined) return !leavesOutThought(rendered, i);
  return !content.includes('</think>') || rendered.text.includes(content.trim());
}

/**
 * Where the answer of message `i` ends: up to where the text stays the same if another answer is there. For tool calls,
 * which a template may render differently at the end of a conversation than in the middle (Qwen3 puts an empty thought
 * before the last message).
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

/** Length of the rendering of the first `count` messages, if it is a prefix of the text. */
function endOfBeginning(rendered: RenderedChat, count: number, addGenerationPrompt = false): number | null {
  const part = tryRenderAgain(rendered, rendered.messages.slice(0, count), {}, addGenerationPrompt);
  return part !== null && rendered.text.startsWith(part) ? part.length : null;
}

/** Where an answer starts that does not continue the generation prompt: after the header of its turn. */
function startOfAnswer(rendered: RenderedChat, i: number): number | null {
  const content = startOfContent(rendered, i);
  const header = endOfHeader(rendered, i);
  return header === null ? content : Math.min(header, content ?? Infinity);
}

/**
 * Where the text diverges from its generation prompt: a template may open a thought there but write another one in a
 * conversation (`<think>` and two line breaks, for example). The common part is the header of the turn.
 */
function endOfHeader(rendered: RenderedChat, i: number): number | null {
  const before = endOfBeginning(rendered, i);
  const prompt = tryRenderAgain(rendered, rendered.messages.slice(0, i), {}, true);
  if (prompt === null) return null;
  const common = commonPrefix(prompt, rendered.text);
  return before !== null && common > before ? common : null;
}

/**
 * Where the content of message `i` starts in the text: a probe character prepended to it must appear exactly once and
 * change nothing else. For templates whose generation prompt differs from what they write before an answer (DeepSeek-R1
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

/** The span of message `i`'s content in the text, without surrounding whitespace; null if it was rewritten. */
export function contentSpan(rendered: RenderedChat, i: number): Span | null {
  const content = rendered.messages[i]!.content.trim();
  const start = content === '' ? null : startOfContent(rendered, i);
  return start !== null && rendered.text.startsWith(content, start)
    ? { start, end: start + content.length }
    : null;
}

/** Length of the common prefix of two texts, in UTF-16 units, or of two lists. */
export function commonPrefix<T>(a: ArrayLike<T>, b: ArrayLike<T>): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

/** Length of the common suffix of two texts from index `from`, in UTF-16 units. */
export function commonSuffix(a: string, b: string, from = 0): number {
  const limit = Math.min(a.length, b.length) - from;
  let length = 0;
  while (length < limit && a[a.length - 1 - length] === b[b.length - 1 - length]) length++;
  return length;
}
