import { describe, expect, it } from 'vitest';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { randomArray } from '../../testing/compare.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { allRuns, goldenFolder, needRun } from '../../testing/golden.ts';
import { adapterStorage } from './adapterMatrix.ts';
import { expandRows, quantizeRows } from './int8Rows.ts';
import { encodeFloats } from '../../base/lib/floats.ts';
import {
  adapterBytes,
  adapterConfigJson,
  newPeftConfig,
  readAdapter,
  writeAdapter,
  type PeftAdapter,
} from './peft.ts';
import { openSafetensors } from './safetensors.ts';
import { encodeSafetensors } from './safetensorsWriter.ts';

const module = 'model.layers.0.self_attn.q_proj';
const key = `base_model.model.${module}`;
const weightsFile = 'adapter_model.int8.safetensors';

/** Expects every value within half a step of its row's 254 steps from −largest to largest. */
function expectRounded(actual: Float32Array, expected: Float32Array, rows: number): void {
  expect(actual.length).toBe(expected.length);
  const cols = expected.length / rows;
  for (let r = 0; r < rows; r++) {
    const row = expected.subarray(r * cols, (r + 1) * cols);
    const step = Math.max(...row.map(Math.abs)) / 127;
    const error = Math.max(...row.map((x, i) => Math.abs(actual[r * cols + i]! - x)));
    // Besides the rounding to a step, that of the scale to f32.
    expect(error).toBeLessThanOrEqual(step * (0.5 + 127 * 2 ** -23));
  }
}

describe('8-bit rows', () => {
  it.each([
    [1, 1],
    [1, 300],
    [7, 33],
    [64, 16],
  ])('of %i x %i are within half a step of each value', (rows, cols) => {
    // Rows of magnitudes from 1e-6 to 1e3, and one of zeros.
    const values = randomArray(rows, rows * cols).map((x, i) => x * 10 ** ((Math.floor(i / cols) % 10) - 6));
    if (rows > 1) values.fill(0, cols, 2 * cols);
    const { codes, scales } = quantizeRows(values, rows, 'w');
    expectRounded(expandRows({ codes, scales }), values, rows);
    for (let r = 0; r < rows; r++) {
      const largest = codes
        .subarray(r * cols, (r + 1) * cols)
        .reduce((max, x) => Math.max(max, Math.abs(x)), 0);
      expect(largest).toBe(rows > 1 && r === 1 ? 0 : 127);
    }
  });

  it('keep zeros and what is too small for a scale as zeros', () => {
    expect(expandRows(quantizeRows(new Float32Array(4), 2, 'w'))).toEqual(new Float32Array(4));
    expect(expandRows(quantizeRows(Float32Array.of(1e-45, 1, -1, 0), 2, 'w'))).toEqual(
      Float32Array.of(0, 1, -1, 0),
    );
  });

  it.each([NaN, Infinity, -Infinity])('refuse %f', async (bad) => {
    const values = Float32Array.of(1, 2, bad, 4);
    await expectGraftError(() => quantizeRows(values, 2, 'w'), 'formats.adapter_not_finite', {
      tensor: 'w',
      row: 1,
    });
  });
});

describe('an adapter in 8 bits', () => {
  const adapter: PeftAdapter = {
    config: newPeftConfig({ r: 2, lora_alpha: 8, target_modules: ['q_proj'] }),
    modules: new Map([
      [
        module,
        { rank: 2, scale: 4, a: randomArray(1, 6), b: randomArray(2, 8), inFeatures: 3, outFeatures: 4 },
      ],
    ]),
  };

  it('has a file and keys that PEFT does not take for its own, and PEFT’s config', async () => {
    const [exact, rounded] = [new MemoryFolder('f32'), new MemoryFolder('int8')];
    await writeAdapter(exact, adapter);
    await writeAdapter(rounded, adapter, { dtype: 'I8' });
    expect([...rounded.files.keys()].sort()).toEqual(['adapter_config.json', weightsFile]);
    for (const [folder, dtype] of [
      [exact, 'F32'],
      [rounded, 'I8'],
    ] as const) {
      const { tensors } = await openSafetensors(await folder.open(adapterStorage[dtype].file));
      const stored = [...tensors.values()].reduce((sum, { end, begin }) => sum + end - begin, 0);
      expect(adapterBytes(adapter, dtype)).toBe(stored);
    }
    expect(rounded.files.get('adapter_config.json')).toEqual(exact.files.get('adapter_config.json'));
    const file = await openSafetensors(await rounded.open(weightsFile));
    expect([...file.tensors.values()].map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      [`${key}.lora_A.int8`, 'I8', [2, 3]],
      [`${key}.lora_A.int8_scale`, 'F32', [2]],
      [`${key}.lora_B.int8`, 'I8', [4, 2]],
      [`${key}.lora_B.int8_scale`, 'F32', [4]],
    ]);
    expect(Object.fromEntries(file.metadata)).toEqual({
      format: 'pt',
      graft_adapter: 'int8',
      graft_adapter_version: '1',
    });
  });

  it.for(allRuns)(
    'of %s comes back within half a step, and as itself when written again',
    async (run, context) => {
      needRun(context, run);
      const read = await readAdapter(goldenFolder(run, 'final_adapter'));
      const out = new MemoryFolder('out');
      await writeAdapter(out, read, { dtype: 'I8' });
      const back = await readAdapter(out);
      expect(adapterConfigJson(back.config)).toBe(adapterConfigJson(read.config));
      expect([...back.modules.keys()].sort()).toEqual([...read.modules.keys()].sort());
      for (const [name, { a, b, ...shape }] of read.modules) {
        const found = back.modules.get(name)!;
        expect(found).toMatchObject(shape);
        expectRounded(found.a, a, shape.rank);
        expectRounded(found.b, b, shape.outFeatures);
      }
      const again = new MemoryFolder('again');
      await writeAdapter(again, back, { dtype: 'I8' });
      const codes = async (folder: MemoryFolder) => {
        const file = await openSafetensors(await folder.open(weightsFile));
        const keys = [...file.tensors.keys()].filter((name) => name.endsWith('.int8'));
        return Promise.all(keys.map((name) => file.read(name)));
      };
      expect(await codes(again)).toEqual(await codes(out));
    },
  );

  it('refuses values that are not finite, and writes nothing', async () => {
    const broken = structuredClone(adapter);
    broken.modules.get(module)!.b[5] = NaN;
    const folder = new MemoryFolder('out');
    const write = () => writeAdapter(folder, broken, { dtype: 'I8' });
    await expectGraftError(write, 'formats.adapter_not_finite', { tensor: `${key}.lora_B.int8`, row: 2 });
    expect(folder.files.size).toBe(0);
  });

  type Tensors = { name: string; dtype: string; shape: number[]; bytes: Uint8Array<ArrayBuffer> }[];
  type Metadata = Record<string, string>;

  /** The folder of the adapter above with its tensors and metadata changed. */
  async function changed(edit: (tensors: Tensors, metadata: Metadata) => Tensors): Promise<MemoryFolder> {
    const folder = new MemoryFolder('changed');
    await writeAdapter(folder, adapter, { dtype: 'I8' });
    const file = await openSafetensors(await folder.open(weightsFile));
    const tensors = await Promise.all(
      [...file.tensors.values()].map(async ({ name, dtype, shape }) => {
        return { name, dtype, shape: [...shape], bytes: await file.read(name) };
      }),
    );
    const metadata = Object.fromEntries(file.metadata);
    folder.files.set(weightsFile, encodeSafetensors(edit(tensors, metadata), metadata));
    return folder;
  }

  const replace =
    (name: string, dtype: string, shape: number[], bytes: Uint8Array<ArrayBuffer>) => (tensors: Tensors) =>
      tensors.map((tensor) => (tensor.name === name ? { name, dtype, shape, bytes } : tensor));
  const scale = `${key}.lora_B.int8_scale`;
  const codes = `${key}.lora_A.int8`;

  it.each<[string, string, string, (tensors: Tensors) => Tensors]>([
    ['a missing scale', scale, 'missing', (tensors) => tensors.filter(({ name }) => name !== scale)],
    ['too few scales', scale, 'F32 [3]', replace(scale, 'F32', [3], new Uint8Array(12))],
    ['scales in F16', scale, 'F16 [4]', replace(scale, 'F16', [4], new Uint8Array(8))],
    [
      'a scale that is NaN',
      scale,
      'NaN in row 1',
      replace(scale, 'F32', [4], encodeFloats(Float32Array.of(1, NaN, 1, 1), 'F32')),
    ],
    [
      'a negative scale',
      scale,
      '-2 in row 3',
      replace(scale, 'F32', [4], encodeFloats(Float32Array.of(0, 1, 1, -2), 'F32')),
    ],
    ['codes in F32', codes, 'F32', replace(codes, 'F32', [2, 3], new Uint8Array(24))],
  ])('with %s is refused', async (_name, tensor, found, edit) => {
    const folder = await changed(edit);
    await expectGraftError(() => readAdapter(folder), 'formats.adapter_int8', {
      file: weightsFile,
      tensor,
      found,
    });
  });

  it('of another version, half of it, of another rank, with PEFT’s keys, or beside F32 weights is refused', async () => {
    const read = (edit: (tensors: Tensors, metadata: Metadata) => Tensors) => async () =>
      readAdapter(await changed(edit));
    const version = (found: string | null) =>
      read((tensors, metadata) => {
        if (found === null) delete metadata.graft_adapter_version;
        else metadata.graft_adapter_version = found;
        return tensors;
      });
    await expectGraftError(version('2'), 'formats.adapter_version', { found: '2', known: '1' });
    await expectGraftError(version(null), 'formats.adapter_version', { found: 'none' });
    const halved = read((tensors) => tensors.filter(({ name }) => name !== codes));
    await expectGraftError(halved, 'formats.adapter_half', { present: 'lora_B', absent: 'lora_A' });
    const thin = read(replace(codes, 'I8', [1, 3], new Uint8Array(3)));
    await expectGraftError(thin, 'formats.adapter_shape', { tensor: codes, shape: '1, 3' });
    const peft = read((tensors) => tensors.map((t) => ({ ...t, name: t.name.replace('.int8', '.weight') })));
    await expectGraftError(peft, 'formats.adapter_key');
    const both = await changed((tensors) => tensors);
    both.files.set('adapter_model.safetensors', new Uint8Array(0));
    await expectGraftError(() => readAdapter(both), 'formats.adapter_twice', { other: weightsFile });
  });
});
