import { byteLevelBytes, fallbackByte } from './pieces.ts';
import type { Fields } from './fields.ts';
import { spendGrowth } from './growth.ts';
import { readPattern } from './normalizers.ts';
import { readPrependScheme } from './preTokenizers.ts';
import { matchesOf } from './split.ts';

const encoder = new TextEncoder();
const lossy = new TextDecoder('utf-8', { ignoreBOM: true });
const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

/** One decoding step. The text is the concatenation of the remaining strings. */
export type Decoder = (tokens: string[]) => string[];

/** Builds the `decoder` of tokenizer.json. Throws an Error that names the unsupported feature. */
export function readDecoder(fields: Fields): Decoder {
  const step = readStep(fields);
  return (tokens) => {
    const made = step(tokens);
    spendGrowth(made.reduce((sum, token) => sum + token.length, 1 + made.length));
    return made;
  };
}

function readStep(fields: Fields): Decoder {
  switch (fields.type) {
    case 'Sequence': {
      const steps = fields.parts('decoders').map(readDecoder);
      return (tokens) => steps.reduce((before, step) => step(before), tokens);
    }
    case 'ByteLevel':
      return (tokens) => [
        lossy.decode(joinBytes(tokens.map((token) => byteLevelBytes(token) ?? encoder.encode(token)))),
      ];
    case 'ByteFallback':
      return byteFallback;
    case 'Fuse':
      return (tokens) => [tokens.join('')];
    case 'Metaspace':
      return metaspace(fields.char('replacement'), readPrependScheme(fields) !== 'never');
    case 'Replace':
      return replace(fields);
    case 'Strip':
      return strip(fields.char('content'), fields.count('start'), fields.count('stop'));
    case 'WordPiece':
      return wordPiece(fields.string('prefix'), fields.boolean('cleanup'));
    case 'BPEDecoder':
      return bpe(fields.string('suffix'));
    default:
      return fields.refuse(`the decoder ${fields.type ?? 'without a type'}`);
  }
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Consecutive bytes are decoded as UTF-8 together, or each is a replacement character. */
const byteFallback: Decoder = (tokens) => {
  const made: string[] = [];
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length === 0) return;
    try {
      made.push(strict.decode(Uint8Array.from(bytes)));
    } catch {
      for (const _ of bytes) made.push('\ufffd');
    }
    bytes = [];
  };
  for (const token of tokens) {
    const byte = fallbackByte(token);
    if (byte !== null) bytes.push(byte);
    else {
      flush();
      made.push(token);
    }
  }
  flush();
  return made;
};

function metaspace(mark: string, prepends: boolean): Decoder {
  return (tokens) => tokens.map((token, i) => token.replaceAll(mark, i === 0 && prepends ? '' : ' '));
}

function replace(fields: Fields): Decoder {
  const { regex } = readPattern(fields, 'pattern');
  const content = fields.string('content');
  return (tokens) =>
    tokens.map((token) => {
      const matches = matchesOf(regex, token);
      spendGrowth(token.length + (matches.length / 2) * content.length);
      let made = '';
      let last = 0;
      for (let i = 0; i < matches.length; i += 2) {
        made += token.slice(last, matches[i]) + content;
        last = matches[i + 1]!;
      }
      return made + token.slice(last);
    });
}

function strip(content: string, start: number, stop: number): Decoder {
  return (tokens) =>
    tokens.map((token) => {
      const chars = Array.from(token);
      let first = 0;
      while (first < start && first < chars.length && chars[first] === content) first++;
      let last = chars.length;
      while (chars.length - last < stop && last > first && chars[last - 1] === content) last--;
      return chars.slice(first, last).join('');
    });
}

const CLEANUPS: readonly [string, string][] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [' do not', " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

function wordPiece(prefix: string, cleanup: boolean): Decoder {
  return (tokens) =>
    tokens.map((token, i) => {
      const text = i === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
      return cleanup ? CLEANUPS.reduce((made, [from, to]) => made.replaceAll(from, to), text) : text;
    });
}

function bpe(suffix: string): Decoder {
  return (tokens) => tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? '' : ' '));
}
