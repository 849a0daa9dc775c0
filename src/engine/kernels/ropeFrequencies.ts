/**
 * Rotary frequency scaling, with the keys of `rope_parameters` in a Hugging Face config.json, all of them settled; what
 * has no name there is said beside it.
 */
export type RopeScaling =
  | { rope_type: 'default' }
  | { rope_type: 'linear'; factor: number }
  | {
      rope_type: 'llama3';
      factor: number;
      low_freq_factor: number;
      high_freq_factor: number;
      original_max_position_embeddings: number;
    }
  | {
      rope_type: 'yarn';
      factor: number;
      attention_factor: number;
      beta_fast: number;
      beta_slow: number;
      truncate: boolean;
      original_max_position_embeddings: number;
    }
  | {
      rope_type: 'longrope';
      /** A divisor of each frequency, up to the original context and beyond it. */
      short_factor: readonly number[];
      long_factor: readonly number[];
      attention_factor: number;
      original_max_position_embeddings: number;
    }
  /** The base becomes theta · alpha^(dims / (dims − 2)) (Hunyuan). */
  | { rope_type: 'ntk_alpha'; alpha: number };

/** A rotary embedding: of which base, how the context is extended, and of how many elements of a head. */
export interface RopeFrequencies {
  theta: number;
  scaling: RopeScaling;
  /** Leading elements of a head that turn; an odd number is rounded up. */
  dims: number;
}

/**
 * The rotary frequencies [ceil(dims / 2)] in radians per position: theta^(−2i/dims), scaled. Computed in f64 and rounded
 * to f32 once. After transformers' modeling_rope_utils.py, `_compute_*_parameters`.
 * @param length tokens of the longest sequence: longrope's frequencies depend on it
 */
export function ropeFrequencies(
  { theta, scaling, dims }: RopeFrequencies,
  length = 0,
): Float32Array<ArrayBuffer> {
  const scale = scaler(scaling, theta, dims, length);
  return Float32Array.from({ length: Math.ceil(dims / 2) }, (_, i) => scale(theta ** ((-2 * i) / dims), i));
}

/** What turns is multiplied by this. */
export function ropeMagnitude(scaling: RopeScaling): number {
  return 'attention_factor' in scaling ? scaling.attention_factor : 1;
}

/** The length from which on frequencies are others, or null. */
export function ropeLengthLimit(scaling: RopeScaling): number | null {
  return scaling.rope_type === 'longrope' ? scaling.original_max_position_embeddings : null;
}

type Scale = (frequency: number, index: number) => number;

function scaler(scaling: RopeScaling, theta: number, dims: number, length: number): Scale {
  switch (scaling.rope_type) {
    case 'default':
      return (frequency) => frequency;
    case 'linear':
      return (frequency) => frequency / scaling.factor;
    case 'ntk_alpha':
      return (frequency, i) => frequency * (scaling.alpha ** (dims / (dims - 2))) ** ((-2 * i) / dims);
    case 'longrope': {
      const isLong = length > scaling.original_max_position_embeddings;
      const factors = isLong ? scaling.long_factor : scaling.short_factor;
      return (frequency, i) => frequency / factors[i]!;
    }
    case 'yarn':
      return yarn(scaling, theta, dims);
    case 'llama3': {
      const { factor, low_freq_factor: low, high_freq_factor: high } = scaling;
      const context = scaling.original_max_position_embeddings;
      return (frequency) => {
        const wavelength = (2 * Math.PI) / frequency;
        if (wavelength > context / low) return frequency / factor;
        if (wavelength < context / high) return frequency;
        const smooth = (context / wavelength - low) / (high - low);
        return ((1 - smooth) * frequency) / factor + smooth * frequency;
      };
    }
  }
}

/** Frequencies that turn often enough within the original context stay, slow ones are divided; in between a ramp. */
function yarn(
  {
    factor,
    beta_fast: fast,
    beta_slow: slow,
    truncate,
    original_max_position_embeddings: context,
  }: Extract<RopeScaling, { rope_type: 'yarn' }>,
  theta: number,
  dims: number,
): Scale {
  // The index that turns `turns` times within the context.
  const indexOf = (turns: number) =>
    (dims * Math.log(context / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [first, last] = [indexOf(fast), indexOf(slow)];
  const low = Math.max(truncate ? Math.floor(first) : first, 0);
  const high = Math.min(truncate ? Math.ceil(last) : last, dims - 1);
  const width = high === low ? 0.001 : high - low;
  return (frequency, i) => {
    const ramp = Math.min(1, Math.max(0, (i - low) / width));
    return (frequency / factor) * ramp + frequency * (1 - ramp);
  };
}
