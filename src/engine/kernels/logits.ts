import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { ELEMENTWISE_THREADS as WG, elementGroups } from './elementwise.ts';

/** What a head's products become: logit = cap · tanh(multiplier · product / cap); a cap of 0 is none. */
export interface LogitForm {
  multiplier: number;
  cap: number;
}

/** Logits that are the head's products. */
export const plainLogits: LogitForm = { multiplier: 1, cap: 0 };

/** The same logits divided by a temperature. */
export function atTemperature({ multiplier, cap }: LogitForm, temperature: number): LogitForm {
  return { multiplier: multiplier / temperature, cap: cap / temperature };
}

/** The constants of shaders that include lib/logit.wgsl. */
export function logitConstants({ multiplier, cap }: LogitForm): Record<string, number | boolean> {
  return { MULTIPLIER: multiplier, ...(cap > 0 && { CAPPED: true, CAP: cap }) };
}

/** Turns the head's products [count] f32 into logits, in place. */
export function toLogits(
  commands: Commands,
  { logits, count, form }: { logits: Tensor; count: number; form: LogitForm },
): void {
  if (form.multiplier === 1 && form.cap === 0) return;
  commands.run('logits', { WG, ...logitConstants(form) }, { logits }, { count }, elementGroups(count));
}
