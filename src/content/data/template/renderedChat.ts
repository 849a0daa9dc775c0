import { PROBE } from './probe.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { isEmpty, tryJson, type Chat, type Message, type TemplateMessage } from '../rows/conversation.ts';
import { toJsonText } from '../files/exactJson.ts';
import { encodesPieces, generationSpans, renderChat, type GenerationSpan } from './template.ts';
import { knowsRole, templateMentions, templateTraits, textParts } from './templateTraits.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { stopIds } from '../labels/turnEnd.ts';
import { asFunctionTool, partsOfCall, withArguments } from '../rows/toolData.ts';

/** A conversation rendered by the model's chat template, with everything needed to render parts of it again. */
export interface RenderedChat {
  tokenizer: Tokenizer;
  chat: Chat;
  /** The messages as passed to the template. */
  messages: readonly TemplateMessage[];
  variables: Readonly<Record<string, unknown>>;
  now: Date;
  text: string;
}

/**
 * Renders a conversation as transformers would: tools, documents and further variables are passed to the template with
 * the messages. Anything the template does not render is an error, never silently lost. Throws `data.template_*`,
 * `data.no_place`, `data.no_template`.
 */
export function renderConversation(
  tokenizer: Tokenizer,
  chat: Chat,
  { templateArgs = {}, now }: { templateArgs?: Readonly<Record<string, unknown>>; now: Date },
): RenderedChat {
  if (tokenizer.chatTemplate === null) refuseBeyondPlain(chat);
  const messages = chat.messages.map((message) => templateMessage(tokenizer, message));
  const variables = {
    ...templateArgs,
    ...chat.variables,
    ...(chat.tools && { tools: chat.tools }),
    ...(chat.documents && { documents: chat.documents }),
  };
  const rendered = { tokenizer, chat, messages, variables, now, text: '' };
  const text = renderFirst(rendered);
  return { ...rendered, ...text };
}

/** Renders; converts tools to OpenAI's shape if the template cannot read them as they are. */
function renderFirst(rendered: RenderedChat): Pick<RenderedChat, 'text' | 'variables'> {
  const { chat, variables } = rendered;
  try {
    return { text: checked(rendered), variables };
  } catch (error) {
    const wrapped = chat.tools?.map(asFunctionTool);
    const differs = wrapped?.some((tool, i) => tool !== chat.tools![i]) ?? false;
    if (!(error instanceof GraftError) || !differs) throw error;
    const withTools = { ...variables, tools: wrapped };
    return { text: checked({ ...rendered, variables: withTools }), variables: withTools };
  }
}

function checked(rendered: RenderedChat): string {
  const { chat, variables, messages } = rendered;
  const text = renderAgain(rendered, messages);
  for (const name of ['tools', 'documents']) {
    if (isEmpty(variables[name])) continue;
    if (tryRenderAgain(rendered, messages, { [name]: null }) === text) {
      throw new GraftError('data.no_place', { field: name });
    }
  }
  const written = { ...rendered, text };
  chat.messages.forEach(({ calls }, i) => {
    const isLost = calls && leavesOut(written, i, (message) => withoutField(message, 'tool_calls'));
    if (isLost) throw new GraftError('data.no_place', { field: 'tool_calls' });
  });
  const thinks = chat.messages.some(({ thought }) => thought !== undefined);
  if (thinks && templateTraits(rendered.tokenizer).thoughtKey === null) {
    throw new GraftError('data.no_place', { field: 'reasoning_content' });
  }
  return text;
}

/** Whether the text is the same if message `i` lacks something: then the template does not render it. */
export function leavesOut(
  rendered: RenderedChat,
  i: number,
  without: (message: TemplateMessage) => TemplateMessage,
): boolean {
  const { messages, text } = rendered;
  const changed = messages.map((message, k) => (k === i ? without(message) : message));
  return tryRenderAgain(rendered, changed) === text;
}

/** Whether the template drops the thought that message `i` has in a field: any other gives the same text. */
export function leavesOutThought(rendered: RenderedChat, i: number): boolean {
  const { thoughtKey } = templateTraits(rendered.tokenizer);
  if (thoughtKey === null) return true;
  return leavesOut(rendered, i, (message) => ({
    ...message,
    fields: { ...message.fields, [thoughtKey]: PROBE },
  }));
}

/** The message without one of its fields, and with a placeholder text as content. */
export function withoutField(message: TemplateMessage, name: string): TemplateMessage {
  const { [name]: _, ...fields } = message.fields ?? {};
  return { ...message, fields: 'content' in fields ? { ...fields, content: message.content } : fields };
}

/** Renders other messages, or other variables, with the settings of `rendered`. Throws `data.template_*`. */
export function renderAgain(
  { tokenizer, variables, now }: RenderedChat,
  messages: readonly TemplateMessage[],
  changed: { addGenerationPrompt?: boolean; variables?: Readonly<Record<string, unknown>> } = {},
): string {
  const { addGenerationPrompt = false } = changed;
  return renderChat(tokenizer, messagesAsGiven(tokenizer, messages), {
    addGenerationPrompt,
    now,
    variables: { ...variables, ...changed.variables },
  });
}

/** The parts of the text that the template marks as the assistant's; null if it marks none. */
export function markedSpans(rendered: RenderedChat): GenerationSpan[] | null {
  const { tokenizer, messages, variables, now } = rendered;
  return generationSpans(tokenizer, messagesAsGiven(tokenizer, messages), { variables, now });
}

/** The messages in the form that the template reads. */
export function messagesAsGiven(
  tokenizer: Tokenizer,
  messages: readonly TemplateMessage[],
): readonly TemplateMessage[] {
  return templateTraits(tokenizer).wantsParts ? messages.map(inParts) : messages;
}

/** The message with its content as a list of one text part. */
function inParts(message: TemplateMessage): TemplateMessage {
  const { content, fields = {} } = message;
  return 'content' in fields ? message : { ...message, fields: { ...fields, content: textParts(content) } };
}

/** {@link renderAgain} with other variables; null if the template rejects them. */
export function tryRenderAgain(
  rendered: RenderedChat,
  messages: readonly TemplateMessage[],
  variables: Readonly<Record<string, unknown>> = {},
  addGenerationPrompt = false,
): string | null {
  try {
    return renderAgain(rendered, messages, { variables, addGenerationPrompt });
  } catch (error) {
    // Part of a conversation may not be a valid one, for example if it starts with an answer.
    if (error instanceof GraftError) return null;
    throw error;
  }
}

/** The message as passed to the template: the row's keys, with thoughts and calls in the form it reads. */
export function templateMessage(tokenizer: Tokenizer, message: Message): TemplateMessage {
  const { content, thought, calls, noContent } = message;
  const known = message.roleName !== undefined && knowsRole(tokenizer, message.roleName);
  const role = known ? message.roleName! : message.role;
  const fields: Record<string, unknown> = { ...message.fields };
  if (thought !== undefined || calls) {
    const traits = templateTraits(tokenizer);
    if (thought !== undefined) fields[traits.thoughtKey ?? 'reasoning_content'] = thought;
    if (calls) fields.tool_calls = calls.map((call) => templateCall(call, traits));
    if (calls && !traits.needsContent && noContent !== undefined) {
      fields.content = noContent === null ? null : undefined;
    }
  }
  const text =
    role === 'tool'
      ? withoutWrapper(tokenizer, content)
      : role === 'assistant'
        ? withoutEnd(tokenizer, content)
        : content;
  return { role, content: text, ...(Object.keys(fields).length > 0 && { fields }) };
}

function templateCall(call: object, traits: ReturnType<typeof templateTraits>): object {
  const shaped = traits.wrapsCalls ? (asFunctionTool(call) as object) : call;
  const { args } = partsOfCall(shaped);
  if (traits.callArguments === 'object' && typeof args === 'string') {
    // Reading the row has ensured that the text is a JSON object.
    return withArguments(shaped, tryJson(args));
  }
  if (traits.callArguments === 'text' && args !== undefined && typeof args !== 'string') {
    return withArguments(shaped, toJsonText(args));
  }
  return shaped;
}

/** Removes the end token from answers that have one: the template adds it. */
function withoutEnd(tokenizer: Tokenizer, content: string): string {
  // Qwen v1's own code trains them unchanged.
  if (tokenizer.chatTemplate === null || encodesPieces(tokenizer)) return content;
  const said = content.trimEnd();
  const end = stopIds(tokenizer)
    .map((id) => tokenizer.tokenOf(id) ?? '')
    .find((token) => token.length > 1 && said.endsWith(token));
  return end === undefined ? content : said.slice(0, -end.length);
}

/** Hermes' rows wrap tool results in the tags that Qwen-like templates add themselves. */
function withoutWrapper(tokenizer: Tokenizer, content: string): string {
  const inside = /^\s*<tool_response>\n?([\s\S]*?)\n?<\/tool_response>\s*$/.exec(content);
  return inside && templateMentions(tokenizer, '<tool_response>') ? inside[1]! : content;
}

/** Throws `data.no_template` for content that the plain format cannot express. */
function refuseBeyondPlain({ messages, tools, documents }: Chat): void {
  const field =
    (tools && 'tools') ??
    (documents && 'documents') ??
    (messages.some(({ calls }) => calls) ? 'tool_calls' : undefined) ??
    (messages.some(({ thought }) => thought !== undefined) ? 'reasoning_content' : undefined);
  if (field !== undefined) throw new GraftError('data.no_template', { field });
}
