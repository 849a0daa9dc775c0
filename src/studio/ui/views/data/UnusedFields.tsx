import { formatList } from '../../format.ts';
import { t } from '../../text/index.ts';

/** Maximum number of listed names; a wide table may have hundreds of columns. */
const SHOWN = 12;

/** The unused fields, once for all rows. */
export function UnusedFields({ fields }: { fields: readonly string[] }) {
  if (fields.length === 0) return null;
  const shown = formatList(fields.slice(0, SHOWN));
  const left = fields.length - SHOWN;
  return (
    <p className="remark">
      {left > 0 ? t('data.unusedMore', { fields: shown, n: left }) : t('data.unused', { fields: shown })}
    </p>
  );
}
