import { describe, expect, it } from 'vitest';
import { GraftError } from '../../base/lib/errors.ts';
import { someJob } from '../../testing/memoryJob.ts';
import { writeBytes } from '../formats/text.ts';
import { jobFile } from './jobFile.ts';
import type { JobRow } from './jobTable.ts';
import { tableBytes } from './jobTable.ts';
import { readJob, readJobCurves, readJobRows, readResult, readTargets } from './readJob.ts';

/** All of a job's texts and tables, read. */
async function readAll({ source }: Awaited<ReturnType<typeof someJob>>) {
  const job = await readJob(source);
  const rows = await readJobRows(source, job);
  const [result, curves, targets] = [
    await readResult(source, job),
    await readJobCurves(source, job),
    await readTargets(source),
  ];
  return { job, rows, result, curves, targets };
}

const row: JobRow = {
  place: { step: 2, micro: 0 },
  rows: [0],
  ids: [1, 2, 3],
  labels: [-100, 2, 3],
  weights: null,
  packed: null,
};
const shape = { placed: true, packed: false, weighted: false };

it('reads a job with what a cluster did of it', async () => {
  const { job, rows, result, curves, targets } = await readAll(await someJob());
  expect(job).toMatchObject({ step: 1, totalSteps: 4 });
  expect(rows.train.offsets.length).toBe(5);
  expect(result?.done.map(({ step, loss }) => [step, loss])).toEqual([
    [2, Number.NaN],
    [3, Number.NaN],
  ]);
  expect(curves.map(({ kind, step }) => [kind, step])).toEqual([['step', 1]]);
  expect([...targets.keys()]).toEqual([2, 3, 4]);
});

describe('a job that others made', () => {
  it.each<[string, object, string]>([
    ['names a file outside', { files: [{ path: '../x', size: 1, sha256: '0'.repeat(64) }] }, 'job.changed'],
    [
      'names one by an absolute path',
      { files: [{ path: '/etc/passwd', size: 1, sha256: '0'.repeat(64) }] },
      'job.changed',
    ],
    ['claims a size', { files: [{ path: jobFile, size: 2 ** 50, sha256: '0'.repeat(64) }] }, 'job.changed'],
    [
      'claims very many rows',
      { data: { file: 'a', rows: 2 ** 52, evalRows: 0, tokens: 1, trainedTokens: 1 } },
      'job.not_a_job',
    ],
    [
      'claims evaluation rows',
      { data: { file: 'a', rows: 4, evalRows: 9, tokens: 1, trainedTokens: 1 } },
      'job.not_a_job',
    ],
    [
      'claims fewer rows than it has',
      { data: { file: 'a', rows: 3, evalRows: 0, tokens: 1, trainedTokens: 1 } },
      'job.not_a_job',
    ],
  ])('%s, and is refused', async (_, change, code) => {
    const made = await someJob();
    made.files.set(jobFile, bytesOf(JSON.stringify({ ...made.job, ...change })));
    await expect(readAll(made)).rejects.toMatchObject({ code });
  });

  it.each<[string, Partial<JobRow>]>([
    ['labels of another length', { labels: [1] }],
    ['tokens below 0', { ids: [1, -2, 3] }],
    ['a row below 0', { rows: [-1] }],
    ['several rows that nothing keeps apart', { rows: [0, 1] }],
    ['a step below 0', { place: { step: -1, micro: 0 } }],
  ])('has %s, and is refused', async (_, change) => {
    const made = await someJob();
    await writeBytes(made.sink, 'rows/00000.parquet', await tableBytes([{ ...row, ...change }], shape));
    await expect(readJobRows(made.source, made.job)).rejects.toMatchObject({ code: 'data.parquet_invalid' });
  });

  it.each([
    ['a weight below 0', { weighted: true }, { weights: [1, -1, 1] }],
    ['a weight that is no number', { weighted: true }, { weights: [1, Number.NaN, 1] }],
    [
      'packed rows without tokens',
      { packed: true },
      { rows: [0, 1], packed: { positions: [0, 1, 2], segments: [0, 0, 0] } },
    ],
  ])('has %s, and is refused', async (_, columns, change) => {
    const made = await someJob();
    const table = await tableBytes([{ ...row, ...change }], { ...shape, ...columns });
    await writeBytes(made.sink, 'rows/00000.parquet', table);
    await expect(readJobRows(made.source, made.job)).rejects.toMatchObject({ code: 'data.parquet_invalid' });
  });

  it('has another table, and is refused', async () => {
    const made = await someJob();
    const texts = await import('hyparquet-writer');
    const data = [{ name: 'input_ids', data: ['abc'], type: 'STRING' as const }];
    made.files.set('rows/00000.parquet', new Uint8Array(texts.parquetWriteBuffer({ columnData: data })));
    await expect(readJobRows(made.source, made.job)).rejects.toMatchObject({ code: 'data.parquet_invalid' });
  });

  it('claims very many steps of a result, and is refused', async () => {
    const made = await someJob();
    const many = { ...made.job, totalSteps: 2 ** 52 };
    const result = {
      steps: 2 ** 51,
      step: 2 ** 51 + 1,
      updates: 3,
      ranks: 1,
      dtype: 'float32',
      versions: {},
    };
    made.files.set('result/result.json', bytesOf(JSON.stringify(result)));
    await expect(readResult(made.source, many)).rejects.toMatchObject({ code: 'job.result' });
  });

  it.each(['', 'null', '[]', '{"steps": 1}', '{"steps": [{}]}', '['.repeat(100_000)])(
    'has the schedule %j, and is refused',
    async (text) => {
      const made = await someJob();
      made.files.set('schedule.json', bytesOf(text));
      await expect(readTargets(made.source)).rejects.toBeInstanceOf(GraftError);
    },
  );

  it('has curves that are none: they are left out', async () => {
    const made = await someJob();
    const lines = [
      'null',
      '3',
      '{',
      '{"kind":"eval","step":1,"at":1}',
      '{"kind":"sample","step":1,"at":1,"prompt":"","text":""}',
    ];
    const later = { kind: 'eval', step: 9, at: 1, loss: 1 };
    made.files.set(
      'curves.jsonl',
      bytesOf([...lines, JSON.stringify(later), '['.repeat(100_000)].join('\n')),
    );
    expect(await readJobCurves(made.source, made.job)).toEqual([]);
  });
});

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
