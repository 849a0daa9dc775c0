import type * as OnnxRuntime from 'onnxruntime-node';
import type { OnnxSession, OnnxValue } from 'onnxruntime-node';
import type { Contestant, Peer } from './contestant.ts';
import { onnxModel, type OnnxNode, type OnnxTensor } from './onnx.ts';
import type { FourBit, Product } from './product.ts';

const options = { executionProviders: ['webgpu'], intraOpNumThreads: 1, logSeverityLevel: 3 } as const;

/**
 * ONNX Runtime's WebGPU provider. Weights are constants of the model and x stays on the GPU. GPU outputs are available
 * before they are computed, so a run also reads one element of the product, which waits for all of it.
 */
export function onnxPeer(ort: typeof OnnxRuntime): Peer {
  return {
    dense: (product) => {
      const { n, k, w } = product;
      return open(ort, product, { op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }, [
        { name: 'w', type: 'float32', shape: [k, n], data: w },
      ]);
    },
    int4: (product, weight) => {
      const { n, k } = product;
      const { block } = weight;
      const node = {
        op: 'MatMulNBits',
        domain: 'com.microsoft',
        inputs: ['x', 'w', 'scales'],
        outputs: ['y'],
        // Level 1 is f32, like ours; without zero points the zero is 8.
        attributes: { K: k, N: n, bits: 4, block_size: block, accuracy_level: 1 },
      };
      const blocks = k / block;
      return open(ort, product, node, [
        { name: 'w', type: 'uint8', shape: [n, blocks, block / 2], data: packed(weight) },
        { name: 'scales', type: 'float32', shape: [n, blocks], data: weight.scales },
      ]);
    },
  };
}

/** Two codes per byte, the first in the low half. */
function packed({ codes }: FourBit): Uint8Array {
  return Uint8Array.from({ length: codes.length / 2 }, (_, i) => codes[2 * i]! | (codes[2 * i + 1]! << 4));
}

async function open(
  ort: typeof OnnxRuntime,
  { m, n, k, x }: Product,
  node: OnnxNode,
  weights: readonly OnnxTensor[],
): Promise<Contestant> {
  const float = (name: string, shape: readonly number[]) =>
    ({ name, type: 'float32', shape, data: null }) as const;
  const index = (name: string, at: bigint) =>
    ({ name, type: 'int64', shape: [2], data: BigInt64Array.of(at, at) }) as const;
  const model = onnxModel({
    nodes: [node, { op: 'Slice', inputs: ['y', 'start', 'end'], outputs: ['first'] }],
    constants: [...weights, index('start', 0n), index('end', 1n)],
    inputs: [float('x', [m, k])],
    outputs: [float('y', [m, n]), float('first', [1, 1])],
  });
  const session = await ort.InferenceSession.create(model, { ...options, preferredOutputLocation: 'cpu' });
  const { input, owner } = await onGpu(ort, x, [m, k]);
  return {
    async run(times = 1) {
      for (let i = 0; i < times; i++) await session.run({ x: input }, ['first']);
    },
    async output() {
      return (await session.run({ x: input }, ['y'])).y!.data;
    },
    async dispose() {
      await session.release();
      input.dispose();
      await owner.release();
    },
  };
}

/** x as the output of a model, which stays on the GPU; it lives as long as the session that created it. */
async function onGpu(
  ort: typeof OnnxRuntime,
  x: Float32Array,
  shape: readonly number[],
): Promise<{ input: OnnxValue; owner: OnnxSession }> {
  const tensor = (name: string) => ({ name, type: 'float32', shape, data: null }) as const;
  const model = onnxModel({
    nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['y'] }],
    constants: [],
    inputs: [tensor('x')],
    outputs: [tensor('y')],
  });
  const owner = await ort.InferenceSession.create(model, {
    ...options,
    preferredOutputLocation: 'gpu-buffer',
  });
  const negative = new ort.Tensor(
    'float32',
    x.map((value) => -value),
    shape,
  );
  const { y } = await owner.run({ x: negative });
  if (y!.location !== 'gpu-buffer') throw new Error('ONNX Runtime has not left x on the GPU');
  return { input: y!, owner };
}
