import { GraftError } from '../lib/errors.ts';
import type { Conversation, Message } from './conversation.ts';
import { toJsonText } from './exactJson.ts';
import { toConversation, type RowFormat } from './formats.ts';
import type { Row } from './row.ts';

/** What the text of a single row may show. */
export const looseTextFlags = [
  'emptyAnswer',
  'roleOrder',
  'replacementCharacter',
  'mojibake',
  'controlCharacter',
] as const;
export type TextFlag = (typeof looseTextFlags)[number];

/** Scripts told apart; Han with kana is Japanese. */
export type Script = 'Latin' | 'Han' | 'Japanese' | 'Hangul' | 'Cyrillic' | 'Arabic' | 'Devanagari' | 'other';

/** What the linter knows of a row by its text alone; hashes are of 53 bits, null for rows that can't be read. */
export interface RowFacts {
  /** Of all its text. */
  exact: number | null;
  /** Of its text without case, punctuation and white space; null where nothing is left of it. */
  loose: number | null;
  /** Of what comes before its last answer; null for none. */
  prompt: number | null;
  script: Script | null;
  flags: readonly TextFlag[];
}

const NOTHING: RowFacts = { exact: null, loose: null, prompt: null, script: null, flags: [] };

/** Looks at one row's text. */
export function rowFacts(row: Row, format: RowFormat): RowFacts {
  let conversation: Conversation;
  try {
    conversation = toConversation(row, format, { chosenOnly: true });
  } catch (error) {
    // Such rows are problems already.
    if (error instanceof GraftError) return NOTHING;
    throw error;
  }
  if ('inputIds' in conversation) {
    const { inputIds, labels } = conversation;
    const first = labels.findIndex((label, at) => at > 0 && label >= 0);
    const prompt = first > 0 ? inputIds.slice(0, first) : inputIds;
    return { ...NOTHING, exact: hashOf(inputIds.join(' ')), prompt: hashOf(prompt.join(' ')) };
  }
  const { texts, prompt, answers } = partsOf(conversation);
  const all = texts.join('\u0001');
  const flags: TextFlag[] = [];
  if (answers.some((answer) => answer.trim() === '')) flags.push('emptyAnswer');
  if ('messages' in conversation && !rolesAlternate(conversation.messages)) flags.push('roleOrder');
  const ascii = isAscii(all);
  if (!ascii && all.includes('\ufffd')) flags.push('replacementCharacter');
  if (!ascii && MOJIBAKE.test(all)) flags.push('mojibake');
  // oxlint-disable-next-line no-control-regex -- those are what is looked for; U+0001 parts the texts
  if (/[\u0000\u0002-\u0008\u000b\u000e-\u001f\u007f]/.test(all)) flags.push('controlCharacter');
  return {
    exact: hashOf(all),
    loose: looseHash(ascii ? all : all.normalize('NFKC')),
    prompt: prompt === null ? null : looseHash(ascii ? prompt : prompt.normalize('NFKC')),
    script: scriptOf(all.slice(0, SAMPLE)),
    flags,
  };
}

/** UTF-8 that was read as Latin-1 or Windows-1252, and what GBK makes of replacement characters. */
const MOJIBAKE =
  /[\u00c2\u00c3][\u0080-\u00bf]|[\u00e0-\u00ef][\u0080-\u00bf]{2}|\u00e2\u20ac|\u00ef\u00bb\u00bf|\u00ef\u00bf\u00bd|锟斤拷/;

function partsOf(conversation: Exclude<Conversation, { inputIds: number[] }>): {
  texts: string[];
  prompt: string | null;
  answers: string[];
} {
  if ('text' in conversation) return { texts: [conversation.text], prompt: conversation.text, answers: [] };
  if ('prompt' in conversation) {
    const { prompt, completion } = conversation;
    return { texts: [prompt, completion], prompt: prompt === '' ? null : prompt, answers: [completion] };
  }
  const { messages, firstTrained = 0 } = conversation;
  const last = messages.findLastIndex(({ role }) => role === 'assistant');
  const before = messages.slice(0, Math.max(0, last)).filter(({ role }) => role !== 'system');
  return {
    texts: messages.map((message) => `${message.role}\u0001${wordsOf(message)}`),
    prompt: before.length === 0 ? null : before.map(wordsOf).join('\n'),
    answers: messages.flatMap((message, at) =>
      message.role === 'assistant' && message.weight !== 0 && at >= firstTrained ? [wordsOf(message)] : [],
    ),
  };
}

/** All that a message says: its thought, its content and its calls. */
function wordsOf({ content, thought, calls }: Message): string {
  const parts = [thought ?? '', content, calls ? toJsonText(calls) : ''];
  return parts.filter((part) => part !== '').join('\n');
}

/** At most one system message, first; then user and assistant in turn, tools in between, an answer last. */
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
  // oxlint-disable-next-line no-control-regex -- that is what ASCII is
  return /^[\u0000-\u007f]*$/.test(text);
}

/** Characters looked at to tell a row's script. */
const SAMPLE = 2000;
/** Letters of one script among all, from which on a text is of that script. */
const MAINLY = 0.6;

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
  // A word of Han says as much as five letters of Latin, so names in Latin don't make Chinese text foreign.
  if (of('Japanese') > 0 && of('Japanese') + of('Han') > of('Latin') / 5) return 'Japanese';
  if (of('Han') > of('Latin') / 5) return 'Han';
  const [name, most] = counts.reduce((best, other) => (other[1] > best[1] ? other : best));
  return most >= letters * MAINLY ? name : 'other';
}

/** Beginnings and end of cyrb53, a hash of 53 bits in the public domain. */
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

/** What a UTF-16 unit counts as: its small letter, 0 where it is neither letter nor digit, −1 where that is not known yet. */
const folded = new Int32Array(65536).fill(-1);

function fold(unit: number): number {
  const char = String.fromCharCode(unit);
  const isSurrogate = unit >= 0xd800 && unit < 0xe000;
  return isSurrogate || /[\p{L}\p{N}]/u.test(char) ? char.toLowerCase().charCodeAt(0) : 0;
}

/**
 * The hash of letters and digits alone, words parted by one space: what two texts have in common that differ in looks
 * only. Null where nothing is left.
 */
function looseHash(text: string): number | null {
  let [a, b]: [number, number] = [...START];
  let [any, parted] = [false, false];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    let kept = folded[unit]!;
    if (kept < 0) folded[unit] = kept = fold(unit);
    if (kept === 0) {
      parted = any;
      continue;
    }
    if (parted) {
      a = Math.imul(a ^ 32, 2654435761);
      b = Math.imul(b ^ 32, 1597334677);
    }
    a = Math.imul(a ^ kept, 2654435761);
    b = Math.imul(b ^ kept, 1597334677);
    any = true;
    parted = false;
  }
  return any ? finish(a, b) : null;
}

function finish(first: number, second: number): number {
  const a = Math.imul(first ^ (first >>> 16), 2246822507) ^ Math.imul(second ^ (second >>> 13), 3266489909);
  const b = Math.imul(second ^ (second >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}
