import { Label, ProgressBar } from 'react-aria-components';
import type { Progress } from '../../../hosts/browser/protocol.ts';
import { formatBytes, formatCount } from '../format.ts';
import { t } from '../text/index.ts';

interface ProgressLineProps {
  label: string;
  /** Null while the total is unknown. */
  progress: Amount | null;
  /** Current item or speed. */
  note?: string | null;
}

type Amount = Pick<Progress, 'done' | 'total' | 'unit'>;

/** Progress of a long operation: its name, status, and a bar. */
export function ProgressLine({ label, progress, note }: ProgressLineProps) {
  const known = progress !== null && progress.total > 0;
  const share = known ? Math.min(1, progress.done / progress.total) : 0;
  return (
    <ProgressBar
      className="progress"
      value={share * 100}
      isIndeterminate={!known}
      {...(known && { valueLabel: amount(progress) })}
    >
      {({ valueText }) => (
        <>
          <div className="progress__head">
            <Label>{label}</Label>
            <span className="progress__amount">
              {note && <span>{note}</span>}
              {known && <span className="number">{valueText}</span>}
            </span>
          </div>
          <div className="progress__track">
            {known ? (
              <div className="progress__fill" style={{ transform: `scaleX(${share})` }} />
            ) : (
              <div className="progress__fill progress__fill--unknown" />
            )}
          </div>
        </>
      )}
    </ProgressBar>
  );
}

function amount({ done, total, unit }: Amount): string {
  if (unit === 'bytes') return t('unit.bytes', { done: formatBytes(done), total: formatBytes(total) });
  return t('unit.counted', {
    done: formatCount(done),
    total: formatCount(total),
    unit: t(`unit.name.${unit}`),
  });
}
