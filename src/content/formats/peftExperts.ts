/**
 * LoRA on the experts of a model, as PEFT 0.21 stores it (`ParamWrapper`). transformers holds all experts of a layer in two
 * parameters of one module, `gate_up_proj` and `down_proj`. PEFT wraps the module for the first, and that again for the
 * second, so that its names are those of the wrappers: "…experts.base_layer" inside, "…experts" outside.
 */

const NAMES = ['gate_up_proj', 'down_proj'] as const;

/** The name under which PEFT stores a parameter of experts, among those that an adapter has; others are their modules. */
export function wrapperOf(parameter: string, all: ReadonlyMap<string, unknown>): string {
  const [module, name] = split(parameter);
  if (module === null) return parameter;
  return name === NAMES[0] && all.has(`${module}.${NAMES[1]}`) ? `${module}.base_layer` : module;
}

/**
 * The parameter of experts that PEFT stores under a name; null for a module.
 * @param targets `target_parameters`
 * @param all every name that the adapter stores
 */
export function parameterOf(
  wrapper: string,
  targets: readonly string[],
  all: ReadonlySet<string>,
): string | null {
  const inner = /^(.*\.experts)\.base_layer$/s.exec(wrapper)?.[1];
  if (inner !== undefined) return `${inner}.${NAMES[0]}`;
  if (!wrapper.endsWith('.experts')) return null;
  const targeted = NAMES.filter((name) =>
    targets.some((target) => target === `${wrapper}.${name}` || `${wrapper}.${name}`.endsWith(`.${target}`)),
  );
  if (all.has(`${wrapper}.base_layer`)) return `${wrapper}.${NAMES[1]}`;
  return targeted.length === 0 ? null : `${wrapper}.${targeted[0]!}`;
}

function split(parameter: string): [module: string | null, name: string] {
  const name = NAMES.find((known) => parameter.endsWith(`.experts.${known}`));
  return name ? [parameter.slice(0, -name.length - 1), name] : [null, parameter];
}

/** B of experts one after the other, [experts, out, rank], from the columns of PEFT's [out, rank · experts]. */
export function expertsApart(
  b: Float32Array<ArrayBuffer>,
  { experts, out, rank }: { experts: number; out: number; rank: number },
): Float32Array<ArrayBuffer> {
  const apart = new Float32Array(b.length);
  for (let row = 0; row < out; row++) {
    for (let j = 0; j < rank; j++) {
      for (let e = 0; e < experts; e++)
        apart[(e * out + row) * rank + j] = b[(row * rank + j) * experts + e]!;
    }
  }
  return apart;
}

/** The other way. */
export function expertsTogether(
  b: Float32Array<ArrayBuffer>,
  { experts, out, rank }: { experts: number; out: number; rank: number },
): Float32Array<ArrayBuffer> {
  const together = new Float32Array(b.length);
  for (let row = 0; row < out; row++) {
    for (let j = 0; j < rank; j++) {
      for (let e = 0; e < experts; e++)
        together[(row * rank + j) * experts + e] = b[(e * out + row) * rank + j]!;
    }
  }
  return together;
}
