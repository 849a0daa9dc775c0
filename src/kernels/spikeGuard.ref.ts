/** What `spikeGuard` writes: the norm, or infinity where it or the loss is not finite or above its limit. */
export function spikeGuardRef(loss: number, norm: number, lossLimit: number, normLimit: number): number {
  return loss <= lossLimit && norm <= normLimit ? norm : Infinity;
}
