import type { Random } from '../../../base/lib/random.ts';

/** A question or request, and the expected answer. */
export interface Exchange {
  prompt: string;
  answer: string;
}

/** A set of related exchanges. */
export interface Topic {
  name: string;
  /** Relative frequency. */
  weight: number;
  /** Whether each prompt has one right answer, so that an exam can ask it. */
  exact: boolean;
  draw(random: Random): Exchange;
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)] as T;
}

/** `count` different items, in random order. */
export function pickSome<T>(random: Random, items: readonly T[], count: number): T[] {
  const left = [...items];
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)[0] as T);
}

/** A topic given as a list of answers, each with several phrasings of the question. */
export function listTopic(
  name: string,
  weight: number,
  list: readonly { prompts: readonly string[]; answer: string }[],
): Topic {
  return {
    name,
    weight,
    exact: true,
    draw(random) {
      const { prompts, answer } = pick(random, list);
      return { prompt: pick(random, prompts), answer };
    },
  };
}

const consonants = [
  'b',
  'd',
  'f',
  'g',
  'h',
  'j',
  'k',
  'l',
  'm',
  'n',
  'p',
  'qu',
  'r',
  's',
  't',
  'v',
  'w',
  'x',
  'z',
  'ch',
  'sh',
];
const vowels = ['a', 'e', 'i', 'o', 'u', 'ee', 'oo', 'y'];
const endings = ['', '', 'n', 'r', 's', 'l', 'x', 't'];

/** An invented word of one to three syllables; sometimes a number. */
export function inventedWord(random: Random): string {
  if (random.below(6) === 0) return String(random.below(1000));
  const syllables = Array.from(
    { length: 1 + random.below(3) },
    () => pick(random, consonants) + pick(random, vowels),
  );
  return syllables.join('') + pick(random, endings);
}

/** A name not in `taken`. */
export function inventedName(random: Random, taken: readonly string[]): string {
  for (;;) {
    const name = capitalize(inventedWord(random));
    if (!/^\d/.test(name) && !taken.includes(name)) return name;
  }
}

export function capitalize(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** "a", "a and b", "a, b and c". */
export function joined(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
