import { isEmpty, isObject, ownField, tryJson } from './conversation.ts';
import { fieldsWith, messageFieldsWith, type DataFormat } from './rowFields.ts';

/** The names that rendering errors use for parts of a conversation that a template may not support. */
const kinds = {
  tools: { row: 'tools', message: null },
  documents: { row: 'documents', message: null },
  reasoning_content: { row: 'thought', message: 'thought' },
  tool_calls: { row: null, message: 'calls' },
} as const;

/**
 * The field of a row that a chat template cannot render: `messages[1].thinking` for `reasoning_content`, for example.
 * Returns the name itself if it is not found.
 */
export function fieldPath(row: Record<string, unknown>, format: DataFormat, name: string): string {
  if (!Object.hasOwn(kinds, name)) return name;
  const kind = kinds[name as keyof typeof kinds];
  const own = kind.row === null ? undefined : fieldsWith(row, format, kind.row)[0];
  if (own !== undefined) return own;
  for (const [field, given] of Object.entries(row)) {
    const messages = typeof given === 'string' ? tryJson(given) : given;
    if (!Array.isArray(messages)) continue;
    for (const [i, message] of messages.entries()) {
      const found = isObject(message) ? fieldOfMessage(message, name, kind.message) : undefined;
      if (found !== undefined) return `${field}[${i}]${found === '' ? '' : `.${found}`}`;
    }
  }
  return name;
}

/** The message's field of that meaning; "" if it is the message itself. */
function fieldOfMessage(
  message: Record<string, unknown>,
  name: string,
  meaning: 'thought' | 'calls' | null,
): string | undefined {
  if (meaning === null) return isEmpty(ownField(message, name)) ? undefined : name;
  const [own] = messageFieldsWith(message, meaning);
  if (own !== undefined) return own;
  const role = String(ownField(message, 'role') ?? ownField(message, 'from'));
  if (meaning === 'calls' && /^(?:function|tool)[_-]calls?$/i.test(role)) return '';
  const content = ownField(message, 'content') ?? ownField(message, 'value');
  const type = meaning === 'calls' ? /call/ : /think|reason|thought/;
  const isPart = (part: unknown) => isObject(part) && type.test(String(ownField(part, 'type')));
  return Array.isArray(content) && content.some(isPart) ? 'content' : undefined;
}
