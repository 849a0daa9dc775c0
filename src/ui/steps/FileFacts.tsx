import type { DatasetSummary } from '../../workers/dataProtocol.ts';
import { formatList } from '../format.ts';
import { t } from '../text/index.ts';
import { OtherRows } from './RowsChoice.tsx';

/** How many lists are named; a file may have hundreds. */
const SHOWN = 12;

/** Names of encodings, the same in every language. */
const encodings = {
  'utf-16le': 'UTF-16 LE',
  'utf-16be': 'UTF-16 BE',
  'utf-32le': 'UTF-32 LE',
  'utf-32be': 'UTF-32 BE',
} as const;

/** How the file was read, where that is not what its name says; nothing for most files. */
export function FileFacts({ summary, disabled }: { summary: DatasetSummary; disabled: boolean }) {
  const { kind, kindFrom, encoding = 'utf-8', otherRowsFields = [] } = summary;
  const facts = [
    kindFrom === 'content' ? t('data.byContent', { kind: t(`data.kind.${kind}`) }) : null,
    encoding === 'utf-8' ? null : encodings[encoding],
    rowsText(summary),
  ].filter((fact) => fact !== null);
  if (facts.length === 0) return null;
  return (
    <div className="file-facts">
      <p className="remark">{facts.join(' · ')}</p>
      {otherRowsFields.length > 0 && <OtherRows fields={otherRowsFields} disabled={disabled} />}
    </div>
  );
}

function rowsText({ rowsField: field, otherRowsFields: others = [] }: DatasetSummary): string | null {
  if (field === undefined) return null;
  if (others.length === 0) return t('data.rowsOf', { field });
  const left = others.length - SHOWN;
  const lists = formatList(others.slice(0, SHOWN));
  return left > 0
    ? t('data.rowsOfMore', { field, lists, n: left })
    : t('data.rowsOfOthers', { field, lists });
}
