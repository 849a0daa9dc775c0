import { bytesSource } from '../../../base/storage/byteSource.ts';
import { MemoryDirectory } from '../../../base/storage/memoryDirectory.ts';
import { wrongPart } from '../../../content/data/tokens/checkTokenRows.ts';
import { jobFile } from '../../../content/job/jobFile.ts';
import {
  readJob,
  readJobCurves,
  readJobRows,
  readResult,
  readTargets,
} from '../../../content/job/readJob.ts';
import { PROJECT_FORMAT } from '../../../content/projects/project.ts';
import { importProject } from '../../../content/projects/projectFile.ts';
import { ProjectStore } from '../../../content/projects/projectStore.ts';
import { someJob } from '../../../testing/memoryJob.ts';
import { zipOf } from '../../../testing/zips.ts';
import { bytesOf, holds, type FuzzTarget } from '../target.ts';

/** A job in which a file is another one. */
async function jobWith(path: string, input: Uint8Array<ArrayBuffer>) {
  const made = await someJob();
  made.files.set(path, input);
  return made;
}

/** The seed of a file of a job. */
const fileOfJob = (path: string) => async () => [(await someJob()).files.get(path)!];

/** A project with the rows of one data file changed. */
async function projectJson(): Promise<Uint8Array<ArrayBuffer>> {
  const model = { kind: 'dropped', name: 'tiny' };
  const none = { data: null, request: null, samplePrompts: [], runs: [] };
  const made = { id: 'a', name: 'a', example: false, createdAt: 1, changedAt: 2 };
  return bytesOf(JSON.stringify({ format: PROJECT_FORMAT, ...made, model, recipe: { rank: 4 }, ...none }));
}

async function imported(zip: Uint8Array<ArrayBuffer>): Promise<void> {
  const store = new ProjectStore(new MemoryDirectory('projects'));
  try {
    await importProject(store, bytesSource('p.zip', zip), { id: 'b', changedAt: 9 }, []);
  } catch (error) {
    holds((await store.list()).length === 0, 'a refused project is in no list');
    throw error;
  }
  holds((await store.read('b')).id === 'b', 'an imported project can be read');
}

const rowsJson = bytesOf(
  JSON.stringify({ format: PROJECT_FORMAT, changes: [{ position: 0, text: 'a' }], drafts: [] }),
);

/** What comes back from a cluster, and projects of others. */
export const jobTargets: readonly FuzzTarget[] = [
  {
    name: 'job',
    text: true,
    quick: 60,
    dictionary: [
      '"path":"../x"',
      '"rows":4',
      '"evalRows":1e15',
      '"totalSteps":1e15',
      '"files":[]',
      '"step":-1',
    ],
    seeds: fileOfJob(jobFile),
    async run(input) {
      const { source } = await jobWith(jobFile, input);
      const job = await readJob(source);
      const { train } = await readJobRows(source, job);
      holds(train.offsets.length === job.data.rows + 1, 'a job has the rows it says');
      await readResult(source, job);
    },
  },
  {
    name: 'job-rows',
    text: false,
    quick: 30,
    dictionary: ['PAR1', 'input_ids', 'labels', 'rows', 'step'],
    seeds: fileOfJob('rows/00000.parquet'),
    async run(input) {
      const { source, job } = await jobWith('rows/00000.parquet', input);
      holds(wrongPart((await readJobRows(source, job)).train) === null, 'rows of a job fit each other');
    },
  },
  {
    name: 'job-texts',
    text: true,
    quick: 60,
    dictionary: ['null', 'NaN', '"step":', '"steps":1e15', '"kind":"eval"', '\n'],
    async seeds() {
      const { files } = await someJob();
      return ['result/result.json', 'result/metrics.jsonl', 'curves.jsonl', 'schedule.json'].map((path) =>
        files.get(path)!,
      );
    },
    async run(input) {
      const { source, job, files } = await someJob();
      const about = files.get('result/result.json')!;
      let accepted = 0;
      let refusal: unknown = null;
      const attempt = async (path: string, read: () => Promise<unknown>) => {
        files.set(path, input);
        try {
          await read();
          accepted += 1;
        } catch (error) {
          refusal = error;
        }
      };
      await attempt('result/result.json', () => readResult(source, job));
      files.set('result/result.json', about);
      await attempt('result/metrics.jsonl', () => readResult(source, job));
      await attempt('schedule.json', () => readTargets(source));
      files.set('curves.jsonl', input);
      for (const { step } of await readJobCurves(source, job))
        holds(step <= job.step, 'curves end at its step');
      if (accepted === 0) throw refusal;
    },
  },
  {
    name: 'project',
    text: true,
    quick: 60,
    dictionary: ['"kind":"hub"', '"kind":"kept","hash":"../x"', '"format":1', '"chat":[]', '"runs":[]'],
    seeds: async () => [await projectJson()],
    async run(input) {
      await imported(
        await zipOf([
          { name: 'p/graft-project.json', bytes: input },
          { name: 'p/rows/ab.json', bytes: rowsJson },
        ]),
      );
    },
  },
  {
    name: 'project-file',
    text: false,
    quick: 60,
    dictionary: ['PK\x01\x02', 'PK\x05\x06', 'graft-project.json', 'rows/', 'data/', '../'],
    seeds: async () => [
      await zipOf([
        { name: 'p/graft-project.json', bytes: await projectJson() },
        { name: 'p/rows/ab.json', bytes: rowsJson },
      ]),
    ],
    run: imported,
  },
];
