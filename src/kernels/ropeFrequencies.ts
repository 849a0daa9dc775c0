/** Rotary frequency scaling, with the keys of `rope_scaling` in a Hugging Face config.json. */
export type RopeScaling =
  | { rope_type: 'default' }
  | { rope_type: 'linear'; factor: number }
  | {
      rope_type: 'llama3';
      factor: number;
      low_freq_factor: number;
      high_freq_factor: number;
      original_max_position_embeddings: number;
    };

/**
 * The rotary frequencies [headDim / 2] in radians a position: theta^(−2i/headDim), scaled. Computed in f64 and
 * rounded to f32 once. After transformers' modeling_rope_utils.py: `_compute_default_rope_parameters`,
 * `_compute_linear_scaling_rope_parameters` and `_compute_llama3_parameters`.
 */
export function ropeFrequencies({
  headDim,
  theta,
  scaling,
}: {
  headDim: number;
  theta: number;
  scaling?: RopeScaling | null;
}): Float32Array<ArrayBuffer> {
  const scale = scaler(scaling ?? { rope_type: 'default' });
  return Float32Array.from({ length: headDim / 2 }, (_, i) => scale(theta ** ((-2 * i) / headDim)));
}

function scaler(scaling: RopeScaling): (frequency: number) => number {
  switch (scaling.rope_type) {
    case 'default':
      return (frequency) => frequency;
    case 'linear':
      return (frequency) => frequency / scaling.factor;
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
