/** How single token strings become text, derived from the `decoder` of tokenizer.json. */
export type PieceKind =
  /** GPT-2's alphabet: every byte is one printable character. */
  | { kind: 'byteLevel'; lead: 'none' }
  /** SentencePiece: `mark` is a space, and `<0xNN>` a byte if `byteFallback`. */
  | { kind: 'sentencePiece'; lead: Lead; mark: string; byteFallback: boolean };

/** What decoding strips at the start: nothing, one space, or all marks of the first token. */
export type Lead = 'none' | 'space' | 'marks';

interface DecoderJson {
  type?: unknown;
  decoders?: unknown;
  content?: unknown;
  start?: unknown;
  stop?: unknown;
  replacement?: unknown;
  prepend_scheme?: unknown;
  add_prefix_space?: unknown;
  pattern?: { String?: unknown } | null;
}

const MARK = '▁';

/** The {@link PieceKind} that the `decoder` of tokenizer.json describes; null for others. */
export function pieceKindOf(decoder: unknown): PieceKind | null {
  const steps = stepsOf(decoder);
  const names = steps.map(({ type }) => type).join(' ');
  if (names === 'ByteLevel') return { kind: 'byteLevel', lead: 'none' };
  if (names === 'Metaspace') {
    const { replacement, prepend_scheme: scheme, add_prefix_space: prefix } = steps[0]!;
    if (typeof replacement !== 'string') return null;
    const lead = scheme === 'never' || prefix === false ? 'none' : 'marks';
    return { kind: 'sentencePiece', lead, mark: replacement, byteFallback: false };
  }
  const known = /^Replace( ByteFallback)?( Fuse)?( Strip)?$/.exec(names);
  const [replace] = steps;
  if (!known || replace?.pattern?.String !== MARK || replace.content !== ' ') return null;
  const strip = known[3] === undefined ? null : steps.at(-1);
  // Only fused text is stripped once: otherwise each token is.
  const stripsOnce =
    strip?.content === ' ' && strip.start === 1 && strip.stop === 0 && known[2] !== undefined;
  if (strip && !stripsOnce) return null;
  return {
    kind: 'sentencePiece',
    lead: strip ? 'space' : 'none',
    mark: MARK,
    byteFallback: known[1] !== undefined,
  };
}

function stepsOf(decoder: unknown): DecoderJson[] {
  if (typeof decoder !== 'object' || decoder === null) return [];
  const { type, decoders } = decoder as DecoderJson;
  return type === 'Sequence' && Array.isArray(decoders)
    ? decoders.flatMap(stepsOf)
    : [decoder as DecoderJson];
}

/** The bytes of token string `token`, before anything is stripped at the start. */
export function pieceBytes(token: string, kind: PieceKind): Uint8Array {
  if (kind.kind === 'byteLevel') return byteLevelBytes(token) ?? encoder.encode(token);
  const byte = kind.byteFallback ? fallbackByte(token) : null;
  return byte === null ? encoder.encode(token.replaceAll(kind.mark, ' ')) : Uint8Array.of(byte);
}

/** The byte of a token such as `<0x0A>`; null for other tokens. */
export function fallbackByte(token: string): number | null {
  const digits = /^<0x([0-9A-Fa-f]{2}|\+[0-9A-Fa-f])>$/.exec(token)?.[1];
  return digits === undefined ? null : Number.parseInt(digits, 16);
}

const encoder = new TextEncoder();

/** Bytes of a token in GPT-2's alphabet; null if a character is not in it (then it represents itself). */
export function byteLevelBytes(token: string): Uint8Array | null {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = BYTE_OF_CHAR.get(token.charCodeAt(i));
    if (byte === undefined) return null;
    bytes[i] = byte;
  }
  return bytes;
}

/** GPT-2's `bytes_to_unicode`, [256]: printable Latin-1 bytes are themselves, the others follow from U+0100. */
export const BYTE_CHARS: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(printable ? byte : next++);
  });
})();

const BYTE_OF_CHAR: ReadonlyMap<number, number> = new Map(
  BYTE_CHARS.map((char, byte) => [char.charCodeAt(0), byte]),
);
