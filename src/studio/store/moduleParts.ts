/** Parts of a block by the layer names of model families. */
const patterns = {
  attention: /^(q_proj|k_proj|v_proj|o_proj|c_attn|c_proj|qkv_proj)$/,
  mlp: /^(gate_proj|up_proj|down_proj|gate_up_proj|w1|w2)$/,
} as const;

export type ModulePart = keyof typeof patterns;
export const moduleParts = Object.keys(patterns) as ModulePart[];

/** The linear layers that belong to a part of a block. */
export function modulesOf(part: ModulePart, modules: readonly string[]): string[] {
  return modules.filter((name) => patterns[part].test(name));
}
