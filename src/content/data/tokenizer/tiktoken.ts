import { GraftError } from '../../../base/lib/errors.ts';
import { tokenizerLimits } from '../programLimits.ts';
import { BYTE_CHARS } from './pieces.ts';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/;
const RANK = /^(?:0|[1-9][0-9]{0,8})$/;

/**
 * Parses a tiktoken vocabulary, whose lines are `base64 rank`: returns the tokens by rank, in GPT-2's byte alphabet.
 * `file` is for the message. Throws `data.tiktoken_line` (bad base64, bad rank, duplicate, gap) and
 * `data.tokenizer_invalid` (no tokens, a byte without a token, or more lines than `tokenizerLimits` allow).
 */
export function parseTiktoken(text: string, file: string): string[] {
  // Before lines are made: they take many times their text in memory.
  const { lines } = tokenizerLimits;
  if (hasMoreLines(text, lines)) throw invalid(file, `it has more than ${lines} lines`);
  const entries: { token: string; rank: number; line: number }[] = [];
  for (const [i, content] of text.split(/\r\n|\r|\n/).entries()) {
    if (content.trim() === '') continue;
    entries.push({ ...parseLine(content, file, i + 1), line: i + 1 });
  }

  const lineOfToken = new Map<string, number>();
  const lineOfRank = new Map<number, number>();
  const tokens = new Array<string>(entries.length);
  for (const { token, rank, line } of entries) {
    const sameToken = lineOfToken.get(token);
    if (sameToken !== undefined) throw badLine(file, line, `its token is already on line ${sameToken}`);
    const sameRank = lineOfRank.get(rank);
    if (sameRank !== undefined) throw badLine(file, line, `rank ${rank} is already on line ${sameRank}`);
    lineOfToken.set(token, line);
    lineOfRank.set(rank, line);
    tokens[rank] = token;
  }
  // Without duplicates, a rank is missing exactly if another exceeds the number of lines.
  const beyond = entries.find(({ rank }) => rank >= entries.length);
  if (beyond) {
    let missing = 0;
    while (lineOfRank.has(missing)) missing++;
    throw badLine(file, beyond.line, `rank ${beyond.rank} follows a gap: no line has rank ${missing}`);
  }

  if (entries.length === 0) throw invalid(file, 'it has no tokens');
  const byte = BYTE_CHARS.findIndex((char) => !lineOfToken.has(char));
  if (byte >= 0) throw invalid(file, `no token represents the byte 0x${byte.toString(16).padStart(2, '0')}`);
  return tokens;
}

/**
 * Recovers the merges of a tiktoken vocabulary, by rank: for each token, the last two parts when its bytes are merged
 * by tiktoken's rule (lowest rank of the joined token first, leftmost on ties). Tokens that the rule never reaches have
 * no merge; they are matched as whole words only (`ignore_merges`). Takes time that grows with the squares of the tokens'
 * lengths, so it is counted. Throws `data.tokenizer_invalid`.
 */
export function recoverMerges(tokens: readonly string[], file: string): [string, string][] {
  const { mergeSteps } = tokenizerLimits;
  let steps = mergeSteps;
  const spend = (count: number): void => {
    if ((steps -= count) < 0) throw invalid(file, `its merges take more than ${mergeSteps} steps`);
  };
  const ranks = new Map(tokens.map((token, rank) => [token, rank]));
  const merges: [string, string][] = [];
  for (const token of tokens) {
    if (token.length < 2) continue;
    const border = lastBorder(token, ranks, spend);
    if (border !== null) merges.push([token.slice(0, border), token.slice(border)]);
  }
  return merges;
}

/** The boundary of the last two parts of `token`; null if merging stops before. */
function lastBorder(
  token: string,
  ranks: ReadonlyMap<string, number>,
  spend: (steps: number) => void,
): number | null {
  /** Part i is [starts[i], starts[i + 1]); joined[i] is the rank of parts i and i + 1 together. */
  const starts = Array.from({ length: token.length + 1 }, (_, i) => i);
  const rankAt = (i: number) =>
    i + 2 < starts.length ? (ranks.get(token.slice(starts[i], starts[i + 2])) ?? Infinity) : Infinity;
  const joined = starts.slice(0, -1).map((_, i) => rankAt(i));
  while (joined.length > 2) {
    // Its parts are searched, and two of them hashed.
    spend(token.length);
    let lowest = 0;
    for (let i = 1; i < joined.length; i++) {
      if ((joined[i] as number) < (joined[lowest] as number)) lowest = i;
    }
    if (joined[lowest] === Infinity) return null;
    starts.splice(lowest + 1, 1);
    joined.splice(lowest + 1, 1);
    joined[lowest] = rankAt(lowest);
    if (lowest > 0) joined[lowest - 1] = rankAt(lowest - 1);
  }
  return starts[1] as number;
}

function parseLine(content: string, file: string, line: number): { token: string; rank: number } {
  const fields = content.trim().split(/\s+/);
  const [base64 = '', rank = ''] = fields;
  if (fields.length !== 2) throw badLine(file, line, 'it is not a token in base64 and its rank');
  if (!BASE64.test(base64)) throw badLine(file, line, `"${shortened(base64)}" is not base64`);
  if (!RANK.test(rank)) throw badLine(file, line, `"${shortened(rank)}" is not a rank`);
  const bytes = atob(base64);
  let token = '';
  for (let i = 0; i < bytes.length; i++) token += BYTE_CHARS[bytes.charCodeAt(i)];
  return { token, rank: Number(rank) };
}

/** A line ends with \n, \r or both; each counts here. */
function hasMoreLines(text: string, most: number): boolean {
  let ends = 0;
  for (let at = 0; at < text.length && ends <= most; at++) {
    const unit = text.charCodeAt(at);
    if (unit === LF || unit === CR) ends++;
  }
  return ends > most;
}

const [LF, CR] = [0x0a, 0x0d];

function shortened(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}

function badLine(file: string, line: number, detail: string): GraftError {
  return new GraftError('data.tiktoken_line', { file, line, detail });
}

function invalid(file: string, detail: string): GraftError {
  return new GraftError('data.tokenizer_invalid', { file, detail });
}
