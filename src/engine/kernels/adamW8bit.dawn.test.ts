import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodeFloats } from '../../base/lib/floats.ts';
import { openSafetensors } from '../../content/formats/safetensors.ts';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import { adam8bitOnGpu, expectCodes, expectMoved, maps } from '../../testing/adam8bit.ts';
import { expectClose } from '../../testing/compare.ts';
import type { AdamWStep } from './adamW.ts';
import { adamW8bitRef, type Adam8bitRefState } from './adamW8bit.ref.ts';

/** What bitsandbytes computed from `grads`; see fixtures/README.md. */
interface Step {
  params: Float32Array;
  state: Adam8bitRefState;
}

async function readFixture() {
  const folder = nodeFolder(fileURLToPath(new URL('./fixtures', import.meta.url)));
  const file = await openSafetensors(await folder.open('adamw-8bit.safetensors'));
  const settings = JSON.parse(file.metadata.get('settings')!) as Omit<AdamWStep, 'step' | 'maxGradNorm'>;
  const rowsOf = async <T extends Uint8Array | Float32Array>(
    name: string,
    decode: (bytes: Uint8Array<ArrayBuffer>) => T,
  ) => {
    const [rows = 0, width = 0] = file.get(name).shape;
    const all = decode(await file.read(name));
    return Array.from({ length: rows }, (_, i) => all.slice(i * width, (i + 1) * width) as T);
  };
  const floats = (name: string) => rowsOf(name, (bytes) => decodeFloats(bytes, 'F32'));
  const codes = (name: string) => rowsOf(name, (bytes) => bytes);
  const [params, mAbsmax, vAbsmax] = await Promise.all(['params', 'm_absmax', 'v_absmax'].map(floats));
  const [mCodes, vCodes] = await Promise.all(['m_codes', 'v_codes'].map(codes));
  const trace = params!.map((row, i): Step => {
    const state = { mCodes: mCodes![i]!, vCodes: vCodes![i]!, mAbsmax: mAbsmax![i]!, vAbsmax: vAbsmax![i]! };
    return { params: row, state };
  });
  return { settings: { ...settings, maxGradNorm: 0 }, trace, grads: await floats('grads') };
}

describe("bitsandbytes' steps of 8-bit AdamW", async () => {
  const { settings, trace, grads } = await readFixture();
  const size = grads[0]!.length;

  it.each(grads.map((_, i) => i + 1))('are reproduced by kernel and reference: step %i', async (step) => {
    const [before, expected] = trace.slice(step - 1);
    const params = Float64Array.from(before!.params);
    const state = structuredClone(before!.state);
    const exact = adamW8bitRef(params, state, grads[step - 1]!, maps, { ...settings, step });
    // The Triton kernel rounds a negative m to 0; the CUDA kernel, and Graft, take the code below.
    const zero = maps.signed.indexOf(0);
    const mCodes = expected!.state.mCodes.map((code, i) =>
      code === zero && exact.m[i]! < 0 ? zero - 1 : code,
    );
    const gpu = await adam8bitOnGpu([size]);
    gpu.write(before!);
    gpu.step([grads[step - 1]!], { ...settings, step });
    const [result] = (await gpu.read()).matrices;
    for (const actual of [{ params, state }, result!]) {
      expectMoved(actual.params, expected!.params, before!.params);
      expectClose(actual.state.mAbsmax, expected!.state.mAbsmax, { rtol: 2e-6 });
      expectClose(actual.state.vAbsmax, expected!.state.vAbsmax, { rtol: 4e-6 });
      expectCodes(actual.state.mCodes, mCodes, exact.m, state.mAbsmax, maps.signed);
      expectCodes(actual.state.vCodes, expected!.state.vCodes, exact.v, state.vAbsmax, maps.unsigned);
    }
    expect(new Set(expected!.state.mCodes).size).toBeGreaterThan(100);
  });
});
