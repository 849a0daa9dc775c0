import { GraftError } from '../../../base/lib/errors.ts';
import { contentOf, refusePlaceholder, type Content } from './contentParts.ts';
import {
  hasField,
  isEmpty,
  isObject,
  jsonOf,
  objectsOf,
  ownField,
  textOf,
  type Message,
  type Role,
} from './conversation.ts';
import { toJsonText } from '../files/exactJson.ts';
import { messageWeight } from './lossWeight.ts';
import { messageFieldsWith, messageMeaning } from './rowFields.ts';
import { callsOf, callsOfText } from './toolData.ts';

/** Roles by the names that datasets use for them. */
const ROLES: ReadonlyMap<string, Role> = new Map([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['human', 'user'],
  ['assistant', 'assistant'],
  ['gpt', 'assistant'],
  ['chatgpt', 'assistant'],
  ['model', 'assistant'],
  ['bot', 'assistant'],
  ['ai', 'assistant'],
  ['tool', 'tool'],
  ['observation', 'tool'],
  ['function', 'tool'],
  ['ipython', 'tool'],
  ['tool_response', 'tool'],
  ['function_response', 'tool'],
  ['function-response', 'tool'],
]);

/** Roles of assistant turns whose text is a tool call: ShareGPT's and ms-swift's. */
const CALL_ROLES = ['function_call', 'function-call', 'tool_call', 'tool_calls'];

/** Role names that chat templates know besides the four roles. */
const TEMPLATE_ROLES = ['developer', 'function', 'ipython', 'observation'];

/**
 * Reads a list of `{role, content}` or `{from, value}` objects (either spelling, or mixed), or its JSON text, as
 * messages. Tool calls in separate turns are merged into the preceding assistant turn. Throws `data.missing_field`,
 * `data.bad_field`, `data.field_not_json`, `data.unknown_role`, `data.unsupported_field`, `data.media`,
 * `data.lone_surrogate`.
 */
export function messagesOf(value: unknown, field: string): Message[] {
  const items = objectsOf(jsonOf(value, field), field).flatMap(pairOf);
  if (items.length === 0) {
    throw new GraftError('data.bad_field', {
      field,
      found: 'an empty list',
      expected: 'at least one message',
    });
  }
  const messages: Message[] = [];
  for (const [i, item] of items.entries()) {
    const message = messageOf(item, `${field}[${i}]`);
    const last = messages.at(-1);
    const joins = isCallTurn(item) && last?.role === 'assistant' && last.weight === message.weight;
    if (joins) messages[messages.length - 1] = { ...last, calls: [...(last.calls ?? []), ...message.calls!] };
    else messages.push(message);
  }
  return messages;
}

/** A question with its answer in one item, as in Capybara's rows. */
function pairOf(item: Record<string, unknown>): Record<string, unknown>[] {
  if (hasField(item, 'role') || hasField(item, 'from')) return [item];
  const { input, output } = item;
  if (typeof input !== 'string' || typeof output !== 'string') return [item];
  return [
    { role: 'user', content: input },
    { role: 'assistant', content: output },
  ];
}

function isCallTurn(item: object): boolean {
  const name = ownField(item, roleFieldOf(item));
  return typeof name === 'string' && CALL_ROLES.includes(name.toLowerCase());
}

function roleFieldOf(item: object): 'role' | 'from' {
  return !hasField(item, 'role') && hasField(item, 'from') ? 'from' : 'role';
}

/** One message. Throws like {@link messagesOf}. */
export function messageOf(item: Record<string, unknown>, path: string): Message {
  const contentField = !hasField(item, 'content') && hasField(item, 'value') ? 'value' : 'content';
  const roleField = roleFieldOf(item);
  const name = textOf(ownField(item, roleField), `${path}.${roleField}`);
  refuseUnreadable(item, path);
  const value = ownField(item, contentField);
  const fields = otherFields(item);
  const weight = messageWeight(item, path);
  const common = { ...(weight !== undefined && { weight }), ...(fields && { fields }) };
  if (CALL_ROLES.includes(name.toLowerCase())) {
    const said = typeof value === 'string' ? /^\s*<think>([\s\S]*?)<\/think>([\s\S]*)$/.exec(value) : null;
    const thought = said ? { thought: said[1]!.trim() } : {};
    const calls = callsOfText(said ? said[2] : value, `${path}.${contentField}`);
    return { role: 'assistant', content: '', ...thought, calls, ...common };
  }

  const role = ROLES.get(name.toLowerCase());
  if (role === undefined)
    throw new GraftError('data.unknown_role', { field: `${path}.${roleField}`, role: name });
  const roleName = TEMPLATE_ROLES.find((known) => known === name.toLowerCase());
  const calls = callsOf(item, path);
  // A tool result may be JSON.
  const given = role === 'tool' && isObject(value) ? toJsonText(value) : value;
  const read = readContent(item, given, `${path}.${contentField}`, calls !== undefined);
  const thought = thoughtOf(item, path, read.thought);
  if (role !== 'assistant' && (calls ?? read.calls ?? thought) !== undefined) {
    const detail = 'only the assistant has reasoning and tool calls';
    throw new GraftError('data.unsupported_field', { field: path, detail });
  }
  if (role === 'user' || role === 'system') refusePlaceholder(read.text, `${path}.${contentField}`);
  const allCalls = [...(calls ?? []), ...(read.calls ?? [])];
  return {
    role,
    content: read.text,
    ...(thought !== undefined && { thought }),
    ...(allCalls.length > 0 && { calls: allCalls }),
    ...(roleName !== undefined && { roleName }),
    ...(read.none !== undefined && { noContent: read.none }),
    ...common,
  };
}

/** The content, which may be missing in a message with tool calls or a refusal. */
function readContent(
  item: object,
  value: unknown,
  field: string,
  mayLack: boolean,
): Content & { none?: Message['noContent'] } {
  const refusal = ownField(item, 'refusal');
  const lacks = value === undefined || value === null || value === '';
  if (!isEmpty(refusal)) {
    const path = field.replace(/\w+$/, 'refusal');
    if (lacks) return { text: textOf(refusal, path) };
    throw new GraftError('data.unsupported_field', { field: path, detail: 'the message also has content' });
  }
  if (lacks && mayLack && value !== '') return { text: '', none: value === undefined ? 'absent' : null };
  return contentOf(value, field);
}

/** The thought beside the content, from one field or several that agree. */
function thoughtOf(item: object, path: string, inContent: string | undefined): string | undefined {
  let thought = inContent;
  for (const name of messageFieldsWith(item, 'thought')) {
    const text = textOf(ownField(item, name), `${path}.${name}`);
    if (thought !== undefined && thought !== text) {
      const detail = 'the message also has other reasoning';
      throw new GraftError('data.unsupported_field', { field: `${path}.${name}`, detail });
    }
    thought = text;
  }
  return thought;
}

/** Throws for fields that a text model cannot take, or whose meaning is ambiguous. */
function refuseUnreadable(item: object, path: string): void {
  const [media] = messageFieldsWith(item, 'media');
  if (media !== undefined) throw new GraftError('data.media', { field: `${path}.${media}`, found: media });
  const [mask] = messageFieldsWith(item, 'mask');
  const [span] = messageFieldsWith(item, 'span');
  const field = mask ?? span;
  if (field === undefined) return;
  const detail =
    mask !== undefined
      ? 'it is not clear whether 1 means trained or masked; use "weight"'
      : 'parts of a message cannot have weights';
  throw new GraftError('data.unsupported_field', { field: `${path}.${field}`, detail });
}

/** The other fields of the message, which templates may read. */
function otherFields(item: Record<string, unknown>): Record<string, unknown> | undefined {
  const others = Object.entries(item).filter(([name]) =>
    ['template', undefined].includes(messageMeaning(name)),
  );
  return others.length === 0 ? undefined : Object.fromEntries(others);
}
