import { PROBE } from './probe.ts';
import { GraftError } from '../lib/errors.ts';
import { isEmpty, tryJson, type Chat, type Message, type TemplateMessage } from './conversation.ts';
import { toJsonText } from './exactJson.ts';
import { encodesPieces, generationSpans, renderChat, type GenerationSpan } from './template.ts';
import { knowsRole, templateMentions, templateTraits, textParts } from './templateTraits.ts';
import type { Tokenizer } from './tokenizer.ts';
import { stopIds } from './turnEnd.ts';
import { asFunctionTool, partsOfCall, withArguments } from './toolData.ts';

/** A conversation as the model's chat template writes it, with all that is needed to write parts of it again. */
export interface RenderedChat {
  tokenizer: Tokenizer;
  chat: Chat;
  /** The messages as the template was given them. */
  messages: readonly TemplateMessage[];
  variables: Readonly<Record<string, unknown>>;
  now: Date;
  text: string;
}

/**
 * Renders a conversation as transformers would: tools, documents and further variables go to the template beside the
 * messages. What the template does not write is an error, never lost without a word.
 * Throws `data.template_*`, `data.no_place`, `data.no_template`.
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

/** Renders; tools that the template cannot read as they are get OpenAI's shape. */
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

/** Whether the text is the same when message `i` lacks something: then the template does not write it. */
export function leavesOut(
  rendered: RenderedChat,
  i: number,
  without: (message: TemplateMessage) => TemplateMessage,
): boolean {
  const { messages, text } = rendered;
  const changed = messages.map((message, k) => (k === i ? without(message) : message));
  return tryRenderAgain(rendered, changed) === text;
}

/** Whether the template leaves out the thought that message `i` has in a field of its own: any other would do as well. */
export function leavesOutThought(rendered: RenderedChat, i: number): boolean {
  const { thoughtKey } = templateTraits(rendered.tokenizer);
  if (thoughtKey === null) return true;
  return leavesOut(rendered, i, (message) => ({
    ...message,
    fields: { ...message.fields, [thoughtKey]: PROBE },
  }));
}

/** The message without one of its fields, and with a text for its content. */
export function withoutField(message: TemplateMessage, name: string): TemplateMessage {
  const { [name]: _, ...fields } = message.fields ?? {};
  return { ...message, fields: 'content' in fields ? { ...fields, content: message.content } : fields };
}

/** Renders other messages, or other variables, as `rendered` was. Throws `data.template_*`. */
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

/** The parts of the text that the template marks as the assistant's; null where it marks none. */
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

/** {@link renderAgain} with other variables; null where the template refuses. */
export function tryRenderAgain(
  rendered: RenderedChat,
  messages: readonly TemplateMessage[],
  variables: Readonly<Record<string, unknown>> = {},
  addGenerationPrompt = false,
): string | null {
  try {
    return renderAgain(rendered, messages, { variables, addGenerationPrompt });
  } catch (error) {
    // Parts of a conversation may be no conversation: one that begins with an answer, say.
    if (error instanceof GraftError) return null;
    throw error;
  }
}

/** The message as the template is given it: the row's own keys, and thoughts and calls in the form it reads. */
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
    // Reading the row has seen to it that the text is an object's JSON.
    return withArguments(shaped, tryJson(args));
  }
  if (traits.callArguments === 'text' && args !== undefined && typeof args !== 'string') {
    return withArguments(shaped, toJsonText(args));
  }
  return shaped;
}

/** Answers that end with the end of their turn have it once: the template writes it. */
function withoutEnd(tokenizer: Tokenizer, content: string): string {
  // Qwen v1's own code trains them as they are.
  if (tokenizer.chatTemplate === null || encodesPieces(tokenizer)) return content;
  const said = content.trimEnd();
  const end = stopIds(tokenizer)
    .map((id) => tokenizer.tokenOf(id) ?? '')
    .find((token) => token.length > 1 && said.endsWith(token));
  return end === undefined ? content : said.slice(0, -end.length);
}

/** Hermes' rows hold tool results in the tags that templates of Qwen's kind write themselves. */
function withoutWrapper(tokenizer: Tokenizer, content: string): string {
  const inside = /^\s*<tool_response>\n?([\s\S]*?)\n?<\/tool_response>\s*$/.exec(content);
  return inside && templateMentions(tokenizer, '<tool_response>') ? inside[1]! : content;
}

/** Throws `data.no_template` for what the plain format has no way to say. */
function refuseBeyondPlain({ messages, tools, documents }: Chat): void {
  const field =
    (tools && 'tools') ??
    (documents && 'documents') ??
    (messages.some(({ calls }) => calls) ? 'tool_calls' : undefined) ??
    (messages.some(({ thought }) => thought !== undefined) ? 'reasoning_content' : undefined);
  if (field !== undefined) throw new GraftError('data.no_template', { field });
}
