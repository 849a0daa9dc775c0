import type { Quantization } from './types.ts';

/**
 * What is added to a stored GPTQ zero, modulo 16: 1 in v1 files, 0 in v2. Symmetric zeros are 8, so that stored as 7
 * or 8 they show the version, whatever the config says; otherwise the config decides.
 * @param qzeros bytes of one matrix's I32 [groups, rows / 8]
 */
export function gptqZeroOffset(
  qzeros: Uint8Array,
  { symmetric, version }: Quantization & { method: 'gptq' },
): 0 | 1 {
  if (symmetric && qzeros.length > 0) {
    if (qzeros.every((byte) => byte === 0x77)) return 1;
    if (qzeros.every((byte) => byte === 0x88)) return 0;
  }
  return version === 'v1' ? 1 : 0;
}
