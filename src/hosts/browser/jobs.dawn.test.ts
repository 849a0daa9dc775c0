import { expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { blobSource } from '../../base/storage/byteSource.ts';
import { filesOfZip } from '../../content/intake/unpack/zipFiles.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { randomRows } from '../../testing/passes.ts';
import { dropped, openRunsEngine } from '../../testing/runsEngine.ts';
import { tinyModel } from '../../testing/tinyModel.ts';

const scratch = scratchFolder();

/** The page's engine with a run of six steps, which was paused after the third. */
async function pausedRun(recipe: Partial<Recipe>) {
  const { service } = openRunsEngine(scratch);
  await service.openModel(dropped(tinyModel()));
  let id = '';
  await service.train(
    {
      recipe: {
        ...defaultRecipe(),
        rank: 2,
        batch_size: 2,
        max_steps: 6,
        lr: 0.01,
        warmup_steps: 0,
        ...recipe,
      },
      name: 'a run',
      dataFile: 'a.jsonl',
      rows: randomRows([5, 3, 7, 4, 6]),
      evalRows: randomRows([4, 6]),
      samples: [],
    },
    (event) => {
      if (event.kind === 'stored') id = event.id;
      if (event.kind === 'step' && event.step === 3) void service.pauseTraining();
    },
  );
  return { service, id };
}

/** The files of a job's zip by their paths in its folder. */
async function unzipped(zip: File): Promise<{ path: string; file: File }[]> {
  const files = [];
  for (const { path, bytes } of await filesOfZip(blobSource(zip.name, zip))) {
    const pieces: (Uint8Array<ArrayBuffer> | string)[] = [];
    for await (const piece of bytes()) pieces.push(piece);
    const name = path.slice(path.indexOf('/') + 1);
    files.push({ path: name, file: new File(pieces, name) });
  }
  return files;
}

it.each([
  ['LoRA', {}],
  ['QLoRA', { method: 'qlora', double_quant: true }],
  ['with the embedding and the head', { modules_to_save: ['embed_tokens', 'lm_head'] }],
  ['packed', { packing: true, max_length: 9 }],
  ['all parameters', { method: 'full', lr: 1e-3 }],
  ['that ends with its best', { load_best: true, eval_steps: 1, lr: 2 }],
] as [string, Partial<Recipe>][])(
  'a run as a job and back continues to the same bits: %s',
  async (_, recipe) => {
    const { service, id } = await pausedRun(recipe);
    const zip = await service.exportJob(id);
    expect(zip.name).toBe('a run-job.zip');
    const files = await unzipped(zip);
    const texts = files.filter(({ path }) => /\.(?:jsonl?|md)$/.test(path));
    for (const { file } of texts) expect(await file.text()).not.toContain(scratch);
    const back = await service.importJob('a run-job', files);
    const lossesOf = async (run: string) => {
      const losses: number[] = [];
      await service.resumeRun(run, (event) => {
        if (event.kind === 'step' || event.kind === 'eval') losses.push(event.loss);
      });
      const [adapter] = recipe.method === 'full' ? [] : await service.adapterFiles([], 'someone/adapter');
      return { losses, weights: adapter && new Uint8Array(await adapter.blob.arrayBuffer()) };
    };
    const expected = await lossesOf(id);
    expect(await lossesOf(back)).toEqual(expected);
    expect(expected.losses.length).toBeGreaterThanOrEqual(3);
    const [curves, imported] = await Promise.all(
      [id, back].map(async (run) => (await service.runDetail(run)).curves),
    );
    const steps = (records: typeof curves) =>
      records!.flatMap(({ kind, step }) => (kind === 'step' ? [step] : []));
    expect(steps(imported)).toEqual(steps(curves));
  },
);

it('a job that was changed, is of another model, or is none is refused, and nothing is stored', async () => {
  const { service, id } = await pausedRun({});
  const files = await unzipped(await service.exportJob(id));
  const replaced = (path: string, text: string) =>
    files.map((one) => (one.path === path ? { path, file: new File([text], path) } : one));
  await expectGraftError(() => service.importJob('job', replaced('schedule.json', '{}')), 'job.changed', {
    file: 'schedule.json',
  });
  await expectGraftError(() => service.importJob('job', replaced('job.json', '{}')), 'job.not_a_job');
  await expectGraftError(() => service.importJob('job', replaced('job.json', '{"format": 99}')), 'job.newer');
  const described = await files.find(({ path }) => path === 'job.json')!.file.text();
  for (const [from, to] of [
    ['"totalSteps": 6', '"totalSteps": 4000000000'],
    ['"step": 3', '"step": 2'],
  ] as const) {
    expect(described).toContain(from);
    const changed = replaced('job.json', described.replace(from, to));
    await expectGraftError(() => service.importJob('job', changed), 'job.not_a_job');
  }
  await service.openModel(dropped(tinyModel({ seed: 2 })));
  await expectGraftError(() => service.importJob('job', files), 'train.resume_other_model');
  expect((await service.runs()).length).toBe(1);
});

it.each([
  [{ optimizer: 'adamw_8bit' }, 'optimizer'],
  [{ dora: true }, 'dora'],
  [{ init_lora_weights: 'pissa_niter_1' }, 'init_lora_weights'],
  [{ loraplus_lr_ratio: 4 }, 'loraplus_lr_ratio'],
  [{ neftune_noise_alpha: 5 }, 'neftune_noise_alpha'],
] as [Partial<Recipe>, string][])(
  'settings that jobs do not have are refused by name: %j',
  async (recipe, key) => {
    const { service, id } = await pausedRun(recipe);
    await expectGraftError(() => service.exportJob(id), 'job.setting', { key });
  },
);
