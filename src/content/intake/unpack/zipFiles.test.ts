import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../../base/lib/bytes.ts';
import { scratchFolder } from '../../../testing/cli.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { memorySource } from '../../../testing/sources.ts';
import { filesOfZip, type ZipFile } from './zipFiles.ts';

const scratch = scratchFolder();

/** A zip that Python makes: `z` is the open ZipFile, `Z` the module. */
function pythonZip(script: string): Uint8Array {
  const path = join(scratch, 'made.zip');
  const begin = 'import sys, zipfile as Z\nwith Z.ZipFile(sys.argv[1], "w", Z.ZIP_DEFLATED) as z:\n';
  const body = script
    .trim()
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
  execFileSync('python3', ['-W', 'ignore', '-c', begin + body, path]);
  return new Uint8Array(readFileSync(path));
}

const zipOf = (bytes: Uint8Array) => filesOfZip(memorySource('made.zip', bytes));
const textOf = async (file: ZipFile) => {
  const parts: Uint8Array[] = [];
  for await (const part of file.bytes()) parts.push(part);
  return new TextDecoder().decode(concatBytes(parts));
};

describe('zips', () => {
  it('have stored and deflated files, in folders, with names in any language', async () => {
    const files = await zipOf(
      pythonZip(`
z.writestr("m/", "")
z.writestr("m/config.json", '{"a": 1}' * 500)
z.writestr(Z.ZipInfo("m/weights.bin"), b"\\x00\\x01\\x02\\x03")
z.writestr("m/数据.txt", "你好")
z.writestr("__MACOSX/m/._config.json", "x")
z.writestr("m/.DS_Store", "x")`),
    );
    expect(files.map(({ path, size }) => [path, size])).toEqual([
      ['m/config.json', 4000],
      ['m/weights.bin', 4],
      ['m/数据.txt', 6],
    ]);
    expect(await textOf(files[0]!)).toBe('{"a": 1}'.repeat(500));
    expect([...(await files[1]!.source.read(1, 2))]).toEqual([1, 2]);
    expect(new TextDecoder().decode(await files[0]!.source.read(8, 8))).toBe('{"a": 1}');
    expect(await textOf(files[2]!)).toBe('你好');
    const places = await Promise.all(files.map((file) => file.storedAt()));
    expect(places.map((place) => place === null)).toEqual([true, false, true]);
  });

  it('of zip64 are read', async () => {
    const files = await zipOf(
      pythonZip('with z.open("a.txt", "w", force_zip64=True) as f: f.write(b"long" * 9)'),
    );
    expect(await textOf(files[0]!)).toBe('long'.repeat(9));
  });

  it.each([
    ['leave the folder', 'z.writestr("../evil.txt", "x")', 'data.zip_path'],
    ['begin at the root', 'z.writestr("/etc/evil.txt", "x")', 'data.zip_path'],
    ['have a drive', 'z.writestr("C:evil.txt", "x")', 'data.zip_path'],
    ['are Windows’ own', 'z.writestr("a\\\\\\\\..\\\\\\\\evil.txt", "x")', 'data.zip_path'],
    ['are there twice', 'z.writestr("a.txt", "x")\nz.writestr("a.txt", "y")', 'data.zip_path'],
    ['are packed by bzip2', 'z.writestr("a.txt", "x" * 99, compress_type=Z.ZIP_BZIP2)', 'data.zip_method'],
  ] as const)('with paths that %s are refused', async (_, script, code) => {
    await expectGraftError(() => zipOf(pythonZip(script)), code, { file: 'made.zip' });
  });

  it('with a password, a lie or a cut are refused', async () => {
    const good = pythonZip('z.writestr("a.txt", "hello " * 50)');
    const central = good.findIndex(
      (_, at) => good[at] === 0x50 && good[at + 1] === 0x4b && good[at + 2] === 1,
    );
    const changed = (at: number, ...bytes: number[]) => {
      const copy = good.slice();
      copy.set(bytes, central + at);
      return copy;
    };
    await expectGraftError(() => zipOf(changed(8, 1)), 'data.zip_encrypted');
    await expectGraftError(() => zipOf(good.subarray(0, good.length - 30)), 'data.zip_broken');
    // Another sum, and another size: found when the file is read.
    for (const at of [16, 24]) {
      const [file] = await zipOf(changed(at, 0x77));
      await expectGraftError(() => textOf(file!), 'data.unpack_failed', { file: 'a.txt' });
    }
    // 4 GB from 20 bytes.
    await expectGraftError(() => zipOf(changed(24, 0xfe, 0xff, 0xff, 0xff)), 'data.unpack_bomb');
  });

  it('whose files share their bytes are refused', async () => {
    const path = join(scratch, 'overlap.zip');
    writeFileSync(path, pythonZip('z.writestr("a.txt", "hello" * 9)'));
    const script = `
import sys, struct
b = open(sys.argv[1], 'rb').read()
c = b.index(b'PK\\x01\\x02'); e = b.index(b'PK\\x05\\x06')
entry = b[c:e]; other = entry.replace(b'a.txt', b'b.txt')
end = b[e:e+8] + struct.pack('<HHII', 2, 2, 2 * len(entry), c) + b'\\0\\0'
open(sys.argv[1], 'wb').write(b[:c] + entry + other + end)
`;
    execFileSync('python3', ['-c', script, path]);
    await expectGraftError(() => zipOf(new Uint8Array(readFileSync(path))), 'data.zip_broken');
  });
});
