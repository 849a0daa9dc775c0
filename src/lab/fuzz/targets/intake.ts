import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { createCrc32, takeCrc32 } from '../../../base/lib/crc32.ts';
import { concatBytes } from '../../../base/lib/bytes.ts';
import { bytesSource } from '../../../base/storage/byteSource.ts';
import { centralHeader, localHeader, zipEnd } from '../../../content/formats/zipRecords.ts';
import { sniffFiles } from '../../../content/intake/sniff.ts';
import { readableSource } from '../../../content/intake/unpack/readable.ts';
import { filesOfZip } from '../../../content/intake/unpack/zipFiles.ts';
import { bytesOf, holds, type FuzzTarget } from '../target.ts';

const rows = '{"prompt":"Question 1?","completion":"Answer 1."}\n';
const fixture = (name: string): Uint8Array =>
  new Uint8Array(
    readFileSync(fileURLToPath(new URL(`../../../content/intake/fixtures/${name}`, import.meta.url))),
  );

/** A zip of stored files. */
async function zipOf(files: [name: string, content: Uint8Array][]): Promise<Uint8Array> {
  const crc = await createCrc32();
  const parts: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const [name, content] of files) {
    const record = {
      name: bytesOf(name),
      size: content.length,
      crc: takeCrc32(crc.update(content)),
      offset,
      modified: 0,
    };
    const header = localHeader(record);
    parts.push(header, content);
    central.push(centralHeader(record));
    offset += header.length + content.length;
  }
  const directory = concatBytes(central);
  return concatBytes([...parts, directory, zipEnd(files.length, directory.length, offset)]);
}

const model: [string, Uint8Array][] = [
  ['m/config.json', bytesOf('{"model_type":"llama"}')],
  ['m/model.safetensors', bytesOf('\x08\0\0\0\0\0\0\0{"a":{} }')],
];

/** A deflated zip, as Python's zipfile wrote it. */
const python = fixture('deflated.zip');

/** Unpacks a file, which must be as long as it says. */
async function unpack(name: string, input: Uint8Array<ArrayBuffer>): Promise<void> {
  const source = await readableSource(bytesSource(name, input));
  const bytes = await source.read(0, Math.min(source.size, 1 << 20));
  holds(bytes.length === Math.min(source.size, 1 << 20), 'an unpacked file is as long as it says');
}

export const intakeTargets: readonly FuzzTarget[] = [
  {
    name: 'gzip',
    text: false,
    quick: 120,
    dictionary: ['\x1f\x8b\x08', '\0\0\0\0'],
    seeds: async () => [gzipSync(rows), gzipSync(rows.repeat(200)), gzipSync(gzipSync(rows))],
    run: (input) => unpack('rows.jsonl.gz', input),
  },
  {
    name: 'zstd',
    text: false,
    quick: 240,
    dictionary: ['\x28\xb5\x2f\xfd', '\x50\x2a\x4d\x18', '\xff\xff\xff', '\0\0\0\0'],
    seeds: async () => [
      fixture('rows.jsonl.zst'),
      fixture('frames.jsonl.zst'),
      fixture('tiny.zst'),
      fixture('blocks.jsonl.zst').slice(0, 4000),
      fixture('window.jsonl.zst'),
    ],
    run: (input) => unpack('rows.jsonl.zst', input),
  },
  {
    name: 'zip-files',
    text: false,
    quick: 240,
    dictionary: [
      'PK\x01\x02',
      'PK\x03\x04',
      'PK\x05\x06',
      'PK\x06\x06',
      'PK\x06\x07',
      '\xff\xff\xff\xff',
      '../',
    ],
    seeds: async () => [await zipOf(model), await zipOf([['rows.jsonl', bytesOf(rows)]]), python],
    async run(input) {
      const files = await filesOfZip(bytesSource('a.zip', input));
      for (const { path, size, bytes } of files) {
        holds(!path.split('/').includes('..') && !path.startsWith('/'), 'no path leaves the folder');
        let total = 0;
        for await (const part of bytes()) total += part.length;
        holds(total === size, 'a file is as long as the zip says');
      }
    },
  },
  {
    name: 'intake',
    text: false,
    quick: 240,
    dictionary: [
      'GGUF\x03\0\0\0',
      'general.architecture',
      'PAR1',
      '%PDF-',
      '\x80\x04',
      '"model_type"',
      '"lr":',
    ],
    seeds: async () => [
      bytesOf(rows),
      bytesOf('{"lr":0.001,"rank":8,"epochs":1}'),
      bytesOf(
        'GGUF\x03\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x14\0\0\0\0\0\0\0general.architecture\x08\0\0\0',
      ),
      await zipOf(model),
      gzipSync(rows),
    ],
    async run(input) {
      const { items } = await sniffFiles([{ path: 'd/file', source: bytesSource('file', input) }]);
      holds(items.length > 0, 'whatever is dropped is named');
    },
  },
];
