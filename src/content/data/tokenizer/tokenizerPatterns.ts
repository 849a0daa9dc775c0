/** Maximum length and number of patterns quoted in a message; those on the Hub have about 150 characters. */
const [MAX_QUOTED, MAX_PATTERNS] = [200, 8];

/**
 * The first regular expressions that a tokenizer.json uses to split or change text, quoted for messages; "" if it has
 * none.
 */
export function tokenizerPatterns(json: Readonly<Record<string, unknown>>): string {
  const found = new Set<string>();
  const pending: unknown[] = [json.pre_tokenizer, json.normalizer];
  // Its arrays may be too long to spread, and nested too deep for a call of each level.
  for (let at = 0; at < pending.length && found.size < MAX_PATTERNS; at++) {
    const node = pending[at];
    if (typeof node !== 'object' || node === null) continue;
    const { Regex } = node as { Regex?: unknown };
    if (typeof Regex === 'string') found.add(Regex);
    for (const value of Object.values(node)) pending.push(value);
  }
  return [...found]
    .map((pattern) => (pattern.length > MAX_QUOTED ? `${pattern.slice(0, MAX_QUOTED)}…` : pattern))
    .map((pattern) => `“${pattern}”`)
    .join(', ');
}
