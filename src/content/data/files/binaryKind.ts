/** Signatures (magic numbers) of binary file types. */
const MAGIC: {
  /** Byte offset of the signature; 0 by default. */
  at?: number;
  bytes: string;
  kind: string;
  /** Text may start with these bytes too, so the file must also contain binary data. */
  maybe?: true;
}[] = [
  { bytes: '\x1f\x8b', kind: 'gzip-compressed' },
  { bytes: '\x28\xb5\x2f\xfd', kind: 'zstd-compressed' },
  { at: 4, bytes: '1AY&SY', kind: 'bzip2-compressed' },
  { bytes: '\xfd7zXZ\0', kind: 'xz-compressed' },
  { bytes: '\x04\x22\x4d\x18', kind: 'lz4-compressed' },
  { bytes: '7z\xbc\xaf\x27\x1c', kind: 'a 7z archive' },
  { bytes: 'Rar!\x1a\x07', kind: 'a RAR archive' },
  { at: 257, bytes: 'ustar', kind: 'a tar archive', maybe: true },
  { bytes: 'SQLite', kind: 'an SQLite database', maybe: true },
  { bytes: 'ARROW1', kind: 'an Arrow or Feather file', maybe: true },
  { bytes: 'FEA1', kind: 'an Arrow or Feather file', maybe: true },
  { bytes: '\xff\xff\xff\xff', kind: 'an Arrow stream' },
  { bytes: 'ORC', kind: 'an ORC file', maybe: true },
  { bytes: 'Obj\x01', kind: 'an Avro file' },
  { bytes: '\x89HDF\r\n\x1a\n', kind: 'an HDF5 file' },
  { bytes: '\x93NUMPY', kind: 'a NumPy file' },
  { bytes: 'GGUF', kind: 'a GGUF file', maybe: true },
  { bytes: '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', kind: 'a legacy Office document' },
  { bytes: '%PDF-', kind: 'a PDF document' },
  { bytes: '{\\rtf', kind: 'an RTF document' },
  { bytes: '\x89PNG\r\n\x1a\n', kind: 'an image' },
  { bytes: '\xff\xd8\xff', kind: 'an image' },
  { bytes: 'GIF8', kind: 'an image', maybe: true },
  { bytes: 'II*\0', kind: 'an image' },
  { bytes: 'MM\0*', kind: 'an image' },
  { at: 8, bytes: 'WEBP', kind: 'an image', maybe: true },
  { at: 8, bytes: 'WAVE', kind: 'an audio file', maybe: true },
  { bytes: 'ID3', kind: 'an audio file', maybe: true },
  { bytes: 'fLaC', kind: 'an audio file', maybe: true },
  { bytes: 'OggS', kind: 'an audio file', maybe: true },
  { at: 4, bytes: 'ftyp', kind: 'a video', maybe: true },
  { bytes: '\x1aE\xdf\xa3', kind: 'a video' },
  { bytes: '\x7fELF', kind: 'an executable' },
];

/** Zip-based document formats, recognized by the names of their entries. */
const ZIPPED: [RegExp, string][] = [
  [/xl\/|\[Content_Types\]\.xml.*xl/s, 'an Excel workbook'],
  [/word\//, 'a Word document'],
  [/ppt\//, 'a PowerPoint document'],
  [/mimetypeapplication\/vnd\.oasis\.opendocument/, 'an OpenDocument file'],
  [/mimetypeapplication\/epub/, 'an e-book'],
  [/data\.pkl/, 'a zip archive or PyTorch pickle'],
  [/\.npy/, 'a NumPy file'],
];

/**
 * The type of a binary file from its first bytes: "gzip-compressed", "an image", …; undefined for anything that may be
 * text or Parquet.
 * @param head the first kilobytes
 * @param isText whether the encoding is known, so zero bytes are no sign of a binary file
 */
export function binaryKind(head: Uint8Array, isText: boolean): string | undefined {
  // Latin-1: one character per byte.
  const start = Array.from(head.subarray(0, 4096), (byte) => String.fromCharCode(byte)).join('');
  if (start.startsWith('PK\x03\x04') || start.startsWith('PK\x05\x06')) {
    return ZIPPED.find(([mark]) => mark.test(start))?.[1] ?? 'a zip archive';
  }
  if (/^.{4}\0{4}\{"/s.test(start)) return 'a safetensors file';
  if (start.startsWith('\x80') && head[1]! >= 2 && head[1]! <= 5) return 'a Python pickle';
  const odd = isText ? 0 : controlBytes(head);
  const known = MAGIC.find(({ at = 0, bytes, maybe }) => start.startsWith(bytes, at) && (odd > 0 || !maybe));
  return known?.kind ?? (odd >= 8 && odd * 20 > head.length ? 'a binary file' : undefined);
}

/** The number of bytes that are zero or control characters not used in text. */
function controlBytes(head: Uint8Array): number {
  let count = 0;
  for (const byte of head) if (byte < 0x08 || (byte > 0x0d && byte < 0x20 && byte !== 0x1b)) count++;
  return count;
}
