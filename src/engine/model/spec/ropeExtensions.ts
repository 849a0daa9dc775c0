import type { RopeScaling } from '../../kernels/ropeFrequencies.ts';
import type { ConfigReader } from './configReader.ts';

/**
 * YaRN's keys (Peng et al., 2023), as transformers' `_compute_yarn_parameters` reads them.
 * @param context `original_max_position_embeddings`, settled
 * @param nested by layer type, where `truncate` is not read
 */
export function readYarn(
  inner: ConfigReader,
  maxPositions: number,
  context: number,
  nested: boolean,
): Extract<RopeScaling, { rope_type: 'yarn' }> {
  // Only a null means the ratio of both contexts.
  const factor = inner.isNull('factor') ? maxPositions / context : inner.number('factor');
  return {
    rope_type: 'yarn',
    factor,
    attention_factor: inner.has('attention_factor')
      ? inner.number('attention_factor')
      : yarnMagnitude(inner, factor),
    beta_fast: inner.nonNegative('beta_fast', 32) || 32,
    beta_slow: inner.nonNegative('beta_slow', 1) || 1,
    truncate: nested || inner.boolean('truncate', true),
    original_max_position_embeddings: context,
  };
}

function yarnMagnitude(inner: ConfigReader, factor: number): number {
  const of = (scale: number) => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1);
  const [mscale, allDims] = [inner.nonNegative('mscale', 0), inner.nonNegative('mscale_all_dim', 0)];
  return mscale && allDims ? of(mscale) / of(allDims) : of(1);
}

/**
 * Longrope's keys (Ding et al., 2024), as transformers' `_compute_longrope_parameters` reads them.
 * @param context `original_max_position_embeddings`, settled
 */
export function readLongrope(
  inner: ConfigReader,
  maxPositions: number,
  context: number,
): Extract<RopeScaling, { rope_type: 'longrope' }> {
  const factor = inner.number('factor', maxPositions / context);
  const suggested = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(context));
  return {
    rope_type: 'longrope',
    short_factor: inner.numbers('short_factor'),
    long_factor: inner.numbers('long_factor'),
    attention_factor: inner.number('attention_factor', suggested),
    original_max_position_embeddings: context,
  };
}
