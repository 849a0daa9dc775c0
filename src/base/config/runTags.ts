/** The most tags of a run, and the most characters of one. */
const [MAX_TAGS, MAX_LENGTH] = [12, 32];

/** Tags as they are typed, with commas between: without empty ones and repetitions. */
export function parseTags(text: string): string[] {
  const words = text
    .split(/[,，、;；\n]/u)
    .map((word) => word.replace(/\s+/gu, ' ').trim().slice(0, MAX_LENGTH));
  const seen = new Set<string>();
  return words
    .filter((word) => {
      const known = seen.has(word.toLowerCase());
      seen.add(word.toLowerCase());
      return word !== '' && !known;
    })
    .slice(0, MAX_TAGS);
}
