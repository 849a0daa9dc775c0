import { concatBytes } from '../../base/lib/bytes.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { archiveOf } from '../../content/runs/exportRun.ts';
import { termPattern } from '../../content/runs/fence.ts';
import { RunStore } from '../../content/runs/runStore.ts';
import { someCheckpoint } from '../../testing/checkpoints.ts';
import { freeLocks } from '../../testing/freeLocks.ts';
import { someRun } from '../../testing/newRun.ts';

/** A store of runs in memory, where nobody else is. */
export function memoryRuns(): { root: MemoryDirectory; store: RunStore } {
  const root = new MemoryDirectory('runs');
  // A fixed time and id: an input depends on its seed alone.
  const store = new RunStore(root, freeLocks, { now: () => 1_700_000_000_000, newId: () => 'run-1' });
  return { root, store };
}

/** A run with two checkpoints and some curves. */
async function someStoredRun() {
  const { root, store } = memoryRuns();
  const run = await store.create(someRun());
  await run.record({
    kind: 'step',
    step: 1,
    at: 1,
    loss: NaN,
    gradNorm: 1,
    lr: 1e-4,
    tokens: 5,
    contextTokens: 9,
    skipped: false,
  });
  await run.record({ kind: 'eval', step: 10, at: 5, loss: 2 });
  await run.record({ kind: 'sample', step: 10, at: 6, prompt: 'Hello', text: '你好' });
  await run.save(someCheckpoint(10, 40), 2);
  await run.record({ kind: 'resumed', step: 10, at: 7 });
  await run.save(someCheckpoint(20, 40), null);
  return { root, run };
}

let exported: Promise<Uint8Array<ArrayBuffer>> | null = null;

/** An exported run: a zip. */
export function exportedRun(): Promise<Uint8Array<ArrayBuffer>> {
  return (exported ??= exportRun());
}

async function exportRun(): Promise<Uint8Array<ArrayBuffer>> {
  const { run } = await someStoredRun();
  const pieces: Uint8Array[] = [];
  for await (const piece of (await archiveOf(run)).pieces()) pieces.push(piece);
  return concatBytes(pieces);
}

/** A file of that run as it is stored. @param name without the term of its owner, which is in it */
export async function storedFile(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const { root, run } = await someStoredRun();
  await run.close();
  const directory = await root.directory('run-1');
  const [stem, ending] = name.split('.');
  const ofOwner = new RegExp(`^${stem}${termPattern}\\.${ending}$`);
  const file = (await directory.list()).find((one) => ofOwner.test(one))!;
  const source = await directory.open(file);
  return source.read(0, source.size);
}

/** What a slot of that run holds, as JSON. */
export async function slotJson(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await storedFile(name);
  // Magic and length come first, a digest last: see slots.ts.
  const length = new DataView(bytes.buffer).getUint32(8, true);
  return bytes.slice(12, 12 + length);
}
