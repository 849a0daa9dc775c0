const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** SentencePiece's replacement table, from `precompiled_charsmap`. */
export interface Charsmap {
  /** The characters of the text after replacement and their alignment with it; null if nothing was replaced. */
  normalize(text: string): { chars: string[]; changes: number[] } | null;
}

/**
 * Reads a precompiled charsmap: the size of a double-array trie (u32), the trie (u32 each), then the replacements, each
 * terminated by a zero byte; the trie's values are offsets into them. Throws an Error for anything else.
 */
export function readCharsmap(base64: string): Charsmap {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch (error) {
    throw new Error('normalizer.precompiled_charsmap is not base64', { cause: error });
  }
  const view = new DataView(bytes.buffer);
  const size = bytes.length >= 4 ? view.getUint32(0, true) : -1;
  if (size < 4 || size % 4 !== 0 || 4 + size > bytes.length) {
    throw new Error('normalizer.precompiled_charsmap is truncated');
  }
  const trie = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  const texts = bytes.subarray(4 + size);

  /** The replacement of the shortest prefix of `part` in the trie; null if there is none. */
  const find = (part: string): string | null => {
    let node = 0;
    node ^= offsetOf(trie[0]!);
    for (const byte of encoder.encode(part)) {
      if (byte === 0) return null;
      node ^= byte;
      const unit = trie[node];
      if (unit === undefined || (unit & ((1 << 31) | 0xff)) !== byte) return null;
      node ^= offsetOf(unit);
      if (((unit >>> 8) & 1) === 1) {
        const start = (trie[node] ?? 0) & 0x7fffffff;
        let end = start;
        while (end < texts.length && texts[end] !== 0) end++;
        return decoder.decode(texts.subarray(start, end));
      }
    }
    return null;
  };

  return {
    normalize(text) {
      const chars: string[] = [];
      const changes: number[] = [];
      let isChanged = false;
      const put = (old: string, made: string) => {
        isChanged = true;
        const fresh = Array.from(made);
        const more = fresh.length - Array.from(old).length;
        for (const [i, char] of fresh.entries()) {
          chars.push(char);
          changes.push(i >= fresh.length - more ? 1 : 0);
        }
        if (more < 0 && changes.length > 0) changes[changes.length - 1]! += more;
      };
      for (const grapheme of graphemesOf(text)) {
        // Longer ones are never in the table.
        const whole = encoder.encode(grapheme).length < 6 ? find(grapheme) : null;
        if (whole !== null) {
          put(grapheme, whole);
          continue;
        }
        for (const char of grapheme) {
          const made = find(char);
          if (made !== null) put(char, made);
          else {
            chars.push(char);
            changes.push(0);
          }
        }
      }
      return isChanged ? { chars, changes } : null;
    },
  };
}

/** Relative offset of the children of a double-array unit. */
function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
}

let segmenter: Intl.Segmenter | null = null;

function* graphemesOf(text: string): Iterable<string> {
  // Below U+0300 only CR LF is a grapheme of two.
  if (!/[\u0300-\uffff]/.test(text)) {
    for (let i = 0; i < text.length; i++) {
      if (text[i] === '\r' && text[i + 1] === '\n') {
        yield '\r\n';
        i++;
      } else yield text[i]!;
    }
    return;
  }
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  for (const { segment } of segmenter.segment(text)) yield segment;
}
