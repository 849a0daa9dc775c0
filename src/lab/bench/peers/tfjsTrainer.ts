import type * as Tfjs from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import { finishTfjs, openTfjs } from './tfjsPeer.ts';
import {
  linearNames,
  settings,
  type LinearName,
  type Matrix,
  type PeerTrainer,
  type TrainingCase,
} from './trainingCase.ts';

/** The training in TensorFlow.js: its gradients of the adapter's variables, and AdamW in its operations. */
export async function tfjsTrainer(tf: typeof Tfjs, one: TrainingCase): Promise<PeerTrainer> {
  await openTfjs(tf);
  const { heads, headDim, hiddenSize, normEps, scale } = one;
  const { lr, beta1, beta2, eps, weightDecay } = settings;
  const length = one.tokens.length;
  const matrix = ({ rows, cols, values }: Matrix) => tf.tensor2d(values, [rows, cols]);

  const layers = one.layers.map(({ linears, norms }) => ({
    w: Object.fromEntries(linearNames.map((name) => [name, matrix(linears[name].w)])) as Record<
      LinearName,
      Tensor
    >,
    pairs: Object.fromEntries(
      linearNames.map((name) => [
        name,
        { a: tf.variable(matrix(linears[name].a)), b: tf.variable(matrix(linears[name].b)) },
      ]),
    ) as Record<LinearName, { a: Tfjs.Variable; b: Tfjs.Variable }>,
    norms: norms.map((norm) => tf.tensor1d(norm)),
  }));
  const variables = layers.flatMap(({ pairs }) =>
    linearNames.flatMap((name) => [pairs[name].a, pairs[name].b]),
  );
  const zeros = () => variables.map(({ shape }) => tf.variable(tf.zeros(shape)));
  const [m, v] = [zeros(), zeros()];
  const finalNorm = tf.tensor1d(one.finalNorm);
  const embedding = matrix(one.embedding);
  const targets = matrix(one.targets);
  const tokens = tf.tensor1d(one.tokens, 'int32');
  // For [heads, T, headDim / 2].
  const [cos, sin] = [matrix(one.cos), matrix(one.sin)];
  const mask = tf.tensor2d(
    Float32Array.from({ length: length * length }, (_, i) =>
      i % length > Math.floor(i / length) ? -1e9 : 0,
    ),
    [length, length],
  );

  const norm = (x: Tensor, weight: Tensor): Tensor =>
    tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), normEps))), weight);
  const rotate = (x: Tensor): Tensor => {
    const [first, second] = tf.split(x, 2, -1) as [Tensor, Tensor];
    return tf.concat(
      [tf.sub(tf.mul(first, cos), tf.mul(second, sin)), tf.add(tf.mul(second, cos), tf.mul(first, sin))],
      -1,
    );
  };
  const inHeads = (x: Tensor): Tensor => tf.transpose(tf.reshape(x, [length, heads, headDim]), [1, 0, 2]);
  const block = (x: Tensor, { w, pairs, norms }: (typeof layers)[number]): Tensor => {
    const linear = (input: Tensor, name: LinearName): Tensor => {
      const { a, b } = pairs[name];
      return tf.add(tf.matMul(input, w[name]), tf.mul(tf.matMul(tf.matMul(input, a), b), scale));
    };
    const normed = norm(x, norms[0]!);
    const q = rotate(inHeads(linear(normed, 'q_proj')));
    const k = rotate(inHeads(linear(normed, 'k_proj')));
    const values = inHeads(linear(normed, 'v_proj'));
    const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(headDim)), mask);
    const mixed = tf.transpose(tf.matMul(tf.softmax(scores), values), [1, 0, 2]);
    const middle = tf.add(x, linear(tf.reshape(mixed, [length, hiddenSize]), 'o_proj'));
    const normed2 = norm(middle, norms[1]!);
    const gate = linear(normed2, 'gate_proj');
    const gated = tf.mul(tf.mul(gate, tf.sigmoid(gate)), linear(normed2, 'up_proj'));
    return tf.add(middle, linear(gated, 'down_proj'));
  };
  const loss = (): Tensor => {
    let x = tf.gather(embedding, tokens);
    for (const layer of layers) x = block(x, layer);
    const logits = tf.matMul(norm(x, finalNorm), embedding, false, true);
    return tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), targets)));
  };
  let count = 0;
  return {
    async step() {
      count += 1;
      const [correct1, correct2] = [1 / (1 - beta1 ** count), 1 / (1 - beta2 ** count)];
      const value = tf.tidy(() => {
        const { value: own, grads } = tf.variableGrads(loss, variables);
        for (const [i, variable] of variables.entries()) {
          const g = grads[variable.name]!;
          m[i]!.assign(tf.add(tf.mul(m[i]!, beta1), tf.mul(g, 1 - beta1)));
          v[i]!.assign(tf.add(tf.mul(v[i]!, beta2), tf.mul(tf.square(g), 1 - beta2)));
          const root = tf.add(tf.sqrt(tf.mul(v[i]!, correct2)), eps);
          const change = tf.div(tf.mul(m[i]!, correct1 * lr), root);
          variable.assign(tf.sub(tf.mul(variable, 1 - lr * weightDecay), change));
        }
        return own;
      });
      const [number] = await value.data();
      value.dispose();
      // The update is part of the step.
      await finishTfjs(tf);
      return number!;
    },
    dispose() {
      tf.disposeVariables();
      for (const { w, norms } of layers)
        for (const tensor of [...Object.values(w), ...norms]) tensor.dispose();
      for (const tensor of [finalNorm, embedding, targets, tokens, cos, sin, mask]) tensor.dispose();
    },
  };
}
