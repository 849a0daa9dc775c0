import type { SweepReport } from '../../../../hosts/browser/protocol.ts';
import { formatList, formatMoment } from '../../format.ts';
import { fieldText, t } from '../../text/index.ts';

/** The settings that a sweep varies, in words. */
export function settingsOf({ keys }: SweepReport): string {
  return formatList(keys.map((key) => fieldText(key).label));
}

/** What a sweep is called in a list. */
export function sweepName(report: SweepReport): string {
  return t('sweep.pickName', { settings: settingsOf(report), time: formatMoment(report.createdAt) });
}
