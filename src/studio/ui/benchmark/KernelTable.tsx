import type { KernelSpeed } from '../../../hosts/browser/protocol.ts';
import { formatShare } from '../format.ts';
import { t } from '../text/index.ts';
import { formatRate, formatTime } from './figures.ts';

/** Each kernel with its time, its speed, and a bar for its share of the ceiling. */
export function KernelTable({ kernels }: { kernels: readonly KernelSpeed[] }) {
  return (
    <table className="table kernels">
      <thead>
        <tr>
          <th scope="col">{t('benchmark.kernel')}</th>
          <th scope="col" className="table__number kernels__time">
            {t('benchmark.time')}
          </th>
          <th scope="col" className="table__number">
            {t('benchmark.speed')}
          </th>
          <th scope="col" className="kernels__share">
            {t('benchmark.share')}
          </th>
        </tr>
      </thead>
      <tbody>
        {kernels.map((kernel) => (
          <KernelRow key={`${kernel.kernel} ${kernel.shape} ${kernel.format}`} kernel={kernel} />
        ))}
      </tbody>
    </table>
  );
}

function KernelRow({ kernel: one }: { kernel: KernelSpeed }) {
  const { kernel, shape, format, seconds, bound, flopsPerSecond, bytesPerSecond, shareOfCeiling } = one;
  const speed =
    bound === 'compute' && flopsPerSecond !== null
      ? formatRate(flopsPerSecond, 'FLOP/s')
      : formatRate(bytesPerSecond, 'B/s');
  return (
    <tr>
      <th scope="row" className="kernels__name">
        {kernel} {format && <span className="kernels__format">{format}</span>}
        <span className="kernels__shape">{shape}</span>
      </th>
      <td className="table__number kernels__time">{formatTime(seconds)}</td>
      <td className="table__number">{speed}</td>
      <td className="kernels__share">
        <span className="kernels__bar" data-bound={bound} aria-hidden="true">
          <span style={{ width: `${Math.min(1, shareOfCeiling) * 100}%` }} />
        </span>
        <span className="kernels__percent">{formatShare(shareOfCeiling)}</span>
      </td>
    </tr>
  );
}
