/** How token strings become bytes; read off the `decoder` of tokenizer.json. */
export type PieceKind =
  /** GPT-2's alphabet: every byte is one printable character. */
  | { kind: 'byteLevel'; stripsLeadingSpace: false }
  /** SentencePiece: `▁` is a space, `<0xNN>` a byte when `byteFallback`. */
  | { kind: 'sentencePiece'; stripsLeadingSpace: boolean; byteFallback: boolean };

interface DecoderJson {
  type?: string;
  decoders?: DecoderJson[];
  content?: string;
  start?: number;
  prepend_scheme?: string;
  add_prefix_space?: boolean;
  pattern?: { String?: string };
}

/** Which {@link PieceKind} the `decoder` of tokenizer.json describes; null when it is another one. */
export function pieceKindOf(decoder: unknown): PieceKind | null {
  if (typeof decoder !== 'object' || decoder === null) return null;
  const json = decoder as DecoderJson;
  const steps = json.type === 'Sequence' ? (json.decoders ?? []) : [json];
  if (steps.some((step) => step.type === 'ByteLevel'))
    return { kind: 'byteLevel', stripsLeadingSpace: false };
  const metaspace = steps.find((step) => step.type === 'Metaspace');
  if (metaspace) {
    const prepends = metaspace.prepend_scheme
      ? metaspace.prepend_scheme !== 'never'
      : metaspace.add_prefix_space;
    const byteFallback = steps.some((step) => step.type === 'ByteFallback');
    return { kind: 'sentencePiece', stripsLeadingSpace: prepends ?? true, byteFallback };
  }
  const replaces = steps.some(
    (step) => step.type === 'Replace' && step.pattern?.String === '▁' && step.content === ' ',
  );
  if (!replaces) return null;
  return {
    kind: 'sentencePiece',
    stripsLeadingSpace: steps.some(
      (step) => step.type === 'Strip' && step.content === ' ' && (step.start ?? 0) > 0,
    ),
    byteFallback: steps.some((step) => step.type === 'ByteFallback'),
  };
}

/** The bytes token string `token` stands for, before any stripping. `added` tokens stand for themselves. */
export function pieceBytes(token: string, added: boolean, kind: PieceKind): Uint8Array {
  if (kind.kind === 'byteLevel') {
    return (added ? null : byteLevelBytes(token)) ?? encoder.encode(token);
  }
  const byte = !added && kind.byteFallback ? /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1] : undefined;
  if (byte !== undefined) return Uint8Array.of(Number.parseInt(byte, 16));
  return encoder.encode(added ? token : token.replaceAll('▁', ' '));
}

const encoder = new TextEncoder();

/** Bytes of a token in GPT-2's alphabet; null when a character is not in it (then it stands for itself). */
function byteLevelBytes(token: string): Uint8Array | null {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = BYTE_OF_CHAR.get(token.charCodeAt(i));
    if (byte === undefined) return null;
    bytes[i] = byte;
  }
  return bytes;
}

/** GPT-2's `bytes_to_unicode`, [256]: printable Latin-1 bytes are themselves, the others follow from U+0100 on. */
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
