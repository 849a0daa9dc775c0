import { formatCount } from '../format.ts';
import { t } from '../text/index.ts';

interface HistogramProps {
  bins: readonly { from: number; to: number; rows: number }[];
  rows: number;
  longest: number;
}

/** Rows by their length in tokens. The bars are a list, for screen readers. */
export function Histogram({ bins, rows, longest }: HistogramProps) {
  const most = Math.max(1, ...bins.map((bin) => bin.rows));
  const first = bins[0];
  const last = bins.at(-1);
  if (!first || !last) return null;
  return (
    <figure className="histogram">
      <figcaption className="hidden">
        {t('data.histogramSummary', { rows: formatCount(rows), longest: formatCount(longest) })}
      </figcaption>
      <p className="histogram__most" aria-hidden="true">
        {t('rail.data', { n: most })}
      </p>
      <ul className="histogram__bars">
        {bins.map((bin) => {
          const { from, to } = bin;
          const label = t('data.histogramBar', {
            range: from === to ? formatCount(from) : `${formatCount(from)}–${formatCount(to)}`,
            n: t('rail.data', { n: bin.rows }),
          });
          return (
            // Lengths that no row has are nothing to read out.
            <li key={from} title={label} aria-hidden={bin.rows === 0}>
              <span className="hidden">{label}</span>
              <span className="histogram__bar" style={{ height: `${(bin.rows / most) * 100}%` }} />
            </li>
          );
        })}
      </ul>
      <p className="histogram__axis" aria-hidden="true">
        <span>{formatCount(first.from)}</span>
        <span>{t('model.tokens', { n: last.to })}</span>
      </p>
    </figure>
  );
}
