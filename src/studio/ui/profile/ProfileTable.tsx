import type { KernelTotal } from '../../../base/lib/profile.ts';
import { formatRate, formatTime } from '../benchmark/figures.ts';
import { formatCount, formatShare } from '../format.ts';
import { t } from '../text/index.ts';

interface ProfileTableProps {
  totals: readonly KernelTotal[];
  colour(kernel: string): number;
}

/** The kernels of a step, by decreasing time. */
export function ProfileTable({ totals, colour }: ProfileTableProps) {
  const heads = ['calls', 'time', 'share', 'flops', 'bytes'] as const;
  return (
    <>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{t('profile.kernel')}</th>
            {heads.map((head) => (
              <th key={head} scope="col" className="table__number" data-column={head}>
                {t(`profile.${head}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {totals.map(({ kernel, calls, ms, share, gflops, gigabytes }) => (
            <tr key={kernel}>
              <th scope="row">
                <span className="flame__swatch" data-colour={colour(kernel)} />
                {kernel}
              </th>
              <td className="table__number">{formatCount(calls)}</td>
              <td className="table__number">{formatTime(ms / 1000)}</td>
              <td className="table__number">{formatShare(share)}</td>
              <td className="table__number" data-column="flops">
                {gflops !== null && formatRate(gflops * 1e9, 'FLOP/s')}
              </td>
              <td className="table__number" data-column="bytes">
                {gigabytes !== null && formatRate(gigabytes * 1e9, 'B/s')}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="remark">{t('profile.bytesHelp')}</p>
    </>
  );
}
