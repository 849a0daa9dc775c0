import { GraftError } from '../lib/errors.ts';
import type { Message } from './conversation.ts';
import { generationSpans, renderChat, type GenerationSpan } from './template.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Where in a rendered conversation the model's turns are. */
export interface AnswerSpans {
  /** UTF-16 offsets in the rendered text, in order. */
  spans: GenerationSpan[];
  /** Answers the template renders differently inside the conversation than at its end; training on them would teach that. */
  skipped: number;
}

interface SpanOptions {
  /** First message that may be trained. */
  firstTrained: number;
  /** Only the last answer. */
  lastOnly: boolean;
  now?: Date;
}

/**
 * Finds the assistant's turns in `text`, the rendering of `messages`, from the template itself: by its
 * `{% generation %}` tags, or by rendering the conversation up to each turn. A turn counts only when the conversation
 * up to it, and with it, are beginnings of the text: a template that rewrites earlier turns (Qwen3 drops their
 * thoughts) is detected, and those turns are skipped.
 * Throws `data.answer_not_found` when no turn can be located, and what {@link renderChat} throws.
 */
export function findAnswers(
  tokenizer: Tokenizer,
  messages: readonly Message[],
  text: string,
  { firstTrained, lastOnly, now }: SpanOptions,
): AnswerSpans {
  const answers = messages.flatMap(({ role }, i) => (role === 'assistant' ? [i] : []));
  const wanted = answers.filter((i) => i >= firstTrained).slice(lastOnly ? -1 : 0);
  if (wanted.length === 0) return { spans: [], skipped: 0 };

  const tagged = generationSpans(tokenizer, messages, { now });
  if (tagged) {
    if (tagged.length === answers.length) {
      return { spans: wanted.map((i) => tagged[answers.indexOf(i)] as GenerationSpan), skipped: 0 };
    }
    // The tags don't stand one to one with the turns: only "all of them" is still certain.
    if (wanted.length === answers.length && tagged.length > 0) return { spans: tagged, skipped: 0 };
  }

  const spans: GenerationSpan[] = [];
  for (const i of wanted) {
    const span = locate(tokenizer, messages, text, i, now);
    if (span) spans.push(span);
  }
  if (spans.length === 0) throw new GraftError('data.answer_not_found');
  return { spans, skipped: wanted.length - spans.length };
}

function locate(
  tokenizer: Tokenizer,
  messages: readonly Message[],
  text: string,
  i: number,
  now: Date | undefined,
): GenerationSpan | null {
  const end =
    i === messages.length - 1 ? text.length : endOfBeginning(tokenizer, messages, text, i + 1, false, now);
  if (end === null) return null;
  const start =
    endOfBeginning(tokenizer, messages, text, i, true, now) ??
    startOfContent(tokenizer, messages, text, i, now);
  return start !== null && start < end ? { start, end } : null;
}

/** Length of the rendering of the first `count` messages, if `text` begins with it. */
function endOfBeginning(
  tokenizer: Tokenizer,
  messages: readonly Message[],
  text: string,
  count: number,
  addGenerationPrompt: boolean,
  now: Date | undefined,
): number | null {
  const rendered = tryRender(tokenizer, messages.slice(0, count), { addGenerationPrompt, now });
  return rendered !== null && text.startsWith(rendered) ? rendered.length : null;
}

// A noncharacter (reserved by Unicode for internal use): no template looks for it.
const PROBE = '\ufdd2';

/**
 * Where the content of message `i` begins in `text`: a probe character put in front of it must turn up exactly once
 * and change nothing else. For templates whose generation prompt isn't what they write before an answer (DeepSeek-R1
 * opens a thought there).
 */
function startOfContent(
  tokenizer: Tokenizer,
  messages: readonly Message[],
  text: string,
  i: number,
  now: Date | undefined,
): number | null {
  const probed = messages.map((message, k) => {
    if (k !== i) return message;
    const { content } = message;
    const blank = content.length - content.trimStart().length;
    return { ...message, content: content.slice(0, blank) + PROBE + content.slice(blank) };
  });
  const rendered = tryRender(tokenizer, probed, { now });
  const at = rendered?.indexOf(PROBE) ?? -1;
  return rendered !== null && at >= 0 && rendered.slice(0, at) + rendered.slice(at + 1) === text ? at : null;
}

/** Null when the template refuses a part of a conversation (one that begins with an answer, say). */
function tryRender(
  tokenizer: Tokenizer,
  messages: readonly Message[],
  options: { addGenerationPrompt?: boolean; now?: Date },
): string | null {
  try {
    return renderChat(tokenizer, messages, options);
  } catch (error) {
    if (error instanceof GraftError) return null;
    throw error;
  }
}
