import type { Random } from '../../base/lib/random.ts';

/** Numbers at the edges of what formats and languages hold. */
const NUMBERS = [
  '0',
  '-0',
  '-1',
  '1',
  '255',
  '65536',
  '2147483647',
  '2147483648',
  '4294967295',
  '4294967296',
  '9007199254740991',
  '9007199254740993',
  '-9007199254740993',
  '18446744073709551615',
  '1e3',
  '1.0',
  '0.5',
  '1e999',
  '-1e999',
  '1e-999',
  'NaN',
  'Infinity',
];

/** Names that objects inherit in JavaScript, and values of other types than expected. */
const WORDS = [
  'null',
  'true',
  'false',
  '[]',
  '{}',
  '""',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '"length"',
  '{"__proto__":null}',
  '[[[]]]',
  '[null]',
  '\\u0000',
  '\\ud800',
  '\\"',
  '\ufeff',
  '\u2028',
  '\u202e',
  '😀',
  '\0',
  '\r',
  '\r\n',
  '\n',
  '\t',
  ' ',
  ',',
  ':',
  '"',
  "'",
  '`',
  '\\',
  '/',
  '../',
  '%2e%2e',
  'a'.repeat(300),
];

/** Depths of nesting, from harmless to more than a stack holds. */
const DEPTHS = [2, 10, 65, 101, 600, 3000, 30_000, 100_000];
const BRACKETS = [
  ['[', ']'],
  ['{"a":', '}'],
  ['(', ')'],
  ['{%if a%}', '{%endif%}'],
  ['{{', '}}'],
] as const;

/** Inputs do not grow beyond this, so that a slow parser is told from a long input. */
const MAX_BYTES = 1 << 19;

export interface Material {
  /** What other seeds hold, to splice in. */
  others: readonly Uint8Array[];
  /** The format's own words. */
  dictionary: readonly string[];
  /** Whether numbers stand in it as text and brackets nest. */
  text: boolean;
}

/** One to eight mutations of `seed`, most often one or two. */
export function mutate(seed: Uint8Array, random: Random, material: Material): Uint8Array<ArrayBuffer> {
  let bytes: Buffer<ArrayBuffer> = Buffer.from(seed);
  do bytes = once(bytes, random, material);
  while (random.below(5) < 2 && bytes.length < MAX_BYTES);
  return new Uint8Array(bytes.subarray(0, MAX_BYTES));
}

function once(bytes: Buffer<ArrayBuffer>, random: Random, material: Material): Buffer<ArrayBuffer> {
  const at = random.below(bytes.length + 1);
  switch (random.below(material.text ? 14 : 9)) {
    case 0:
      return bytes.length === 0 ? bytes : flipped(bytes, random);
    case 1:
      return replaced(bytes, at, at, Buffer.from([random.below(256)]));
    case 2:
      return replaced(bytes, at, Math.min(bytes.length, at + 1 + short(random)), Buffer.alloc(0));
    case 3: {
      const end = Math.min(bytes.length, at + 1 + short(random));
      return replaced(bytes, end, end, bytes.subarray(at, end));
    }
    case 4:
      // Cutting off at once leaves little of a long input: half of the cuts are near the end.
      return bytes.subarray(0, random.below(2) === 0 ? at : Math.max(0, bytes.length - short(random)));
    case 5: {
      const other = material.others[random.below(material.others.length)] ?? bytes;
      const from = random.below(other.length + 1);
      const piece = other.subarray(from, Math.min(other.length, from + 1 + short(random)));
      return replaced(bytes, at, Math.min(bytes.length, at + random.below(piece.length + 1)), piece);
    }
    case 6:
      return bytes.length < 8 ? bytes : withInteger(bytes, random);
    case 7:
    case 8:
      return replaced(bytes, at, at, Buffer.from(pick(material.dictionary, random) ?? ''));
    case 9:
    case 10: {
      const value = random.below(12) === 0 ? deep(random) : pick(NUMBERS, random)!;
      return swapped(bytes, random, /-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g, value);
    }
    case 11: {
      const words = random.below(2) === 0 ? WORDS : material.dictionary;
      const word = random.below(12) === 0 ? deep(random) : (pick(words, random) ?? '');
      return swapped(bytes, random, /"(?:[^"\\\n]|\\.)*"|\b(?:true|false|null)\b/g, word);
    }
    case 12:
      return replaced(bytes, at, at, Buffer.from(pick(WORDS, random)!));
    default:
      return nested(bytes, at, random);
  }
}

/** A length: most often a few bytes, at times thousands. */
function short(random: Random): number {
  return random.below(2 ** random.below(13) + 1);
}

function pick<T>(items: readonly T[], random: Random): T | undefined {
  return items.length === 0 ? undefined : items[random.below(items.length)];
}

function flipped(bytes: Buffer<ArrayBuffer>, random: Random): Buffer<ArrayBuffer> {
  bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
  return bytes;
}

/** A little-endian integer of two, four or eight bytes at an edge: sizes, counts and offsets of binary formats. */
function withInteger(bytes: Buffer<ArrayBuffer>, random: Random): Buffer<ArrayBuffer> {
  const width = [1, 2, 4, 8][random.below(4)]!;
  const at = random.below(bytes.length - width + 1);
  const edges = [0n, 1n, (1n << BigInt(8 * width)) - 1n, 1n << BigInt(8 * width - 1), BigInt(bytes.length)];
  let value = edges[random.below(edges.length)]! + BigInt(random.below(3)) - 1n;
  for (let i = 0; i < width; i++, value >>= 8n) bytes[at + i] = Number(value & 0xffn);
  return bytes;
}

/** Exchanges one of the places that match for `text`. */
function swapped(
  bytes: Buffer<ArrayBuffer>,
  random: Random,
  places: RegExp,
  text: string,
): Buffer<ArrayBuffer> {
  // Around a random byte, so that the search is short whatever the length of the input.
  const from = Math.max(0, random.below(bytes.length + 1) - 200);
  const found = [...bytes.toString('latin1', from, from + 400).matchAll(places)];
  const place = pick(found, random);
  if (!place) return replaced(bytes, from, from, Buffer.from(text));
  const begin = from + place.index;
  return replaced(bytes, begin, begin + place[0].length, Buffer.from(text));
}

/** A JSON value of nested lists or objects. */
function deep(random: Random): string {
  const depth = DEPTHS[Math.min(random.below(DEPTHS.length), random.below(DEPTHS.length))]!;
  return random.below(2) === 0
    ? `${'['.repeat(depth)}${']'.repeat(depth)}`
    : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
}

function nested(bytes: Buffer<ArrayBuffer>, at: number, random: Random): Buffer<ArrayBuffer> {
  // The deepest are slow to make and to read.
  const depth = DEPTHS[Math.min(random.below(DEPTHS.length), random.below(DEPTHS.length))]!;
  const [open, close] = BRACKETS[random.below(BRACKETS.length)]!;
  const end = Math.min(bytes.length, at + random.below(20));
  const inner = bytes.subarray(at, end);
  const closing = random.below(4) === 0 ? '' : close.repeat(depth);
  return replaced(
    bytes,
    at,
    end,
    Buffer.concat([Buffer.from(open.repeat(depth)), inner, Buffer.from(closing)]),
  );
}

function replaced(
  bytes: Buffer<ArrayBuffer>,
  begin: number,
  end: number,
  by: Uint8Array,
): Buffer<ArrayBuffer> {
  return Buffer.concat([bytes.subarray(0, begin), by, bytes.subarray(end)]);
}
