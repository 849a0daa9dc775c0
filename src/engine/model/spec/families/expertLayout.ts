import type { DecoderSpec, LinearSpec } from '../spec.ts';
import { linear } from './llamaLayout.ts';

/** The router and the experts, under the names of transformers' parameters. */
export function expertLinears({
  hiddenSize: d,
  experts: spec,
}: Pick<DecoderSpec, 'hiddenSize' | 'experts'>): LinearSpec[] {
  if (!spec) return [];
  const { experts, width: f, router, module } = spec;
  return [
    linear(router, d, false, { router: experts }),
    { ...linear(`${module}.gate_up_proj`, d, false, { expertGate: f, expertUp: f }), experts },
    { ...linear(`${module}.down_proj`, f, false, { expertDown: d }), experts },
  ];
}
