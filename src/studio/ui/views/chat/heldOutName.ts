import { t } from '../../text/index.ts';

/** What the held-out rows are called as a source. */
export function heldOutName(rows: number): string {
  return rows > 0 ? t('batch.heldOut', { n: rows }) : t('batch.noHeldOut');
}
