import { spendSteps } from './budget.ts';

/*
 * Floats as decimal digits, rounded as C and Python do: from the exact binary value, halves to even. JavaScript's
 * toFixed and toExponential round halves up.
 */

/** |value| as numerator / denominator, exactly. */
export function fraction(value: number): [bigint, bigint] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const exponent = Number(bits >> 52n) & 0x7ff;
  const mantissa = (bits & 0xfffffffffffffn) | (exponent === 0 ? 0n : 1n << 52n);
  const shift = (exponent === 0 ? 1 : exponent) - 1075;
  return shift >= 0 ? [mantissa << BigInt(shift), 1n] : [mantissa, 1n << BigInt(-shift)];
}

/** numerator / denominator rounded to the nearest integer, halves to even; both are positive. */
export function divideRounded(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  return twice > denominator || (twice === denominator && quotient % 2n === 1n) ? quotient + 1n : quotient;
}

/** Digits of |value| with `places` after the decimal point; negative places round to tens, hundreds, …. */
export function fixed(value: number, places: number): string {
  spendSteps(16 + (Math.abs(places) >> 1));
  const [numerator, denominator] = fraction(value);
  if (places < 0) {
    const unit = 10n ** BigInt(-places);
    return String(divideRounded(numerator, denominator * unit) * unit);
  }
  const digits = String(divideRounded(numerator * 10n ** BigInt(places), denominator)).padStart(
    places + 1,
    '0',
  );
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** `count` significant digits of |value|, the first before the decimal point, and the power of ten. */
export function significant(value: number, count: number): { digits: string; exponent: number } {
  spendSteps(16 + (count >> 1));
  if (value === 0) return { digits: '0'.repeat(count), exponent: 0 };
  const [numerator, denominator] = fraction(value);
  // Off by at most one: corrected below.
  let exponent = Math.floor(Math.log10(Math.abs(value)));
  for (;;) {
    const scale = count - 1 - exponent;
    const rounded =
      scale >= 0
        ? divideRounded(numerator * 10n ** BigInt(scale), denominator)
        : divideRounded(numerator, denominator * 10n ** BigInt(-scale));
    const digits = String(rounded);
    if (digits.length === count) return { digits, exponent };
    exponent += digits.length > count ? 1 : -1;
  }
}

/** `1.25e+10`: the exponent has a sign and at least two digits. */
export function exponential(value: number, places: number): string {
  const { digits, exponent } = significant(value, places + 1);
  return withExponent(digits, exponent);
}

export function withExponent(digits: string, exponent: number): string {
  const mantissa = digits.length > 1 ? `${digits.charAt(0)}.${digits.slice(1)}` : digits;
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** C's %g with `precision` digits: the more suitable form, without trailing zeros unless `keepZeros`. */
export function general(value: number, precision: number, keepZeros = false): string {
  const count = Math.max(1, precision);
  const { digits, exponent } = significant(value, count);
  const trim = (text: string) => (keepZeros || !text.includes('.') ? text : text.replace(/\.?0+$/, ''));
  if (exponent < -4 || exponent >= count) {
    const [mantissa, power] = withExponent(digits, exponent).split('e') as [string, string];
    return `${trim(mantissa)}e${power}`;
  }
  return trim(positional(digits, exponent));
}

/** Digits with the decimal point at `exponent`. */
export function positional(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return digits + '0'.repeat(exponent + 1 - digits.length);
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

/** repr(float): the shortest digits that give this float. */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const { digits, exponent } = shortest(value);
  if (exponent < -4 || exponent >= 16) return sign + withExponent(digits, exponent);
  const text = positional(digits, exponent);
  return sign + (text.includes('.') ? text : `${text}.0`);
}

/** The shortest digits of |value| that give this float, and the power of ten of the first. */
export function shortest(value: number): { digits: string; exponent: number } {
  const [mantissa, power] = Math.abs(value).toExponential().split('e') as [string, string];
  return { digits: mantissa.replace('.', ''), exponent: Number(power) };
}
