import { pythonJson, type JsonValue } from './pythonJson.ts';

/**
 * Changes members of the object that a JSON text holds; undefined takes one out, and a new one goes to the end. All
 * other members keep their text: parsed and written again, Python's 0.0 would become 0, which it refuses for a float.
 * Throws a SyntaxError where the text is not JSON.
 */
export function editJsonObject(text: string, changes: Record<string, JsonValue | undefined>): string {
  const members = memberTexts(text);
  const lines = text.includes('\n');
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) members.delete(key);
    else members.set(key, `${JSON.stringify(key)}: ${pythonJson(value, lines ? '  ' : '')}`);
  }
  const end = text.slice(text.trimEnd().length);
  const all = [...members.values()];
  return lines ? `{\n  ${all.join(',\n  ')}\n}${end}` : `{${all.join(', ')}}${end}`;
}

/** The texts of an object's members by their keys, as they stand in its JSON. */
function memberTexts(text: string): Map<string, string> {
  JSON.parse(text);
  const members = new Map<string, string>();
  let [depth, start, isInString] = [0, 0, false];
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (isInString) {
      if (char === '\\') at++;
      else isInString = char !== '"';
      continue;
    }
    isInString = char === '"';
    if (depth === 1 && (char === ',' || char === '}')) {
      const member = text.slice(start, at).trim();
      if (member !== '') members.set(Object.keys(JSON.parse(`{${member}}`) as object)[0]!, member);
      start = at + 1;
    }
    if (char === '{' || char === '[') {
      if (depth === 0) start = at + 1;
      depth++;
    } else if (char === '}' || char === ']') {
      depth--;
    }
  }
  return members;
}
