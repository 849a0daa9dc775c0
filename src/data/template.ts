import { Environment, type Template } from '@huggingface/jinja';
import { GraftError, messageOf } from '../lib/errors.ts';
import { BoundedInterpreter } from './boundedInterpreter.ts';
import { chatmlPieces } from './chatml.ts';
import type { Message } from './conversation.ts';
import { compileTemplate, stripFunctions } from './jinja.ts';
import { plainIds, plainText } from './plainTemplate.ts';
import { QWEN_TEMPLATE } from './qwenV1.ts';
import { strftime } from './strftime.ts';
import type { Tokenizer } from './tokenizer.ts';
import { untrusted } from './untrusted.ts';

export interface RenderOptions {
  /** End with what the model expects before an answer; default false. */
  addGenerationPrompt?: boolean;
  /** The date `strftime_now` gives; default today. Freeze it to render the same text another day. */
  now?: Date;
}

/**
 * Renders a conversation with the model's own chat template, or, for a model without one, as plain text
 * ({@link plainText}). Throws `data.template_invalid`, or `data.template_refused` with the template's own words.
 */
export function renderChat(
  tokenizer: Tokenizer,
  messages: readonly Message[],
  options: RenderOptions = {},
): string {
  const template = compiled(tokenizer, false);
  return template ? run(template, tokenizer, messages, options) : plainText(tokenizer, messages, options);
}

/**
 * Token ids of a rendered conversation, as a model should be prompted. For a model without a template the turns are
 * encoded one by one, as they are for training: prefer this to encoding the text of {@link renderChat}.
 * Throws as {@link renderChat} does.
 */
export function encodeChat(
  tokenizer: Tokenizer,
  messages: readonly Message[],
  options: RenderOptions = {},
): number[] {
  if (tokenizer.chatTemplate === null) return plainIds(tokenizer, messages, options);
  const text = renderChat(tokenizer, messages, options);
  const pieces = encodesPieces(tokenizer) ? chatmlPieces(text, messages) : null;
  // The template writes BOS itself where the model wants it.
  const encode = (part: string) => tokenizer.encode(part, { addSpecialTokens: false });
  return pieces ? pieces.flatMap((piece) => encode(piece.text)) : encode(text);
}

/**
 * True for Qwen v1, whose code encodes a conversation piece by piece (make_context, finetune.py): a line break at the
 * beginning of a message then makes no token with the one before it.
 */
export function encodesPieces(tokenizer: Tokenizer): boolean {
  return tokenizer.chatTemplate === QWEN_TEMPLATE;
}

/** Compiles the tokenizer's chat template, so that a broken one is found before any row. Throws `data.template_invalid`. */
export function checkTemplate(tokenizer: Tokenizer): void {
  compiled(tokenizer, false);
}

/** A part of a rendered conversation that the template marks with `{% generation %}`; UTF-16 offsets. */
export interface GenerationSpan {
  start: number;
  end: number;
}

// Noncharacters: reserved for internal use by Unicode, so no text holds them by right.
const OPEN = '\ufdd0';
const CLOSE = '\ufdd1';

/**
 * Where the template itself says that the model speaks (`{% generation %} … {% endgeneration %}`); null when it has no
 * such tags, or when marking them would change the text. Throws as {@link renderChat} does.
 */
export function generationSpans(
  tokenizer: Tokenizer,
  messages: readonly Message[],
  options: RenderOptions = {},
): GenerationSpan[] | null {
  const template = compiled(tokenizer, true);
  if (!template || messages.some(({ content }) => content.includes(OPEN) || content.includes(CLOSE)))
    return null;
  const marked = run(template, tokenizer, messages, options);
  const spans: GenerationSpan[] = [];
  let text = '';
  let start = -1;
  for (const part of marked.split(/([\ufdd0\ufdd1])/)) {
    if (part === OPEN) start = text.length;
    else if (part !== CLOSE) text += part;
    else if (start < 0) return null;
    else {
      spans.push({ start, end: text.length });
      start = -1;
    }
  }
  // A filter over the marked text (trim, say) would have acted on the marks: then they prove nothing.
  return start < 0 && text === renderChat(tokenizer, messages, options) ? spans : null;
}

const TAG = /\{%(-?)\s*(end)?generation\s*(-?)%\}/g;

/** Compiled templates by tokenizer: as it is, and with generation tags marked (null without tags). */
const cache = new WeakMap<Tokenizer, { plain: Template; marked: Template | null }>();

function compiled(tokenizer: Tokenizer, marked: boolean): Template | null {
  const source = tokenizer.chatTemplate;
  if (source === null) return null;
  let entry = cache.get(tokenizer);
  if (!entry) {
    try {
      entry = untrusted('template', source.length, () => ({
        plain: compileTemplate(replaceTags(source, '', '')),
        marked: TAG.test(source) ? compileTemplate(replaceTags(source, OPEN, CLOSE)) : null,
      }));
    } catch (error) {
      throw new GraftError('data.template_invalid', { detail: messageOf(error) }, { cause: error });
    } finally {
      TAG.lastIndex = 0;
    }
    cache.set(tokenizer, entry);
  }
  return marked ? entry.marked : entry.plain;
}

/**
 * Puts blocks that write `open` and `close` in the place of generation tags. The library takes the tags out before it
 * parses, and a `{{-` after one then strips white space that the tag should have kept; a block keeps it.
 */
function replaceTags(source: string, open: string, close: string): string {
  return source.replace(TAG, (_, left: string, end: string | undefined, right: string) => {
    const inside = left === '' ? '' : '-';
    return `{%${left} if true ${inside}%}{{ '${end ? close : open}' }}{%${right} endif ${right}%}`;
  });
}

class Refusal extends Error {}

const constants = { true: true, false: false, none: null, True: true, False: false, None: null };

/** Longest list a template may ask `range` for. */
const MAX_RANGE = 1e6;

/** Python's range(stop) or range(start, stop, step). */
function range(first: number, second?: number | null, step: number | null = 1): number[] {
  const [start, stop] = typeof second === 'number' ? [first, second] : [0, first];
  const count = Math.ceil((stop - start) / (step ?? 1));
  if (!(count <= MAX_RANGE)) throw new RangeError(`range(${start}, ${stop}, ${step}) is too long`);
  return Array.from({ length: Math.max(0, count) }, (_, i) => start + i * (step ?? 1));
}

function run(
  template: Template,
  tokenizer: Tokenizer,
  messages: readonly Message[],
  options: RenderOptions,
): string {
  const { addGenerationPrompt = false, now = new Date() } = options;
  const variables: Record<string, unknown> = {
    ...tokenizer.specialTokens,
    messages: messages.map(({ role, content, fields }) => ({ role, content, ...fields })),
    add_generation_prompt: addGenerationPrompt,
    // As transformers does: some templates ask `tools is not none` without asking whether it is defined.
    tools: null,
    documents: null,
    ...constants,
    ...stripFunctions,
    range,
    strftime_now: (format: string) => strftime(now, format),
    raise_exception: (message: string) => {
      throw new Refusal(message);
    },
  };
  try {
    // Template.render declares its own globals and refuses ours: the date must be a parameter.
    const environment = new Environment();
    for (const [name, value] of Object.entries(variables)) environment.set(name, value);
    const length = messages.reduce((sum, { content }) => sum + content.length, 0);
    return untrusted('template', length, () =>
      String(new BoundedInterpreter(environment).run(template.parsed).value),
    );
  } catch (error) {
    const code = error instanceof Refusal ? 'data.template_refused' : 'data.template_invalid';
    throw new GraftError(code, { detail: messageOf(error) }, { cause: error });
  }
}
