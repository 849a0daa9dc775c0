/** Levels of nesting that are written out. */
const MAX_DEPTH = 16;

/**
 * A value as JSON for a message, at most `length` characters and an ellipsis. No value beyond that is
 * looked at, so that neither nesting nor size of a stranger's value matters: `JSON.stringify` overflows the stack.
 */
export function shortJson(value: unknown, length = 200): string {
  const out = { text: '' };
  write(value, out, length, 0);
  return out.text.length > length ? `${out.text.slice(0, length)}…` : out.text;
}

function write(value: unknown, out: { text: string }, length: number, depth: number): void {
  if (out.text.length > length) return;
  if (typeof value === 'string') {
    out.text += JSON.stringify(value.slice(0, length + 1));
    return;
  }
  if (typeof value !== 'object' || value === null) {
    out.text += typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? String(value));
    return;
  }
  if (depth >= MAX_DEPTH) {
    out.text += '…';
    return;
  }
  const isList = Array.isArray(value);
  out.text += isList ? '[' : '{';
  for (const [i, key] of (isList ? value : Object.keys(value)).entries()) {
    if (i > 0) out.text += ',';
    if (!isList) out.text += `${JSON.stringify((key as string).slice(0, length + 1))}:`;
    write(isList ? key : (value as Record<string, unknown>)[key as string], out, length, depth + 1);
    if (out.text.length > length) return;
  }
  out.text += isList ? ']' : '}';
}
