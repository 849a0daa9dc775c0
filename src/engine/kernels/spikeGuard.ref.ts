/** What `spikeGuard` writes: the norm, or infinity if the norm or the loss is not finite or exceeds its limit. */
export function spikeGuardRef(loss: number, norm: number, lossLimit: number, normLimit: number): number {
  return loss <= lossLimit && norm <= normLimit ? norm : Infinity;
}
