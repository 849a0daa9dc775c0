import { Button } from 'react-aria-components';
import type { SweepReport, SweepReportRow } from '../../../../hosts/browser/protocol.ts';
import type { ErrorCode } from '../../../../base/lib/errors.ts';
import { recipeDiff } from '../../../../base/config/recipeDiff.ts';
import { useStudio } from '../../../store/index.ts';
import { isTraining } from '../../../store/state.ts';
import { formatCount, formatLoss } from '../../format.ts';
import { errorText, fieldText, t } from '../../text/index.ts';
import { valueText } from '../recipe/recipeText.ts';

/** The runs of a sweep, the best first: the settings that differ, and what came of them. */
export function SweepTable({ report }: { report: SweepReport }) {
  const { keys, rows } = report;
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so it must take the focus
    <section className="table-scroll sweep__table" tabIndex={0} aria-label={t('sweep.table')}>
      <table className="table">
        <thead>
          <tr>
            {keys.map((key) => (
              <th key={key} scope="col" className="table__number">
                {fieldText(key).label}
              </th>
            ))}
            <th scope="col" className="table__number">
              {t('sweep.loss')}
            </th>
            <th scope="col" className="table__number">
              {t('sweep.steps')}
            </th>
            <th scope="col" className="sweep__state">
              {t('sweep.stateHead')}
            </th>
            <th scope="col">
              <span className="hidden">{t('sweep.actions')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.index} row={row} report={report} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ row, report }: { row: SweepReportRow; report: SweepReport }) {
  const { keys, training, best } = report;
  const { index, recipe, loss, steps, totalSteps, failure, name } = row;
  const draft = useStudio((state) => state.recipe.draft);
  const take = useStudio((state) => state.takeRecipe);
  const busy = useStudio(isTraining);
  const state = index === training ? 'training' : row.state;
  const isUsed = recipeDiff(recipe, draft).length === 0;
  return (
    <tr data-state={state} data-best={index === best}>
      {keys.map((key) => (
        <td key={key} className="table__number">
          {valueText(recipe[key])}
        </td>
      ))}
      <td className="table__number">{loss === null ? '' : formatLoss(loss)}</td>
      <td className="table__number">
        {steps === totalSteps ? formatCount(steps) : t('runs.stepOf', { step: steps, total: totalSteps })}
      </td>
      <td className="sweep__state">
        {t(`sweep.state.${state}`)}
        {index === best && <span className="run__tag sweep__best">{t('sweep.best')}</span>}
        {failure && <p className="remark">{errorText(failure.code as ErrorCode, failure.params).what}</p>}
      </td>
      <td>
        <Button
          className="button button--small"
          isDisabled={busy || isUsed}
          aria-label={isUsed ? undefined : t('sweep.useName', { name })}
          onPress={() => take(recipe)}
        >
          {t(isUsed ? 'sweep.used' : 'sweep.use')}
        </Button>
      </td>
    </tr>
  );
}
