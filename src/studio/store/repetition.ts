/** Repeats of one piece at the end of a text from which it has fallen into a loop. */
const LOOPS = 3;

/** Characters that loops must fill at least: “ha ha ha” is none. */
const LEAST = 24;

/** Words of a text, and how few of its three-word groups may be different. */
const [LONG, DISTINCT] = [24, 0.5];

/**
 * Whether a text repeats itself as models do that were trained too hard: it ends in a loop (the same piece three times or
 * more), or uses the same few words over and over.
 */
export function repeatsItself(text: string): boolean {
  return endsInLoop(text.trimEnd()) || hasFewGroups(text);
}

function endsInLoop(text: string): boolean {
  for (let period = 1; period * LOOPS <= text.length; period++) {
    let same = 0;
    while (same + period < text.length && text.at(-1 - same) === text.at(-1 - same - period)) same++;
    const repeated = same + period;
    if (repeated >= LOOPS * period && repeated >= LEAST) return true;
  }
  return false;
}

/** By words, and by characters in scripts without spaces. */
function hasFewGroups(text: string): boolean {
  const spaced = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const words = spaced.length >= LONG ? spaced : /[\u3040-\u30ff\u4e00-\u9fff]/.test(text) ? [...text] : [];
  if (words.length < LONG) return false;
  const groups = words.slice(2).map((_, i) => words.slice(i, i + 3).join(' '));
  return new Set(groups).size / groups.length < DISTINCT;
}
