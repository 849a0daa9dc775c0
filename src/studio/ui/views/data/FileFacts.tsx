import type { DatasetSummary } from '../../../../hosts/browser/dataProtocol.ts';
import { useStudio } from '../../../store/index.ts';
import { formatBytes, formatCount, formatList } from '../../format.ts';
import { t } from '../../text/index.ts';
import { EncodingSelect, encodingName } from './EncodingChoice.tsx';
import { OtherRows } from './RowsChoice.tsx';

/** Maximum number of listed names; a file may have hundreds. */
const SHOWN = 12;

const isWide = (encoding: string): boolean => /^utf-(16|32)/.test(encoding);

/** How the file was read, if its name suggests otherwise; empty for most files. */
export function FileFacts({ summary, disabled }: { summary: DatasetSummary; disabled: boolean }) {
  const { kind, kindFrom, encoding = 'utf-8', otherRowsFields = [] } = summary;
  const facts = [
    sampleText(summary),
    kindFrom === 'content' ? t('data.byContent', { kind: t(`data.kind.${kind}`) }) : null,
    isWide(encoding) ? encodingName(encoding) : null,
    rowsText(summary),
  ].filter((fact) => fact !== null);
  const source = useStudio((state) => state.dataset.source);
  // UTF-16 and UTF-32 are certain, and so is UTF-8 without a damaged line.
  const mayBeOther =
    encoding === 'utf-8' ? summary.problems.some(({ code }) => code === 'data.bad_utf8') : !isWide(encoding);
  if (facts.length === 0 && !mayBeOther) return null;
  return (
    <div className="file-facts">
      {facts.length > 0 && <p className="remark">{facts.join(' · ')}</p>}
      {mayBeOther && source && <EncodingSelect source={source} encoding={encoding} disabled={disabled} />}
      {otherRowsFields.length > 0 && <OtherRows fields={otherRowsFields} disabled={disabled} />}
    </div>
  );
}

function sampleText({ sampleOf, rows }: DatasetSummary): string | null {
  return sampleOf === null ? null : t('data.sampleOf', { n: formatCount(rows), size: formatBytes(sampleOf) });
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
