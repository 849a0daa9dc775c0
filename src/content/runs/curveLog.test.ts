import { expect, it } from 'vitest';
import { createCrc32, takeCrc32 } from '../../base/lib/crc32.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { createRandom } from '../../base/lib/random.ts';
import { FaultyDisk } from '../../testing/faultyDirectory.ts';
import { CurveLog, curvesFile, readCurves, type CurveRecord } from './curveLog.ts';

const step = (n: number, loss = 1 / n): CurveRecord => ({
  kind: 'step',
  step: n,
  at: 1000 + n,
  loss,
  gradNorm: 0.5,
  lr: 1e-4,
  tokens: 7,
  contextTokens: 9,
  skipped: false,
});

it('preserves every bit of numbers, also of those that JSON lacks, and text with line breaks', async () => {
  const directory = new MemoryDirectory('run');
  const log = new CurveLog(directory);
  const records: CurveRecord[] = [
    step(1, 0.1 + 0.2),
    step(2, NaN),
    step(3, -Infinity),
    { kind: 'eval', step: 3, at: 1, loss: 1 / 3 },
    { kind: 'sample', step: 3, at: 2, prompt: 'a\nb', text: '你好\r\n"NaN"' },
  ];
  for (const record of records) await log.append(record);
  await log.flush();
  expect(await readCurves(directory)).toEqual({ records, damaged: 0 });
});

it('writes by time and by size, and all that is left at a flush', async () => {
  let now = 0;
  const directory = new MemoryDirectory('run');
  const log = new CurveLog(directory, () => now);
  const written = async () => (await readCurves(directory)).records.length;
  await log.append(step(1));
  expect(await written()).toBe(0);
  now = 1000;
  await log.append(step(2));
  expect(await written()).toBe(2);
  for (let n = 3; n < 503; n++) await log.append(step(n));
  expect(await written()).toBeGreaterThan(400);
  expect(await written()).toBeLessThan(502);
  await log.flush();
  expect(await written()).toBe(502);
});

it('drops what a resume has overtaken', async () => {
  const directory = new MemoryDirectory('run');
  const log = new CurveLog(directory);
  for (const n of [1, 2, 3, 4]) await log.append(step(n));
  await log.append({ kind: 'resumed', step: 2, at: 9 });
  await log.append(step(3, 0.25));
  await log.flush();
  const { records } = await readCurves(directory);
  expect(records.map((one) => [one.kind, one.step])).toEqual([
    ['step', 1],
    ['step', 2],
    ['resumed', 2],
    ['step', 3],
  ]);
  expect(records[3]).toEqual(step(3, 0.25));
});

it('drops what precedes the first step where a resume begins again', async () => {
  const directory = new MemoryDirectory('run');
  const log = new CurveLog(directory);
  await log.append({ kind: 'eval', step: 0, at: 1, loss: 4 });
  await log.append(step(1));
  await log.append({ kind: 'resumed', step: 0, at: 2 });
  await log.append({ kind: 'eval', step: 0, at: 3, loss: 4 });
  await log.flush();
  const { records } = await readCurves(directory);
  expect(records.map((one) => [one.kind, one.at])).toEqual([
    ['resumed', 2],
    ['eval', 3],
  ]);
});

it('drops a torn tail at any byte, and appends in its place', async () => {
  const whole = new MemoryDirectory('run');
  const log = new CurveLog(whole);
  for (const n of [1, 2, 3]) await log.append(step(n));
  await log.flush();
  const bytes = whole.files.get(curvesFile)!;
  const third = bytes.slice(0, -1).lastIndexOf(10) + 1;
  for (let end = third; end < bytes.byteLength; end++) {
    const torn = new MemoryDirectory('run', { [curvesFile]: bytes.subarray(0, end) });
    expect((await readCurves(torn)).records).toEqual([step(1), step(2)]);
    const next = new CurveLog(torn);
    await next.append(step(3));
    await next.flush();
    expect(await readCurves(torn)).toEqual({ records: [step(1), step(2), step(3)], damaged: 0 });
  }
});

it('drops a damaged line alone, whatever bit of it is wrong', async () => {
  const directory = new MemoryDirectory('run');
  const log = new CurveLog(directory);
  for (const n of [1, 2, 3]) await log.append(step(n));
  await log.flush();
  const bytes = directory.files.get(curvesFile)!;
  const [first, second] = [bytes.indexOf(10) + 1, bytes.indexOf(10, bytes.indexOf(10) + 1)];
  for (let at = first; at < second; at++) {
    bytes[at]! ^= 4;
    expect((await readCurves(directory)).records).toEqual([step(1), step(3)]);
    bytes[at]! ^= 4;
  }
});

it('counts lines that are no records as damaged, though their checksums are right', async () => {
  const crc = await createCrc32();
  const texts = [
    JSON.stringify(step(1)),
    'null',
    '5',
    '{',
    '{"kind":"eval","step":2,"at":1,"loss":"x"}',
    '{"kind":"eval","step":-1,"at":1,"loss":1}',
    '{"kind":"resumed"}',
    '{"kind":"other","step":1,"at":1}',
    JSON.stringify(step(2)),
  ];
  const lines = texts.map((text) => {
    const sum = takeCrc32(crc.update(text)).toString(16).padStart(8, '0');
    return `${sum} ${text}\n`;
  });
  const directory = new MemoryDirectory('run', { [curvesFile]: lines.join('') });
  expect(await readCurves(directory)).toEqual({ records: [step(1), step(2)], damaged: 7 });
});

it('loses nothing that was flushed, whatever call fails, and writes the rest later', async () => {
  for (const kind of ['fail', 'quota', 'half quota', 'crash'] as const) {
    for (let at = 1; at <= 6; at++) {
      const disk = new FaultyDisk();
      const log = new CurveLog(disk.root);
      await log.append(step(1));
      await log.flush();
      await log.append(step(2));
      disk.fault = { at: disk.calls + at, kind };
      const flushed = await log.flush().then(
        () => true,
        () => false,
      );
      for (const loss of ['none', 'drop', 'zero', 'reorder'] as const) {
        const { records } = await readCurves(disk.after(loss, createRandom(at)).root);
        expect(records.slice(0, flushed ? 2 : 1)).toEqual([step(1), step(2)].slice(0, flushed ? 2 : 1));
      }
      if (disk.down) continue;
      disk.fault = null;
      await log.append(step(3));
      await log.flush();
      expect(await readCurves(disk.after('drop').root)).toEqual({
        records: [step(1), step(2), step(3)],
        damaged: 0,
      });
    }
  }
});
