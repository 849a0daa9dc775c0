import { expect, it } from 'vitest';
import { blobSource } from '../../base/storage/byteSource.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { readAdapter, writeAdapter, type PeftAdapter } from '../../content/formats/peft.ts';
import { filesOfZip } from '../../content/intake/unpack/zipFiles.ts';
import { mixAdapters } from '../../content/mix/mixAdapters.ts';
import { openModelFiles } from '../../engine/model/spec/openModel.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { randomPeft } from '../../testing/mergeAdapter.ts';
import { dropped, openRunsEngine } from '../../testing/runsEngine.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import type { EngineApi, MixRequest } from './protocol.ts';

const scratch = scratchFolder();

async function openShelf() {
  const { service } = openRunsEngine(scratch);
  const model = tinyModel();
  await service.openModel(dropped(model));
  const files = await openModelFiles(model);
  const peft = [
    randomPeft(files, { rank: 4 }, { seed: 1 }),
    randomPeft(files, { rank: 2, targets: ['q_proj', 'v_proj'] }, { seed: 2 }),
  ];
  const shelved = [];
  for (const [i, adapter] of peft.entries()) {
    const folder = new MemoryFolder('adapter');
    await writeAdapter(folder, adapter);
    shelved.push(await service.openAdapter(dropped(folder, `adapter ${i}`)));
  }
  return { service, peft, shelved };
}

/** The adapter of now, as it is exported. */
async function exported(service: EngineApi): Promise<PeftAdapter> {
  const zip = await service.exportAdapter('F32', []);
  const folder = new MemoryFolder('exported');
  for (const { path, bytes } of await filesOfZip(blobSource(zip.name, zip))) {
    const pieces: (Uint8Array<ArrayBuffer> | string)[] = [];
    for await (const piece of bytes()) pieces.push(piece);
    const content = new Uint8Array(await new Blob(pieces).arrayBuffer());
    folder.files.set(path.slice(path.indexOf('/') + 1), content);
  }
  return readAdapter(folder);
}

const plain: Omit<MixRequest, 'adapters'> = {
  rule: 'cat',
  density: 1,
  rank: null,
  majority: 'total',
  seed: 0,
};

it('takes any adapter of the shelf as that of now, without the model being opened again', async () => {
  const { service, peft, shelved } = await openShelf();
  expect(shelved.map(({ rank, modules }) => [rank, modules])).toEqual([
    [4, peft[0]!.modules.size],
    [2, peft[1]!.modules.size],
  ]);
  expect((await exported(service)).modules).toEqual(peft[1]!.modules);
  await service.takeShelved(shelved[0]!.id);
  expect((await exported(service)).modules).toEqual(peft[0]!.modules);
});

it('mixes adapters of the shelf and the result as graft mix does, and exports the mix', async () => {
  const { service, peft, shelved } = await openShelf();
  const mixed = await service.mixAdapters({
    ...plain,
    adapters: [
      { name: 'a', from: { shelved: shelved[0]!.id }, weight: 0.7 },
      { name: 'b', from: 'result', weight: -0.3 },
    ],
  });
  const ingredients = peft.map((adapter, i) => ({ name: `${i}`, adapter, weight: [0.7, -0.3][i]! }));
  const expected = mixAdapters(ingredients, plain);
  expect(mixed).toMatchObject({ rank: 6, modules: expected.modules.size, warnings: [] });
  expect((await exported(service)).modules).toEqual(expected.modules);
});

it('keeps the adapter of now where a mix is refused', async () => {
  const { service, peft, shelved } = await openShelf();
  const adapters = shelved.map(({ id }) => ({ name: id, from: { shelved: id }, weight: 1 }));
  await expectGraftError(() => service.mixAdapters({ ...plain, rule: 'linear', adapters }), 'merge.mix_rank');
  expect((await exported(service)).modules).toEqual(peft[1]!.modules);
});
