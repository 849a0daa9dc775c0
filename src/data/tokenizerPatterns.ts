/** Longest pattern that a message quotes; those of the Hub have about 150 characters. */
const MAX_QUOTED = 200;

/** The regular expressions by which a tokenizer.json cuts or changes text, quoted for messages; "" when it has none. */
export function tokenizerPatterns(json: Readonly<Record<string, unknown>>): string {
  const found = new Set<string>();
  const pending: unknown[] = [json.pre_tokenizer, json.normalizer];
  for (let node = pending.shift(); node !== undefined; node = pending.shift()) {
    if (typeof node !== 'object' || node === null) continue;
    const { Regex } = node as { Regex?: unknown };
    if (typeof Regex === 'string') found.add(Regex);
    pending.push(...Object.values(node).filter((value) => value !== null));
  }
  return [...found]
    .map((pattern) => (pattern.length > MAX_QUOTED ? `${pattern.slice(0, MAX_QUOTED)}…` : pattern))
    .map((pattern) => `“${pattern}”`)
    .join(', ');
}
