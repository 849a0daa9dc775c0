import { JsonScanner } from './jsonScanner.ts';
import { pythonJson, type JsonValue } from './pythonJson.ts';

/**
 * Changes members of the object that a JSON text holds; undefined takes one out, and a new one goes to the end. All
 * other members keep their text: parsed and written again, Python's 0.0 would become 0, which it refuses for a float.
 * Throws JsonSyntaxError.
 */
export function editJsonObject(text: string, changes: Record<string, JsonValue | undefined>): string {
  const scanner: JsonScanner = new JsonScanner(text);
  const members = new Map<string, string>();
  scanner.object((key, position) => {
    scanner.skipValue();
    members.set(key, text.slice(position, scanner.position).trimEnd());
  });
  scanner.end();
  const lines = text.includes('\n');
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) members.delete(key);
    else members.set(key, `${JSON.stringify(key)}: ${pythonJson(value, lines ? '  ' : '')}`);
  }
  const end = /\s*$/.exec(text)![0];
  const all = [...members.values()];
  return lines ? `{\n  ${all.join(',\n  ')}\n}${end}` : `{${all.join(', ')}}${end}`;
}
