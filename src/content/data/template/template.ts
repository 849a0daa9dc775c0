import { GraftError, messageOf } from '../../../base/lib/errors.ts';
import { chatmlPieces } from './chatml.ts';
import type { TemplateMessage } from '../rows/conversation.ts';
import { Template, TemplateError, type Rendering } from './jinja/index.ts';
import { offsetOf } from './jinja/text.ts';
import { plainIds, plainText } from './plainTemplate.ts';
import { QWEN_TEMPLATE } from './qwenV1.ts';
import { templateMessage, templateSize } from './templateMessage.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { untrusted } from './untrusted.ts';

export interface RenderOptions {
  /** Append the generation prompt; default false. */
  addGenerationPrompt?: boolean;
  /** The date that `strftime_now` returns; default today. Fix it for reproducible renderings. */
  now?: Date;
  /** Further template variables, such as tools, documents or enable_thinking; tools and documents default to None. */
  variables?: Readonly<Record<string, unknown>>;
}

/**
 * Renders a conversation with the model's chat template or, for a model without one, as plain text ({@link plainText}).
 * Throws `data.template_invalid`, or `data.template_refused` with the template's message.
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
 * Token ids of a rendered conversation, for prompting a model. For a model without a template the turns are encoded
 * separately, as for training: prefer this to encoding the text of {@link renderChat}. Throws like {@link renderChat}.
 */
export function encodeChat(
  tokenizer: Tokenizer,
  messages: readonly TemplateMessage[],
  options: RenderOptions = {},
): number[] {
  if (tokenizer.chatTemplate === null) return plainIds(tokenizer, messages, options);
  const text = renderChat(tokenizer, messages, options);
  const pieces = encodesPieces(tokenizer) ? chatmlPieces(text, messages) : null;
  // The template writes BOS itself if the model needs it.
  const encode = (part: string) => tokenizer.encode(part, { addSpecialTokens: false });
  return pieces ? pieces.flatMap((piece) => encode(piece.text)) : encode(text);
}

/**
 * True for Qwen v1, whose code encodes a conversation piece by piece (make_context, finetune.py): a line break at the
 * start of a message is then not merged with the one before it.
 */
export function encodesPieces(tokenizer: Tokenizer): boolean {
  return tokenizer.chatTemplate === QWEN_TEMPLATE;
}

/** Compiles the tokenizer's chat template, so that errors are found before any row. Throws `data.template_invalid`. */
export function checkTemplate(tokenizer: Tokenizer): void {
  compiled(tokenizer, {});
}

/** A part of a rendered conversation marked with `{% generation %}`; UTF-16 offsets. */
export interface GenerationSpan {
  start: number;
  end: number;
}

/**
 * The assistant's spans as marked by the template (`{% generation %} … {% endgeneration %}`), computed as in
 * transformers: from the current end of the text, for the length of the block, whatever filters do to it afterwards.
 * Null if the template has no such tags. Throws like {@link renderChat}.
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

/** A tokenizer's compiled templates by source, and why others cannot be compiled. */
const cache = new WeakMap<Tokenizer, Map<string, Template | GraftError>>();

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
      template = new GraftError('data.template_invalid', { detail: messageOf(error) }, { cause: error });
    }
    templates.set(source, template);
  }
  if (template instanceof GraftError) throw template;
  return template;
}

/** As in transformers, uses the template named tool_use if there are tools, otherwise the default. */
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
    // As in transformers: some templates test `tools is not none` without testing whether it is defined.
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

/** Characters shown of what a template raises: it is a stranger's text. */
const MAX_RAISED = 2000;

/**
 * Errors that a template raises concern the conversation; exceeded limits and unsupported features concern the
 * template.
 */
function renderError(error: unknown): GraftError {
  const detail = messageOf(error);
  if (!(error instanceof TemplateError) || error.kind === 'limit' || error.kind === 'unsupported') {
    return new GraftError('data.template_invalid', { detail }, { cause: error });
  }
  const raised = error.kind === 'raised' ? detail : `${error.kind}: ${detail}`;
  const shown = raised.length > MAX_RAISED ? `${raised.slice(0, MAX_RAISED)}…` : raised;
  return new GraftError('data.template_refused', { detail: shown }, { cause: error });
}
