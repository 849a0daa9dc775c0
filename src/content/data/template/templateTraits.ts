import { PROBE } from './probe.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import type { TemplateMessage } from '../rows/conversation.ts';
import { renderChat } from './template.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** Input forms on which chat templates differ; found by rendering probes. */
export interface TemplateTraits {
  /** The message key from which it reads thoughts; null if it reads none. */
  thoughtKey: string | null;
  /** The form of tool call arguments: an object, JSON text, or either. */
  callArguments: 'object' | 'text' | 'either';
  /** Whether calls must be in OpenAI's shape, `{type: "function", function: {…}}`. */
  wrapsCalls: boolean;
  /** Whether contents must be lists of text parts, as templates of vision models read them. */
  wantsParts: boolean;
  /** Whether a message that only calls tools must have an empty text as content. */
  needsContent: boolean;
}

const THOUGHT_KEYS = ['reasoning_content', 'thinking', 'reasoning', 'thought', 'thoughts'];

const known = new WeakMap<Tokenizer, TemplateTraits>();

/** The traits of the tokenizer's chat template. Renders probes once and caches the result. */
export function templateTraits(tokenizer: Tokenizer): TemplateTraits {
  let traits = known.get(tokenizer);
  if (!traits) known.set(tokenizer, (traits = probeTraits(tokenizer)));
  return traits;
}

/** Whether the chat template's source contains the word, as it must to read a variable or key of that name. */
export function templateMentions(tokenizer: Tokenizer, word: string): boolean {
  return tokenizer.chatTemplate?.includes(word) ?? false;
}

/** Whether the chat template's source contains the role in quotes. */
export function knowsRole(tokenizer: Tokenizer, role: string): boolean {
  return templateMentions(tokenizer, `'${role}'`) || templateMentions(tokenizer, `"${role}"`);
}

/** Whether a chat template's source reads a message key, as `message.name` or `message['name']`. */
export function readsMessageKey(source: string, key: string): boolean {
  const name = escaped(key);
  const holder = '(?:\\b(?:message|msg|m|turn|item)|messages\\[[^\\]]*\\])';
  const access = `(?:\\.${name}(?!\\w)|\\[\\s*(?:'${name}'|"${name}")\\s*\\]|\\.get\\(\\s*['"]${name}['"])`;
  return new RegExp(`${holder}\\s*${access}|['"]${name}['"] in \\w*m`).test(source);
}

/** Whether a chat template's source reads a variable. */
export function readsVariable(source: string, name: string): boolean {
  return new RegExp(`(?<![\\w.'"])${escaped(name)}(?![\\w'"])`).test(source);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function probeTraits(tokenizer: Tokenizer): TemplateTraits {
  const wrapped = (args: unknown) => ({ type: 'function', function: { name: PROBE, arguments: args } });
  const bare = (args: unknown) => ({ name: PROBE, arguments: args });
  const withCall = (call: object, content: string | null = '') =>
    tryProbe(tokenizer, { role: 'assistant', content: '', fields: { content, tool_calls: [call] } });
  const object = { k: `${PROBE}v` };
  const text = JSON.stringify(object);

  const inParts = tryProbe(tokenizer, {
    role: 'assistant',
    content: '',
    fields: { content: textParts(PROBE) },
  });
  const asText = withCall(wrapped(text));
  const asObject = withCall(wrapped(object));
  const writesText = asText.includes(`${PROBE}v`) && !asText.includes('\\"k\\"');
  const writesObject = asObject.includes(`${PROBE}v`);
  const args = writesText ? text : object;
  return {
    thoughtKey:
      THOUGHT_KEYS.filter((key) => templateMentions(tokenizer, key)).find((key) =>
        tryProbe(tokenizer, { role: 'assistant', content: 'a', fields: { [key]: PROBE } }).includes(PROBE),
      ) ?? null,
    wantsParts:
      inParts.includes(PROBE) && !tryProbe(tokenizer, { role: 'assistant', content: PROBE }).includes(PROBE),
    callArguments: writesText && writesObject ? 'either' : writesText ? 'text' : 'object',
    wrapsCalls: !withCall(bare(args)).includes(PROBE),
    needsContent:
      !withCall(wrapped(args), null).includes(PROBE) ||
      (withCall(wrapped(args), null).includes('None') && !withCall(wrapped(args)).includes('None')),
  };
}

/** A text as a list of one part. */
export function textParts(text: string): object[] {
  return [{ type: 'text', text }];
}

/** Renders a question with the given answer; "" if the template rejects it. */
function tryProbe(tokenizer: Tokenizer, answer: TemplateMessage): string {
  const asked = Array.isArray(answer.fields?.content) ? { fields: { content: textParts('a') } } : {};
  try {
    return renderChat(tokenizer, [{ role: 'user', content: 'a', ...asked }, answer]);
  } catch (error) {
    if (error instanceof GraftError) return '';
    throw error;
  }
}
