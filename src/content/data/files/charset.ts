import type { ByteSource } from '../../../base/storage/types.ts';
import { firstInvalidUtf8 } from './utf8.ts';

/** Encodings older than Unicode that are read, by their names in the Encoding Standard. */
export const legacyEncodings = [
  'gb18030',
  'big5',
  'shift_jis',
  'euc-jp',
  'euc-kr',
  'windows-1252',
  'windows-1250',
  'windows-1251',
  'koi8-r',
  'windows-1253',
  'windows-1254',
  'windows-1255',
  'windows-1256',
  'windows-874',
] as const;
export type LegacyEncoding = (typeof legacyEncodings)[number];

/** What bytes that are not UTF-8 look like: one encoding, or none for certain; the likeliest first. */
export interface CharsetGuess {
  encoding: LegacyEncoding | null;
  candidates: LegacyEncoding[];
}

/** Characters that make up much of any text of a language. */
const FREQUENT: Partial<Record<LegacyEncoding, string>> = {
  gb18030:
    '的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市眼体别处总才场师书比住员九笑性通目华报立马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制解各任至清物台象记边共风战干接它许八特觉望直服毛林题建南度统色字请交爱让认算论百吃义科怎元社术结六功指思非流每青管夫连远资队跟带花快条院变联言权往展该领传近留红治决周保达办运武半候七必城父强步完革深区，。、？！：；“”（）《》您问答输出请',
  big5: '的一是不了在人有我他這中大來上個國到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可她裡後小麼心多天而能好都然沒日於起還發成事只作當想看文無開手用主行方又如前所本見經頭面公同三已老從動兩長知民樣現分將外但身些與高意進把法此實回二理美點月明其種聲全工己話兒者向情部正名定女問力機給等幾很業最間新什打便位因重被走電四第門相次東政海口使教西再平真聽世氣信北少關並內加化由卻代軍產入先山五太水萬市眼體別處總才場師書比住員，。、？！：；「」（）您問答輸出請',
  shift_jis:
    'あいうえおかがきぎくぐけげこごさざしじすずせぜそただちっつてでとどなにねのはばびべほまみめもやゆよらりるれろわをん、。ー「」！？',
  'euc-jp':
    'あいうえおかがきぎくぐけげこごさざしじすずせぜそただちっつてでとどなにねのはばびべほまみめもやゆよらりるれろわをん、。ー「」！？',
  'euc-kr':
    '이다는을의가에고하한지로도기사은를인어나자리해그서대아라시정있일수부보것들면안과장주제전만여구요으스마세상했년무게비오공원조동선우유음었생용성문신진모소위거경실내분습니까네요합입실',
  'windows-1251': 'оеаинтсрвлкмдпуяыьгзбчйхОНПВСТКИМ',
  'koi8-r': 'оеаинтсрвлкмдпуяыьгзбчйхОНПВСТКИМ',
};

/** The share of frequent characters that the right encoding has at least; wrong ones stay far below. */
const ENOUGH: Partial<Record<LegacyEncoding, number>> = {
  gb18030: 0.45,
  big5: 0.4,
  shift_jis: 0.4,
  'euc-jp': 0.4,
  'euc-kr': 0.4,
  'windows-1251': 0.6,
  'koi8-r': 0.6,
};

/** What Western European text has beside ASCII; letters only within words. */
const WESTERN_LETTERS = 'àâäáãåæçèéêëìíîïñòóôöõøœùúûüßÀÂÄÁÃÅÆÇÈÉÊËÍÎÏÑÓÔÖØŒÚÛÜ';
const WESTERN_SIGNS = '‘’‚“”„–—…•€£§°«»¿¡ºª·©®™´×½¼¾±²³µ¢¥\u00a0';
/** What Central European text reads like as Western: ł, ą and ż as signs within words, or Czech and Hungarian vowels. */
const CENTRAL =
  /\p{L}[³¹¿ºœŸ£¥]|[³¹¿£¥]\p{L}|\p{L}[ðþ]|^(?=.*[ìøè])(?=.*[šžý])|^(?=.*[õû])(?=.*[öü])(?!.*[ãçàèê])/su;
/** Letters that Central European text has others for: a few of them prove little. */
const DIFFERING = /[àèêìïñòõùûøåãæÀÈÊÌÏÑÒÕÙÛØÅÃÆ]/;
/** Letters that only Western European text has. */
const WESTERN_ONLY = /[éçñ]|(^|[^\p{L}])à([^\p{L}]|$)/u;
const FEW_SIGNS = 12;

/**
 * Tells by frequent characters which encoding older than Unicode a text has. A few bytes, or text that reads well in
 * two of them, are no proof: then `encoding` is null.
 * @param sample lines with bytes beyond ASCII
 */
export function guessCharset(sample: Uint8Array): CharsetGuess {
  const scored = legacyEncodings
    .map((encoding) => ({ encoding, score: scoreOf(sample, encoding) }))
    .filter(({ score }) => score !== null)
    .sort((a, b) => b.score! - a.score!) as { encoding: LegacyEncoding; score: number }[];
  const candidates = scored.map(({ encoding }) => encoding);
  const [best, second] = scored;
  const isClear = best && best.score >= 1 && best.score > (second?.score ?? 0) * 1.2;
  return { encoding: isClear ? best.encoding : null, candidates };
}

/** From 1 on an encoding is likely; null where the bytes cannot be it. */
function scoreOf(sample: Uint8Array, encoding: LegacyEncoding): number | null {
  const text = decoded(sample, encoding);
  if (text === null) return null;
  const signs = [...text].filter((sign) => sign > '\x7f');
  if (signs.length === 0) return null;
  // No text has control characters or unassigned ones.
  if (signs.some((sign) => /[\p{Cc}\p{Cn}\p{Co}]/u.test(sign))) return null;
  if (encoding === 'windows-1252') return westernScore(text, signs);
  const frequent = FREQUENT[encoding];
  if (frequent === undefined) return 0;
  // Accented letters of other encodings would be Cyrillic ones within Latin words.
  const mixed = text.match(/[a-z]\p{Script=Cyrillic}|\p{Script=Cyrillic}[a-z]/giu)?.length ?? 0;
  if (mixed * 4 > signs.length) return 0;
  const known = signs.filter((sign) => frequent.includes(sign)).length / signs.length;
  // Half-width katakana are what single bytes of other encodings look like.
  const odd = signs.filter((sign) => /[\uff61-\uff9f]/u.test(sign)).length / signs.length;
  return odd > 0.2 ? 0 : known / ENOUGH[encoding]!;
}

function westernScore(text: string, signs: readonly string[]): number {
  const right = signs.filter((sign) => WESTERN_LETTERS.includes(sign) || WESTERN_SIGNS.includes(sign)).length;
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  const high = signs.filter((sign) => /\p{L}/u.test(sign)).length;
  // Accents are few among plain letters, and two stand side by side in hardly any word.
  const crowded = high > 3 && high * 4 > letters;
  const pairs = text.match(/[\u00c0-\u00ff]{2}/gu)?.length ?? 0;
  if (crowded || pairs * 4 > signs.length || CENTRAL.test(text)) return 0;
  if (signs.length < FEW_SIGNS && DIFFERING.test(text) && !WESTERN_ONLY.test(text)) return 0;
  return right === signs.length ? 1.2 : right / signs.length >= 0.95 ? 1 : 0;
}

/** Text of a sample; the last character may be cut off. */
function decoded(sample: Uint8Array, encoding: LegacyEncoding): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(sample, { stream: true });
  } catch {
    return null;
  }
}

const SCAN_BYTES = 1 << 20;
const SAMPLE_BYTES = 64 << 10;

/**
 * Lines with bytes beyond ASCII from where a file has the first of them: at most 64 KiB. Null for a file of ASCII alone.
 */
export async function highSample(source: Pick<ByteSource, 'size' | 'read'>): Promise<Uint8Array | null> {
  for (let at = 0; at < source.size; at += SCAN_BYTES) {
    const bytes = await source.read(at, Math.min(SCAN_BYTES, source.size - at));
    const found = bytes.findIndex((byte) => byte >= 0x80);
    if (found < 0) continue;
    const from = bytes.lastIndexOf(0x0a, found) + 1;
    const start = at + Math.max(from, found - SAMPLE_BYTES / 2);
    return source.read(start, Math.min(SAMPLE_BYTES, source.size - start));
  }
  return null;
}

/** How well bytes read as UTF-8. */
export interface Utf8Evidence {
  /** Characters of several bytes that are intact, and bytes that are part of none. */
  valid: number;
  invalid: number;
  /** All lines; those with such characters only, and those with such bytes. */
  lines: number;
  goodLines: number;
  badLines: number;
}

/** Counts what is UTF-8 in a sample and what is not; a character cut off at its end counts as neither. */
export function utf8Evidence(sample: Uint8Array): Utf8Evidence {
  const found: Utf8Evidence = { valid: 0, invalid: 0, lines: 0, goodLines: 0, badLines: 0 };
  for (let start = 0; start < sample.length;) {
    const feed = sample.indexOf(NEWLINE, start);
    const end = feed < 0 ? sample.length : feed;
    const { valid, invalid } = countCharacters(sample.subarray(start, end));
    found.valid += valid;
    found.invalid += invalid;
    found.lines++;
    if (invalid > 0) found.badLines++;
    else if (valid > 0) found.goodLines++;
    start = end + 1;
  }
  return found;
}

const NEWLINE = 0x0a;

function countCharacters(line: Uint8Array): { valid: number; invalid: number } {
  const found = { valid: 0, invalid: 0 };
  for (let at = 0; at < line.length;) {
    const byte = line[at]!;
    if (byte < 0x80) {
      at++;
      continue;
    }
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    const character = line.subarray(at, at + length);
    const isIntact = firstInvalidUtf8(character) < 0;
    const isCut = at + length > line.length && byte >= 0xc2 && character.subarray(1).every(isContinuation);
    if (isIntact) found.valid++;
    else if (isCut) return found;
    else found.invalid++;
    at += isIntact ? length : 1;
  }
  return found;
}

const isContinuation = (byte: number): boolean => byte >= 0x80 && byte < 0xc0;
