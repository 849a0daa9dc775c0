import { languageTag } from './text/current.ts';
import { t } from './text/index.ts';
import { datesOf, percentsOf, wholeNumbersOf } from './text/intl.ts';

// 494M and 7B in Chinese too: that is how models are named.
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const sizes = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** An integer with separators: 1,234. */
export function formatCount(value: number): string {
  return Number.isFinite(value) ? wholeNumbersOf(languageTag()).format(value) : '–';
}

/** A large number, shortened: 494M. */
export function formatCompact(value: number): string {
  return Number.isFinite(value) ? short.format(value) : '–';
}

/** Bytes in decimal units, as for disks and on Hugging Face: 1.04 MB. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return '–';
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < sizes.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(3))} ${sizes[unit]}`;
}

/** A loss or norm with enough digits to see changes: 2.314, 0.0213. */
export function formatLoss(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(2);
  return value.toFixed(size < 0.1 ? 4 : size < 100 ? 3 : 1);
}

/** A tiny or ordinary number with three digits: 1.9e-4, 0.05. */
export function formatSmall(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const rounded = Number(value.toPrecision(3));
  const size = Math.abs(rounded);
  return size > 0 && (size < 0.01 || size >= 1e6)
    ? rounded.toExponential().replace('e+', 'e')
    : String(rounded);
}

/** A share as percent. */
export function formatShare(share: number): string {
  return Number.isFinite(share) ? percentsOf(languageTag()).format(share) : '–';
}

/** A duration: 8 s, 3 min 20 s, 2 h 5 min. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const total = Math.max(0, Math.round(seconds));
  if (total < 60) return t('unit.seconds', { s: total });
  const minutes = Math.floor(total / 60);
  if (minutes < 60) return t('unit.minutes', { min: minutes, s: total % 60 });
  return t('unit.hours', { h: Math.floor(minutes / 60), min: minutes % 60 });
}

/**
 * A date: Nov 3, 2025.
 * @param time Unix time in milliseconds
 */
export function formatDate(time: number): string {
  return datesOf(languageTag()).format(time);
}

/**
 * Date and time, to the minute.
 * @param time Unix time in milliseconds
 */
export function formatMoment(time: number): string {
  return new Date(time).toLocaleString(languageTag(), { dateStyle: 'medium', timeStyle: 'short' });
}

/**
 * A time of today: 14:05:09.
 * @param time Unix time in milliseconds
 */
export function formatTime(time: number): string {
  return new Date(time).toLocaleTimeString(languageTag());
}

/** A list of names: rank, alpha, lr. */
export function formatList(names: readonly string[]): string {
  return names.join(t('unit.comma'));
}
