import { GraftError } from '../../../base/lib/errors.ts';
import type { Conversation, Message } from '../rows/conversation.ts';
import { toJsonText } from '../files/exactJson.ts';
import { toConversation, type RowFormat } from '../rows/formats.ts';
import type { Row } from '../files/row.ts';
import { languageOf, type Language } from './language.ts';
import { secretsIn } from './secrets.ts';

/** Findings from the text of a single row. */
export const looseTextFlags = [
  'emptyAnswer',
  'roleOrder',
  'replacementCharacter',
  'mojibake',
  'controlCharacter',
  'endsWithPrompt',
  'secret',
  'personal',
] as const;
export type TextFlag = (typeof looseTextFlags)[number];

/** Scripts that are distinguished; Han with kana is Japanese. */
export type Script = 'Latin' | 'Han' | 'Japanese' | 'Hangul' | 'Cyrillic' | 'Arabic' | 'Devanagari' | 'other';

/** Facts about a row from its text alone; hashes have 53 bits and are null for rows that can't be read. */
export interface RowFacts {
  /** Hash of all its text. */
  exact: number | null;
  /** Hash of its text without case, punctuation and whitespace; null if nothing remains. */
  loose: number | null;
  /** Hash of what precedes its last answer; null if nothing does. */
  prompt: number | null;
  /** Hash of all that precedes its last answer, system messages included, and of that answer; null where there is none. */
  asked: number | null;
  answer: number | null;
  /** Characters of its trained answers. */
  answerLength: number;
  script: Script | null;
  /** Of a text in Latin letters. */
  language: Language | null;
  /** What looks like a secret or a personal detail in it, masked. */
  secrets: readonly string[];
  personal: readonly string[];
  flags: readonly TextFlag[];
}

const NOTHING: RowFacts = {
  exact: null,
  loose: null,
  prompt: null,
  asked: null,
  answer: null,
  answerLength: 0,
  script: null,
  language: null,
  secrets: [],
  personal: [],
  flags: [],
};

/** Computes the facts of a row. */
export function rowFacts(row: Row, format: RowFormat): RowFacts {
  let conversation: Conversation;
  try {
    conversation = toConversation(row, format, { chosenOnly: true });
  } catch (error) {
    // Such rows are already reported as problems.
    if (error instanceof GraftError) return NOTHING;
    throw error;
  }
  if ('inputIds' in conversation) {
    const { inputIds, labels } = conversation;
    const first = labels.findIndex((label, at) => at > 0 && label >= 0);
    const prompt = first > 0 ? inputIds.slice(0, first) : inputIds;
    return { ...NOTHING, exact: hashOf(inputIds.join(' ')), prompt: hashOf(prompt.join(' ')) };
  }
  const { texts, prompt, asked, answers } = partsOf(conversation);
  const all = texts.join('\u0001');
  const flags: TextFlag[] = [];
  if (answers.some((answer) => answer.trim() === '')) flags.push('emptyAnswer');
  if ('messages' in conversation && !rolesAlternate(conversation.messages)) flags.push('roleOrder');
  const ascii = isAscii(all);
  if (!ascii && all.includes('\ufffd')) flags.push('replacementCharacter');
  if (!ascii && MOJIBAKE.test(all)) flags.push('mojibake');
  // oxlint-disable-next-line no-control-regex -- control characters are the target; U+0001 separates the texts
  if (/[\u0000\u0002-\u0008\u000b\u000e-\u001f\u007f]/.test(all)) flags.push('controlCharacter');
  if ('messages' in conversation && conversation.messages.at(-1)?.role === 'user')
    flags.push('endsWithPrompt');
  const secrets = secretsIn(all);
  const maskedOf = (kind: 'secret' | 'personal') =>
    secrets.flatMap((one) => (one.kind === kind ? [one.masked] : []));
  for (const kind of ['secret', 'personal'] as const) if (maskedOf(kind).length > 0) flags.push(kind);
  const looseOf = (text: string) => looseHash(ascii ? text : text.normalize('NFKC'));
  const sample = all.slice(0, MAX_SAMPLED_CHARACTERS);
  const script = scriptOf(sample);
  return {
    exact: hashOf(all),
    loose: looseOf(all),
    prompt: prompt === null ? null : looseOf(prompt),
    asked: asked === null ? null : looseOf(asked),
    answer: asked === null || answers.length === 0 ? null : looseOf(answers.at(-1)!),
    answerLength: answers.reduce((sum, answer) => sum + answer.length, 0),
    script,
    language: script === 'Latin' ? languageOf(sample) : null,
    secrets: maskedOf('secret'),
    personal: maskedOf('personal'),
    flags,
  };
}

/** UTF-8 decoded as Latin-1 or Windows-1252, and replacement characters decoded as GBK. */
const MOJIBAKE =
  /[\u00c2\u00c3][\u0080-\u00bf]|[\u00e0-\u00ef][\u0080-\u00bf]{2}|\u00e2\u20ac|\u00ef\u00bb\u00bf|\u00ef\u00bf\u00bd|锟斤拷/;

function partsOf(conversation: Exclude<Conversation, { inputIds: number[] }>): {
  texts: string[];
  prompt: string | null;
  /** The prompt with its system messages; null where no answer follows. */
  asked: string | null;
  answers: string[];
} {
  if ('text' in conversation)
    return { texts: [conversation.text], prompt: conversation.text, asked: null, answers: [] };
  if ('prompt' in conversation) {
    const { prompt, completion } = conversation;
    const asked = prompt === '' ? null : prompt;
    return { texts: [prompt, completion], prompt: asked, asked, answers: [completion] };
  }
  const { messages, firstTrained = 0 } = conversation;
  const last = messages.findLastIndex(({ role }) => role === 'assistant');
  const all = messages.slice(0, Math.max(0, last));
  const before = all.filter(({ role }) => role !== 'system');
  return {
    texts: messages.map((message) => `${message.role}\u0001${wordsOf(message)}`),
    prompt: before.length === 0 ? null : before.map(wordsOf).join('\n'),
    asked: before.length === 0 ? null : all.map(wordsOf).join('\n'),
    answers: messages.flatMap((message, at) =>
      message.role === 'assistant' && message.weight !== 0 && at >= firstTrained ? [wordsOf(message)] : [],
    ),
  };
}

/** All text of a message: its thought, content and tool calls. */
function wordsOf({ content, thought, calls }: Message): string {
  const parts = [thought ?? '', content, calls ? toJsonText(calls) : ''];
  return parts.filter((part) => part !== '').join('\n');
}

/**
 * Whether there is at most one system message, first; then user and assistant alternate, with tools in between, and an
 * answer ends it.
 */
function rolesAlternate(messages: readonly Message[]): boolean {
  const turns = messages[0]?.role === 'system' ? messages.slice(1) : messages;
  return turns.every(({ role }, at) => {
    const before = turns[at - 1]?.role ?? null;
    if (role === 'system') return false;
    if (role === 'user') return before === null || before === 'assistant';
    if (role === 'assistant') return before !== 'assistant' && (before !== null || turns.length === 1);
    return before === 'assistant' || before === 'tool' || before === 'user';
  });
}

function isAscii(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- the range is ASCII
  return /^[\u0000-\u007f]*$/.test(text);
}

/** Number of characters sampled to find a row's script. */
const MAX_SAMPLED_CHARACTERS = 2000;
/** Minimum share of letters in one script for a text to be in that script. */
const MIN_SCRIPT_SHARE = 0.6;

const scripts: readonly [Script, RegExp][] = [
  ['Japanese', /[\u3040-\u30ff]/g],
  ['Han', /\p{Script=Han}/gu],
  ['Hangul', /\p{Script=Hangul}/gu],
  ['Cyrillic', /\p{Script=Cyrillic}/gu],
  ['Arabic', /\p{Script=Arabic}/gu],
  ['Devanagari', /\p{Script=Devanagari}/gu],
  ['Latin', /\p{Script=Latin}/gu],
];

function scriptOf(sample: string): Script | null {
  if (isAscii(sample)) return /[a-z]/i.test(sample) ? 'Latin' : null;
  const counts = scripts.map(([name, pattern]) => [name, sample.match(pattern)?.length ?? 0] as const);
  const letters = counts.reduce((sum, [, count]) => sum + count, 0);
  if (letters === 0) return null;
  const of = (script: Script) => counts.find(([name]) => name === script)![1];
  // A Han character weighs as much as five Latin letters, so Latin names don't make Chinese text foreign.
  if (of('Japanese') > 0 && of('Japanese') + of('Han') > of('Latin') / 5) return 'Japanese';
  if (of('Han') > of('Latin') / 5) return 'Han';
  const [name, most] = counts.reduce((best, other) => (other[1] > best[1] ? other : best));
  return most >= letters * MIN_SCRIPT_SHARE ? name : 'other';
}

/** Initial values and finalizer of cyrb53, a 53-bit hash in the public domain. */
const START = [0xdeadbeef, 0x41c6ce57] as const;

function hashOf(text: string): number {
  let [a, b]: [number, number] = [...START];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  return finish(a, b);
}

/** Lookup table per UTF-16 unit: its lowercase letter, 0 if it is neither letter nor digit, −1 if not computed yet. */
const folded = new Int32Array(65536).fill(-1);

function fold(unit: number): number {
  const char = String.fromCharCode(unit);
  const isSurrogate = unit >= 0xd800 && unit < 0xe000;
  return isSurrogate || /[\p{L}\p{N}]/u.test(char) ? char.toLowerCase().charCodeAt(0) : 0;
}

/**
 * Hash of letters and digits only, words separated by one space: equal for texts that differ only in case, punctuation
 * and spacing. Null if nothing remains.
 */
function looseHash(text: string): number | null {
  let [a, b]: [number, number] = [...START];
  let [any, separated] = [false, false];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    let letter = folded[unit]!;
    if (letter < 0) folded[unit] = letter = fold(unit);
    if (letter === 0) {
      separated = any;
      continue;
    }
    if (separated) {
      a = Math.imul(a ^ 32, 2654435761);
      b = Math.imul(b ^ 32, 1597334677);
    }
    a = Math.imul(a ^ letter, 2654435761);
    b = Math.imul(b ^ letter, 1597334677);
    any = true;
    separated = false;
  }
  return any ? finish(a, b) : null;
}

function finish(first: number, second: number): number {
  const a = Math.imul(first ^ (first >>> 16), 2246822507) ^ Math.imul(second ^ (second >>> 13), 3266489909);
  const b = Math.imul(second ^ (second >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}
