/** Linear layers of a decoder layer in the order in which transformers defines them. */
const parts = [
  'self_attn.q_proj',
  'self_attn.k_proj',
  'self_attn.v_proj',
  'self_attn.o_proj',
  'self_attn.qkv_proj',
  'mlp.gate_proj',
  'mlp.up_proj',
  'mlp.gate_up_proj',
  'mlp.down_proj',
];

/** Modules in the order of the model, in which PyTorch's random numbers are drawn; unknown ones last. */
export function inModelOrder(modules: Iterable<string>): string[] {
  const place = (module: string): [number, number] => {
    const [, layer, part] = /\.layers\.(\d+)\.(.+)$/.exec(module) ?? [];
    if (layer === undefined) return [Infinity, 0];
    const index = parts.indexOf(part!);
    return [Number(layer), index < 0 ? parts.length : index];
  };
  return [...modules].sort((a, b) => {
    const [[layerA, partA], [layerB, partB]] = [place(a), place(b)];
    if (layerA !== layerB) return layerA < layerB ? -1 : 1;
    return partA - partB || (a < b ? -1 : 1);
  });
}
