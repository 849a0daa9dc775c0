import type * as Jax from '@jax-js/jax';
import type { Array as JaxArray } from '@jax-js/jax';
import { openJax } from './jaxPeer.ts';
import {
  linearNames,
  settings,
  type LinearName,
  type Matrix,
  type PeerTrainer,
  type TrainingCase,
} from './trainingCase.ts';

/** Frozen weights of a block. */
interface FrozenLayer {
  w: Record<LinearName, JaxArray>;
  norms: JaxArray[];
}

interface Frozen {
  layers: FrozenLayer[];
  finalNorm: JaxArray;
  embedding: JaxArray;
  targets: JaxArray;
  tokens: JaxArray;
  cos: JaxArray;
  sin: JaxArray;
}

/**
 * The training in jax-js: one compiled function for loss, gradients and AdamW, with its own attention. Functions
 * consume their arguments, so values used again are passed as `ref`.
 */
export async function jaxTrainer(jax: typeof Jax, one: TrainingCase): Promise<PeerTrainer> {
  await openJax(jax);
  const { numpy: np, nn } = jax;
  const { heads, headDim, hiddenSize, normEps, scale } = one;
  const { lr, beta1, beta2, eps, weightDecay } = settings;
  const length = one.tokens.length;

  const norm = (x: JaxArray, weight: JaxArray): JaxArray => {
    const meanSquare = np.square(x.ref).mean(-1, { keepdims: true });
    return x.div(np.sqrt(meanSquare.add(normEps))).mul(weight);
  };
  const rotate = (x: JaxArray, cos: JaxArray, sin: JaxArray): JaxArray => {
    const first = x.ref.slice([], [], [0, headDim / 2]);
    const second = x.slice([], [], [headDim / 2, headDim]);
    const turned = [first.ref.mul(cos.ref).sub(second.ref.mul(sin.ref)), second.mul(cos).add(first.mul(sin))];
    return np.concatenate(turned, -1);
  };
  /** Consumes `params` and `x`, but only refs of the frozen block. */
  const block = (
    x: JaxArray,
    frozen: FrozenLayer,
    params: JaxArray[],
    cos: JaxArray,
    sin: JaxArray,
  ): JaxArray => {
    const linear = (input: JaxArray, name: LinearName): JaxArray => {
      const at = 2 * linearNames.indexOf(name);
      const base = np.matmul(input.ref, frozen.w[name]);
      return base.add(np.matmul(np.matmul(input, params[at]!), params[at + 1]!).mul(scale));
    };
    const inHeads = (y: JaxArray) => y.reshape([length, heads, headDim]);
    const normed = norm(x.ref, frozen.norms[0]!);
    const q = rotate(inHeads(linear(normed.ref, 'q_proj')), cos.ref, sin.ref);
    const k = rotate(inHeads(linear(normed.ref, 'k_proj')), cos, sin);
    const v = inHeads(linear(normed, 'v_proj'));
    const mixed = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([length, hiddenSize]);
    const middle = x.add(linear(mixed, 'o_proj'));
    const normed2 = norm(middle.ref, frozen.norms[1]!);
    const gate = nn.silu(linear(normed2.ref, 'gate_proj'));
    return middle.add(linear(gate.mul(linear(normed2, 'up_proj')), 'down_proj'));
  };
  const loss = (params: JaxArray[], frozen: Frozen): JaxArray => {
    let x = np.take(frozen.embedding.ref, frozen.tokens, 0);
    const perLayer = 2 * linearNames.length;
    for (const [i, layer] of frozen.layers.entries()) {
      const own = params.slice(i * perLayer, (i + 1) * perLayer);
      x = block(x, layer, own, frozen.cos.ref, frozen.sin.ref);
    }
    frozen.cos.dispose();
    frozen.sin.dispose();
    const logits = np.matmul(norm(x, frozen.finalNorm), frozen.embedding.transpose());
    return nn.logSoftmax(logits, -1).mul(frozen.targets).sum().mul(-1);
  };
  const step = jax.jit(
    (
      params: JaxArray[],
      m: JaxArray[],
      v: JaxArray[],
      frozen: Frozen,
      correct1: JaxArray,
      correct2: JaxArray,
    ): [JaxArray, JaxArray[], JaxArray[], JaxArray[]] => {
      const [value, grads] = jax.valueAndGrad(loss)(
        params.map((p) => p.ref),
        frozen,
      );
      const [newParams, newM, newV]: JaxArray[][] = [[], [], []];
      for (const [i, g] of grads.entries()) {
        const m1 = m[i]!.mul(beta1).add(g.ref.mul(1 - beta1));
        const v1 = v[i]!.mul(beta2).add(np.square(g).mul(1 - beta2));
        const root = np.sqrt(v1.ref.mul(correct2.ref)).add(eps);
        const change = m1.ref.mul(correct1.ref).div(root).mul(lr);
        newParams!.push(params[i]!.mul(1 - lr * weightDecay).sub(change));
        newM!.push(m1);
        newV!.push(v1);
      }
      correct1.dispose();
      correct2.dispose();
      return [value, newParams!, newM!, newV!];
    },
  );

  const array = ({ rows, cols, values }: Matrix) => np.array(values, { shape: [rows, cols] });
  const vector = (values: Float32Array) => np.array(values, { shape: [values.length] });
  const pairs = one.layers.flatMap(({ linears }) =>
    linearNames.flatMap((name) => [linears[name].a, linears[name].b]),
  );
  const zeros = () => pairs.map((pair) => np.zeros([pair.rows, pair.cols]));
  const half = (matrix: Matrix) => np.array(matrix.values, { shape: [matrix.rows, 1, matrix.cols] });
  const frozen: Frozen = {
    layers: one.layers.map(({ linears, norms }) => ({
      w: Object.fromEntries(linearNames.map((name) => [name, array(linears[name].w)])) as Record<
        LinearName,
        JaxArray
      >,
      norms: norms.map(vector),
    })),
    finalNorm: vector(one.finalNorm),
    embedding: array(one.embedding),
    targets: array(one.targets),
    tokens: np.array(one.tokens, { shape: [length] }),
    cos: half(one.cos),
    sin: half(one.sin),
  };
  let [params, m, v] = [pairs.map(array), zeros(), zeros()];
  let count = 0;
  const scalar = (value: number) => np.array(Float32Array.of(value), { shape: [1, 1] });
  return {
    async step() {
      count += 1;
      const corrections = [scalar(1 / (1 - beta1 ** count)), scalar(1 / (1 - beta2 ** count))] as const;
      const result = step(params, m, v, jax.tree.ref(frozen), ...corrections);
      [, params, m, v] = result;
      const [value] = await result[0].data();
      // The update is part of the step.
      await jax.blockUntilReady([params, m, v]);
      return value!;
    },
    dispose() {
      jax.tree.dispose([params, m, v, frozen]);
      step.dispose();
    },
  };
}
