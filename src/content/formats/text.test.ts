import { describe, expect, it } from 'vitest';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { readJson, readJsonObject, readText, writeText } from './text.ts';

const folder = (content: Uint8Array | string): MemoryFolder => new MemoryFolder('f', { x: content });

describe('readText', () => {
  it('reads UTF-8 and drops a byte-order mark', async () => {
    expect(await readText(folder('\ufeffzwölf 😀\r\n'), 'x')).toBe('zwölf 😀\r\n');
    expect(await readText(folder(''), 'x')).toBe('');
  });

  it.each([
    [[0x61, 0xff, 0x62], 1],
    [[0xff], 0],
    [[0xc3, 0xa9, 0xc3], 2],
    [[0x61, 0xed, 0xa0, 0x80], 1],
    [[0x61, 0x62, 0xd6, 0x41, 0x63], 2],
  ])('says where bytes %j are not UTF-8', async (bytes, offset) => {
    const error = {
      file: 'x',
      offset: expect.toSatisfy((at: number) => at >= offset && at <= offset + 1) as number,
    };
    await expectGraftError(() => readText(folder(new Uint8Array(bytes)), 'x'), 'storage.bad_utf8', error);
  });

  it('names a missing file, a pointer, a web page and bad JSON', async () => {
    await expectGraftError(() => readText(folder(''), 'y'), 'storage.not_found', { file: 'y', folder: 'f' });
    await expectGraftError(
      () => readText(folder('version https://git-lfs.github.com/spec/v1'), 'x'),
      'storage.lfs_pointer',
    );
    await expectGraftError(() => readJson(folder('<html><body>'), 'x'), 'storage.html_page', { file: 'x' });
    await expectGraftError(() => readJson(folder('{"a": 1,}'), 'x'), 'storage.bad_json', { file: 'x' });
    await expectGraftError(() => readJson(folder(''), 'x'), 'storage.bad_json', { file: 'x' });
    for (const text of ['[]', 'null', '3'])
      await expectGraftError(() => readJsonObject(folder(text), 'x'), 'storage.not_object');
  });

  it('reads JSON', async () => {
    expect(await readJsonObject(folder('{"a": [1]}'), 'x')).toEqual({ a: [1] });
  });
});

describe('writeText', () => {
  it('writes UTF-8, and leaves nothing when writing fails', async () => {
    const out = folder('');
    await writeText(out, 'y', 'é');
    expect(out.files.get('y')).toEqual(new Uint8Array([0xc3, 0xa9]));
    let aborted = false;
    const failing = {
      create: async () => ({
        write: () => Promise.reject(new Error('disk')),
        close: async () => {},
        abort: async () => {
          aborted = true;
        },
      }),
    };
    await expect(writeText(failing, 'z', 'é')).rejects.toThrow('disk');
    expect(aborted).toBe(true);
  });
});
