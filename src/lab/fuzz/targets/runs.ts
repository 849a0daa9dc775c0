import { concatBytes } from '../../../base/lib/bytes.ts';
import { createContentHash, takeDigest } from '../../../base/lib/contentHash.ts';
import { createCrc32, takeCrc32 } from '../../../base/lib/crc32.ts';
import { bytesSource } from '../../../base/storage/byteSource.ts';
import { MemoryDirectory } from '../../../base/storage/memoryDirectory.ts';
import { PieceJournal } from '../../../base/storage/pieceJournal.ts';
import { parseManifest } from '../../../content/runs/checkpointStore.ts';
import { curvesFile, readCurves } from '../../../content/runs/curveLog.ts';
import { parseHeader, runStatuses } from '../../../content/runs/header.ts';
import { importArchive } from '../../../content/runs/importRun.ts';
import { Slots } from '../../../content/runs/slots.ts';
import { MergeJournal, journalFile } from '../../../engine/merge/mergeJournal.ts';
import { partsOf, zipOf, type ZipPart } from '../../../testing/zips.ts';
import { exportedRun, memoryRuns, slotJson, storedFile } from '../seedRuns.ts';
import { bytesOf, holds, textOf, type FuzzTarget } from '../target.ts';

/** A magic word, the length of a text, and the text. */
function signedText(magic: string, text: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.length, true);
  return concatBytes([bytesOf(magic), length, text]);
}

/** A directory with one file. */
function directoryWith(name: string, bytes: Uint8Array<ArrayBuffer>): MemoryDirectory {
  const directory = new MemoryDirectory('run');
  directory.files.set(name, bytes);
  return directory;
}

/** Reads a text by `parse` as a slot holds it, with the length and the digest it needs: see slots.ts. */
async function throughSlot<T>(input: Uint8Array, parse: (json: unknown) => T): Promise<T | null> {
  const signed = signedText('graftrs1', input);
  const digest = (await createContentHash()).init().update(signed).digest('binary');
  const { values } = await new Slots(directoryWith('x.a', concatBytes([signed, digest])), 'x', parse).read();
  return values[0]?.value ?? null;
}

/** What stands beside the chunks in an exported run. */
async function textParts(): Promise<ZipPart[]> {
  return (await partsOf(await exportedRun())).filter(({ name }) => !name.includes('/chunks/'));
}

export const runTargets: readonly FuzzTarget[] = [
  {
    name: 'slots',
    text: false,
    quick: 240,
    dictionary: ['graftrs1'],
    seeds: async () => [await storedFile('run.a'), await storedFile('checkpoints.b')],
    async run(input) {
      const { values, unreadable } = await new Slots(directoryWith('x.a', input), 'x', (json) => json).read();
      holds(values.length + unreadable.length <= 2, 'two slots hold at most two values');
    },
  },
  {
    name: 'run-header',
    text: true,
    quick: 120,
    dictionary: ['"state":"paused"', '"format":2', '"recipe":{}', '"files":[]', '"chunks":["../x"]'],
    seeds: async () => [await slotJson('run.a')],
    async run(input) {
      const header = await throughSlot(input, parseHeader);
      if (header) holds(runStatuses.includes(header.state), 'a run has a known state');
    },
  },
  {
    name: 'checkpoint-list',
    text: true,
    quick: 120,
    dictionary: ['"checkpoints":[]', '"step":-1', '"chunks":["../x"]', '"size":1e18'],
    seeds: async () => [await slotJson('checkpoints.a'), await slotJson('checkpoints.b')],
    async run(input) {
      const manifest = await throughSlot(input, parseManifest);
      let step = 0;
      for (const entry of manifest?.checkpoints ?? []) {
        holds(entry.step >= step, 'checkpoints are in the order of their steps');
        step = entry.step;
        for (const { stored } of entry.files)
          holds(
            stored.chunks.every((chunk) => /^[0-9a-f]+$/.test(chunk)),
            'chunks are named by digests',
          );
      }
    },
  },
  {
    name: 'curves',
    text: true,
    quick: 240,
    dictionary: ['null', '"kind":"resumed"', '"kind":"eval"', '"step":', '"loss":"NaN"', '\n'],
    seeds: async () => [bytesOf(textOf(await storedFile(curvesFile)).replaceAll(/^.{9}/gm, ''))],
    async run(input) {
      // Lines with the checksums they need, and as they are.
      const crc = await createCrc32();
      const signed = textOf(input)
        .split('\n')
        .map(
          (line) =>
            `${takeCrc32(crc.update(bytesOf(line)))
              .toString(16)
              .padStart(8, '0')} ${line}\n`,
        );
      for (const bytes of [bytesOf(signed.join('')), input]) {
        const { records } = await readCurves(directoryWith(curvesFile, bytes));
        for (const record of records) {
          holds(['step', 'eval', 'sample', 'resumed'].includes(record.kind), 'records are of a known kind');
          holds(Number.isSafeInteger(record.step) && record.step >= 0, 'records have a step');
          if (record.kind === 'step' || record.kind === 'eval')
            holds(typeof record.loss === 'number', 'losses are numbers');
        }
      }
    },
  },
  {
    name: 'run-archive',
    text: false,
    quick: 48,
    dictionary: ['PK\x01\x02', 'PK\x05\x06', 'graft-run.json', 'curves.log', '"checkpoints"', '../'],
    seeds: async () => [await exportedRun()],
    async run(input) {
      const { root, store } = memoryRuns();
      try {
        const run = await importArchive(store, bytesSource('run.zip', input));
        await run.close();
        const copy = await store.open(run.id);
        await copy.parts();
        await copy.close();
      } catch (error) {
        holds((await root.directories()).length === 0, 'a refused run leaves nothing');
        throw error;
      }
    },
  },
  {
    name: 'run-archive-contents',
    text: true,
    quick: 12,
    dictionary: ['"chunks":[]', '"size":1e15', '"format":2', '"checkpoints":[]', '"state":', '"files":[]'],
    seeds: async () => (await textParts()).map(({ bytes }) => bytes),
    async run(input) {
      const parts = await partsOf(await exportedRun());
      const texts = await textParts();
      // In place of the part it most looks like: of the others it would be refused at once.
      const start = textOf(input.slice(0, 40));
      const name = texts.find(({ bytes }) => textOf(bytes.slice(0, 8)) === start.slice(0, 8))?.name;
      const replaced = name ?? texts[0]!.name;
      const zip = await zipOf(
        parts.map((part) => (part.name === replaced ? { name: replaced, bytes: input } : part)),
      );
      const { root, store } = memoryRuns();
      try {
        const run = await importArchive(store, bytesSource('run.zip', zip));
        await run.close();
        const copy = await store.open(run.id);
        await copy.curves();
        await copy.close();
      } catch (error) {
        holds((await root.directories()).length === 0, 'a refused run leaves nothing');
        throw error;
      }
    },
  },
  {
    name: 'merge-journal',
    text: true,
    quick: 120,
    dictionary: ['"files":["../x"]', '"pieces":1e9', '"shards":[]', '"fingerprint":'],
    seeds: async () => [
      bytesOf(
        '{"fingerprint":"f","files":["config.json","model.safetensors"],"shards":[{"file":"model.safetensors","pieces":3}]}',
      ),
    ],
    async run(input) {
      const digest = takeDigest((await createContentHash()).update(input));
      // Some records: the rest was not written.
      const bytes = concatBytes([signedText('graftmj1', input), digest, new Uint8Array(40)]);
      const journal = await MergeJournal.read(directoryWith(journalFile, bytes));
      for (const [shard, { pieces }] of journal?.head.shards.entries() ?? []) {
        if (pieces > 0) await journal!.record(shard, pieces - 1, digest);
      }
      await journal?.close();
    },
  },
  {
    name: 'piece-journal',
    text: false,
    quick: 240,
    dictionary: ['1jpg'],
    seeds: async () => {
      const directory = new MemoryDirectory('d');
      const file = await directory.edit('j');
      const journal = await PieceJournal.open(file, 100_000);
      for (const piece of [0, 2]) await journal.record(piece, new Uint8Array(32).fill(7));
      return [await file.read(0, await file.size())];
    },
    async run(input) {
      const journal = await PieceJournal.open(await directoryWith('j', input).edit('j'), 100_000);
      holds(journal.digests.length === journal.count, 'a journal has an entry for each piece');
      for (const digest of journal.digests) holds(!digest || digest.byteLength === 32, 'entries are digests');
    },
  },
];
