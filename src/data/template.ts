import { GraftError, messageOf } from '../lib/errors.ts';
import { chatmlPieces } from './chatml.ts';
import type { TemplateMessage } from './conversation.ts';
import { Template, TemplateError, type Rendering } from './jinja/index.ts';
import { offsetOf } from './jinja/text.ts';
import { plainIds, plainText } from './plainTemplate.ts';
import { QWEN_TEMPLATE } from './qwenV1.ts';
import { templateMessage, templateSize } from './templateMessage.ts';
import type { Tokenizer } from './tokenizer.ts';
import { untrusted } from './untrusted.ts';

export interface RenderOptions {
  /** End with what the model expects before an answer; default false. */
  addGenerationPrompt?: boolean;
  /** The date `strftime_now` gives; default today. Freeze it to render the same text another day. */
  now?: Date;
  /** Further variables of the template, such as tools, documents or enable_thinking; tools and documents are None without. */
  variables?: Readonly<Record<string, unknown>>;
}

/**
 * Renders a conversation with the model's own chat template, or, for a model without one, as plain text
 * ({@link plainText}). Throws `data.template_invalid`, or `data.template_refused` with the template's own words.
 */
export function renderChat(
  tokenizer: Tokenizer,
  messages: readonly TemplateMessage[],
  options: RenderOptions = {},
): string {
  const template = compiled(tokenizer, options);
  return template
    ? run(template, tokenizer, messages, options).text
    : plainText(tokenizer, messages, options);
}

/**
 * Token ids of a rendered conversation, as a model should be prompted. For a model without a template the turns are
 * encoded one by one, as they are for training: prefer this to encoding the text of {@link renderChat}.
 * Throws as {@link renderChat} does.
 */
export function encodeChat(
  tokenizer: Tokenizer,
  messages: readonly TemplateMessage[],
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
  compiled(tokenizer, {});
}

/** A part of a rendered conversation that the template marks with `{% generation %}`; UTF-16 offsets. */
export interface GenerationSpan {
  start: number;
  end: number;
}

/**
 * Where the template itself says that the model speaks (`{% generation %} … {% endgeneration %}`), as transformers
 * counts it: from where the text has come to, for the length of the block, whatever filters do to it afterwards. Null
 * when the template has no such tags. Throws as {@link renderChat} does.
 */
export function generationSpans(
  tokenizer: Tokenizer,
  messages: readonly TemplateMessage[],
  options: RenderOptions = {},
): GenerationSpan[] | null {
  const template = compiled(tokenizer, options);
  if (!template?.marksGeneration) return null;
  const { text, spans } = run(template, tokenizer, messages, options);
  return spans.map(({ start, end }) => ({ start: offsetOf(text, start), end: offsetOf(text, end) }));
}

/** Compiled templates of a tokenizer by their source. */
const cache = new WeakMap<Tokenizer, Map<string, Template>>();

function compiled(tokenizer: Tokenizer, { variables }: RenderOptions): Template | null {
  const source = sourceFor(tokenizer, variables?.tools);
  if (source === null) return null;
  let templates = cache.get(tokenizer);
  if (!templates) cache.set(tokenizer, (templates = new Map()));
  let template = templates.get(source);
  if (!template) {
    try {
      template = untrusted('template', source.length, () => new Template(source));
    } catch (error) {
      throw new GraftError('data.template_invalid', { detail: messageOf(error) }, { cause: error });
    }
    templates.set(source, template);
  }
  return template;
}

/** Of several templates the one named tool_use where there are tools, else the default, as transformers chooses. */
function sourceFor({ chatTemplate, toolTemplate }: Tokenizer, tools: unknown): string | null {
  return (tools !== undefined && tools !== null ? toolTemplate : null) ?? chatTemplate;
}

function run(
  template: Template,
  tokenizer: Tokenizer,
  messages: readonly TemplateMessage[],
  { addGenerationPrompt = false, now = new Date(), variables = {} }: RenderOptions,
): Rendering {
  const all = {
    ...tokenizer.specialTokens,
    messages: messages.map(templateMessage),
    add_generation_prompt: addGenerationPrompt,
    // As transformers does: some templates ask `tools is not none` without asking whether it is defined.
    tools: null,
    documents: null,
    ...variables,
  };
  const length = templateSize(all);
  const size = { length, messages: messages.length };
  try {
    return untrusted('template', length, () => template.render(all, { now, size }));
  } catch (error) {
    throw renderError(error);
  }
}

/** What a template raises is about the conversation; what it takes too much of, or needs and we lack, about the template. */
function renderError(error: unknown): GraftError {
  const detail = messageOf(error);
  if (!(error instanceof TemplateError) || error.kind === 'limit' || error.kind === 'unsupported') {
    return new GraftError('data.template_invalid', { detail }, { cause: error });
  }
  const raised = error.kind === 'raised' ? detail : `${error.kind}: ${detail}`;
  return new GraftError('data.template_refused', { detail: raised }, { cause: error });
}
