/** A number as people write it: with a sign, thousands separated by commas, decimals, an exponent. */
const NUMBER = /[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|[-+−]?\.\d+/g;

/** The last number in a text, which is where answers have it; null without one. */
export function numberIn(text: string): number | null {
  const last = text.match(NUMBER)?.at(-1);
  return last === undefined ? null : Number(last.replaceAll(',', '').replace('−', '-'));
}
