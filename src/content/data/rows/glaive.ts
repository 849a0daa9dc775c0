import { GraftError } from '../../../base/lib/errors.ts';
import { isObject, textOf, tryJson, type Chat, type Message } from './conversation.ts';
import { asFunctionTool } from './toolData.ts';

/*
 * Glaive's function-calling rows: `system` describes functions as JSON objects in a text, `chat` holds turns prefixed
 * with USER:, ASSISTANT: and FUNCTION RESPONSE:, with calls as <functioncall> {"name": …, "arguments": '…'}.
 */

/** Looks back for the blank line from a name alone: a search that began at blanks would take all of them at each. */
const TURN = /(?=[UAF])(?<=(?:^|\n[ \t]*\n)\s*)(USER|ASSISTANT|FUNCTION RESPONSE): ?/;
/** How a system text leads over to its functions. */
const PREFACE = /with access to the following functions\.?\s*Use them if required(?:\s*-)?(?:\s*\[)?$/i;
const CALL = /<functioncall>/;
const END = '<|endoftext|>';

/** Whether a value is the text of such a chat. */
export function isGlaiveChat(text: unknown): boolean {
  return typeof text === 'string' && TURN.test(text.slice(0, 200));
}

/** A Glaive row as a conversation with tools and tool calls. Throws `data.bad_field`, `data.missing_field`. */
export function glaiveChat(system: unknown, chat: unknown): Chat {
  const { text, tools } = readSystem(typeof system === 'string' ? system : '');
  const messages: Message[] = text === '' ? [] : [{ role: 'system', content: text }];
  const parts = textOf(chat, 'chat').split(TURN);
  if (parts[0]?.trim() !== '') throw badChat('text before the first turn');
  for (let i = 1; i + 1 < parts.length; i += 2) {
    const said = parts[i + 1]!.replaceAll(END, '').trim();
    if (parts[i] === 'USER') messages.push({ role: 'user', content: said });
    else if (parts[i] === 'ASSISTANT') messages.push(answerOf(said));
    else messages.push({ role: 'tool', content: said });
  }
  return { messages, ...(tools.length > 0 && { tools }) };
}

/** Text before a call is content; the call follows the tag. */
function answerOf(said: string): Message {
  const [content, ...calls] = said.split(CALL);
  if (calls.length === 0) return { role: 'assistant', content: said };
  return { role: 'assistant', content: content!.trim(), calls: calls.map((call) => callOf(call.trim())) };
}

/** The call's arguments are JSON in single quotes, so the whole is not valid JSON. */
function callOf(text: string): object {
  const quoted = /^\{\s*"name":\s*"([^"]*)",\s*"arguments":\s*'([\s\S]*)'\s*\}$/.exec(text);
  const given = quoted
    ? { name: quoted[1]!, arguments: tryJson(quoted[2]!.replaceAll("\\'", "'")) }
    : (tryJson(text) as Record<string, unknown> | undefined);
  if (!isObject(given) || typeof given.name !== 'string' || given.arguments === undefined) {
    throw badChat('a <functioncall> without a name and arguments');
  }
  return asFunctionTool({ name: given.name, arguments: given.arguments }) as object;
}

/** Splits the system text into the text and its function descriptions, which become tools. */
function readSystem(system: string): { text: string; tools: unknown[] } {
  const said = system.replace(/^SYSTEM: ?/, '').trim();
  const start = said.indexOf('{');
  if (start < 0) return { text: said, tools: [] };
  const tools: unknown[] = [];
  let at = start;
  while (at < said.length) {
    const end = objectEnd(said, at);
    const tool = end < 0 ? undefined : tryJson(said.slice(at, end));
    // Not Glaive's format: leave it as text.
    if (!isObject(tool)) return { text: said, tools: [] };
    tools.push(asFunctionTool(tool));
    at = end + /^[\s,\-\]]*/.exec(said.slice(end))![0].length;
    if (said[at] !== '{') break;
  }
  const rest = said.slice(at).trim();
  const before = said.slice(0, start).trimEnd().replace(PREFACE, '').trim();
  return { text: [before, rest].filter((part) => part !== '').join('\n'), tools };
}

/** Index where the JSON object that starts at `at` ends; −1 if it does not. */
function objectEnd(text: string, at: number): number {
  let depth = 0;
  let inString = false;
  for (let i = at; i < text.length; i++) {
    const char = text[i];
    if (inString) {
      if (char === '\\') i++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{') depth++;
    else if (char === '}' && --depth === 0) return i + 1;
  }
  return -1;
}

function badChat(found: string): GraftError {
  return new GraftError('data.bad_field', {
    field: 'chat',
    found,
    expected: 'turns after USER:, ASSISTANT: and FUNCTION RESPONSE:',
  });
}
