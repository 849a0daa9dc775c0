import type { Decoder } from '../decoder/decoder.ts';
import { groupNames, groupsOf } from '../spec/fusedProjections.ts';
import { computeScales } from './doraProducts.ts';
import type { LoraAdapter } from './loraAdapter.ts';

/** Lets DoRA's magnitudes begin as the norms of the weights, as long as B is zero. */
export async function startMagnitudes(decoder: Decoder, adapter: LoraAdapter): Promise<void> {
  if (!adapter.hasDora) return;
  const { spec, weights, commands } = decoder;
  const groups = groupsOf(spec);
  for (let layer = 0; layer < spec.layers; layer++) {
    const block = await weights.block(layer);
    for (const name of groupNames) {
      const group = adapter.group(layer, groups[name]);
      if (!group?.dora) continue;
      const { dora } = group;
      const lora = { group: { ...group, dora }, scaleOf: () => 0 };
      computeScales({ commands }, groups[name], block.groups[name], lora);
      groups[name].starts.forEach((start, i) => {
        const own = group.pairs[i]?.magnitudes;
        const { norms } = dora.scales;
        if (own) commands.copy({ ...norms, offset: norms.offset + 4 * start, shape: own.shape }, own);
      });
    }
    commands.submit();
    weights.release(layer);
  }
}
