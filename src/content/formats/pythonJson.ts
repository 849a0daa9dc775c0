/** A value that JSON can hold; Maps are written as objects, and undefined members left out. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | ReadonlyMap<string, JsonValue>
  | { readonly [key: string]: JsonValue | undefined };

/** Python's order of strings, by code point: JavaScript's own puts U+10000 and above before U+E000. */
export function byCodePoint(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** The text of Python's `json.dumps(value, indent=2, sort_keys=True)`, as transformers and PEFT write their files. */
export function pythonJson(value: JsonValue, indent = ''): string {
  if (typeof value === 'string') return asciiString(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const wrap = (open: string, items: string[], close: string): string =>
    items.length === 0
      ? open + close
      : `${open}\n${items.map((item) => inner + item).join(',\n')}\n${indent}${close}`;
  if (isList(value)) {
    return wrap(
      '[',
      value.map((item) => pythonJson(item, inner)),
      ']',
    );
  }
  const all: [string, JsonValue | undefined][] = value instanceof Map ? [...value] : Object.entries(value);
  const members = all.filter((member): member is [string, JsonValue] => member[1] !== undefined);
  members.sort(([a], [b]) => byCodePoint(a, b));
  return wrap(
    '{',
    members.map(([key, member]) => `${asciiString(key)}: ${pythonJson(member, inner)}`),
    '}',
  );
}

function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function asciiString(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
