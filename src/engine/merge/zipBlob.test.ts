import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { centralHeader, localHeader, zipEnd } from '../../content/formats/zipRecords.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { zipBlob } from './zipBlob.ts';

const scratch = scratchFolder();

/** Names, sizes and first and last bytes in a zip, as Python reads them; it checks every CRC of small files. */
const reader = `
import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
found = []
for info in z.infolist():
    assert info.compress_type == zipfile.ZIP_STORED
    with z.open(info) as f:
        f.seek(max(0, info.file_size - 4))
        last = f.read()
    whole = len(z.read(info)) if info.file_size < 1 << 30 else None
    found.append([info.filename, info.file_size, list(last), whole, info.date_time[0]])
print(json.dumps(found))
`;
const readZip = (path: string): unknown[] =>
  JSON.parse(execFileSync('python3', ['-c', reader, path], { encoding: 'utf8' })) as unknown[];

it('stores files unchanged, with the known or computed CRC', async () => {
  const weights = Uint8Array.from({ length: 5_000_000 }, (_, i) => i * 7);
  const entries = [
    { name: 'config.json', blob: new Blob(['{"a": 1}']), crc: null },
    { name: 'Grüße.txt', blob: new Blob(['Grüße']), crc: null },
    { name: 'empty.txt', blob: new Blob([]), crc: 0 },
    { name: 'model.safetensors', blob: new Blob([weights]), crc: null },
  ];
  const zip = await zipBlob(entries, 'tiny-merged', new Date(2026, 4, 3, 2, 1));
  const path = join(scratch, 'tiny.zip');
  writeFileSync(path, new Uint8Array(await zip.arrayBuffer()));
  const last = [...weights.slice(-4)];
  expect(readZip(path)).toEqual([
    ['tiny-merged/config.json', 8, [...Buffer.from(': 1}')], 8, 2026],
    ['tiny-merged/Grüße.txt', 7, [...Buffer.from('Grüße').subarray(-4)], 7, 2026],
    ['tiny-merged/empty.txt', 0, [], 0, 2026],
    ['tiny-merged/model.safetensors', 5_000_000, last, 5_000_000, 2026],
  ]);
  // Checked by another program, which verifies every CRC.
  execFileSync('python3', ['-m', 'zipfile', '-t', path]);
  const wrong = await zipBlob([{ ...entries[0]!, crc: 1 }], 'tiny');
  writeFileSync(path, new Uint8Array(await wrong.arrayBuffer()));
  expect(execFileSync('python3', ['-m', 'zipfile', '-t', path], { encoding: 'utf8' })).toMatch('config.json');
});

it('stores sizes and offsets beyond 4 GiB as zip64', () => {
  const path = join(scratch, 'large.zip');
  const file = openSync(path, 'w');
  const names = ['m/small', 'm/large', 'm/after', 'm/exact'];
  // 0xffffffff itself no longer fits.
  const sizes = [5, 2 ** 32 + 9, 3, 2 ** 32 - 1];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const [i, name] of names.entries()) {
    const size = sizes[i]!;
    // Sparse except for its last bytes; it is never read completely, so its CRC does not matter.
    const record = { name: Buffer.from(name), size, crc: 0, offset, modified: 0x5aa30000 };
    const header = localHeader(record);
    writeSync(file, header, 0, header.byteLength, offset);
    const start = offset + header.byteLength;
    writeSync(
      file,
      Buffer.from([i, 1, 2, 3]).subarray(0, Math.min(4, size)),
      0,
      Math.min(4, size),
      start + size - Math.min(4, size),
    );
    central.push(centralHeader(record));
    offset = start + size;
  }
  const directory = Buffer.concat(central);
  ftruncateSync(file, offset);
  writeSync(file, directory, 0, directory.byteLength, offset);
  const end = zipEnd(names.length, directory.byteLength, offset);
  writeSync(file, end, 0, end.byteLength, offset + directory.byteLength);
  closeSync(file);
  const script = `
import json, sys, zipfile
print(json.dumps([[i.filename, i.file_size, i.header_offset] for i in zipfile.ZipFile(sys.argv[1]).infolist()]))
for name in sys.argv[2:]:
    with zipfile.ZipFile(sys.argv[1]).open(name) as f: pass
`;
  const printed = execFileSync('python3', ['-c', script, path, ...names], { encoding: 'utf8' });
  const found = JSON.parse(printed) as [string, number, number][];
  expect(found.map(([name, size]) => [name, size])).toEqual(names.map((name, i) => [name, sizes[i]]));
  expect(found[3]![2]).toBeGreaterThan(2 ** 32);
});
