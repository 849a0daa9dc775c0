import { useEffect } from 'react';
import { useStudio } from '../../../store/index.ts';
import { busyWith, isWholeModel } from '../../../store/state.ts';
import type { Side, SideAnswerer } from '../../../store/state/tryout.ts';
import { Icon } from '../../controls/Icon.tsx';
import { formatLoss } from '../../format.ts';
import { t } from '../../text/index.ts';

/** Selects what answers on a side: the base, the adapter of now, one of the shelf, or a checkpoint of a stored run. */
export function SidePicker({ side }: { side: Side }) {
  const answerer = useStudio((state) => state.tryout.sides[side]);
  const checkpoints = useStudio((state) => state.tryout.checkpoints);
  const entries = useStudio((state) => state.runs.entries);
  const adapter = useStudio((state) => state.adapter);
  const shelf = useStudio((state) => state.shelf);
  const isModel = useStudio(isWholeModel);
  const model = useStudio((state) => state.model.summary);
  const busy = useStudio((state) => busyWith(state) !== null);
  const readSides = useStudio((state) => state.readSides);
  const setSide = useStudio((state) => state.setSide);
  useEffect(() => void readSides(), [readSides, entries, model]);
  const value = keyOf(answerer);
  const isKnown =
    answerer?.kind !== 'checkpoint' || checkpoints.some((one) => keyOf(checkpointOf(one)) === value);
  // The adapter of now has an option already.
  const isUsed = (id: string) => adapter?.origin === 'opened' && adapter.id === id;
  const others = shelf.filter(({ id }) => !isUsed(id) || value === `shelved/${id}`);
  const runs = [...new Set(checkpoints.map(({ run }) => run))];
  return (
    <div className="select side">
      <select
        aria-label={t(`chat.side.${side}`)}
        value={value}
        disabled={busy}
        onChange={(event) => setSide(side, answererOf(event.currentTarget.value))}
      >
        {side === 'right' && <option value="">{t('chat.side.none')}</option>}
        <option value="base">{t('try.base')}</option>
        <option value="adapter">
          {adapter === null
            ? t('chat.side.noAdapter')
            : adapter.origin === 'opened'
              ? t('chat.by.opened', { name: adapter.name })
              : t(isModel ? 'try.tunedModel' : 'try.tuned')}
        </option>
        {others.length > 0 && (
          <optgroup label={t('shelf.open')}>
            {others.map(({ id, name }) => (
              <option key={id} value={`shelved/${id}`}>
                {t('chat.by.opened', { name })}
              </option>
            ))}
          </optgroup>
        )}
        {runs.map((run) => {
          const own = checkpoints.filter((one) => one.run === run);
          return (
            <optgroup key={run} label={`${t('chat.side.checkpoints')}: ${own[0]!.name}`}>
              {own.map((one) => (
                <option key={one.step} value={keyOf(checkpointOf(one))}>
                  {[
                    t('chat.by.step', { name: one.name, step: one.step }),
                    ...(one.evalLoss === null
                      ? []
                      : [t('runs.evalLoss', { loss: formatLoss(one.evalLoss) })]),
                    ...(one.best ? [t('runs.bestMark')] : []),
                  ].join(' · ')}
                </option>
              ))}
            </optgroup>
          );
        })}
        {!isKnown && answerer?.kind === 'checkpoint' && (
          <option value={value}>{t('chat.side.gone', { name: answerer.run, step: answerer.step })}</option>
        )}
      </select>
      <Icon name="down" />
    </div>
  );
}

const checkpointOf = ({ run, step }: { run: string; step: number }): SideAnswerer => ({
  kind: 'checkpoint',
  run,
  step,
});

/** An answerer as the value of an option. */
function keyOf(answerer: SideAnswerer | null): string {
  if (answerer === null) return '';
  if (answerer.kind === 'shelved') return `shelved/${answerer.id}`;
  return answerer.kind === 'checkpoint' ? `${answerer.step}/${answerer.run}` : answerer.kind;
}

function answererOf(key: string): SideAnswerer | null {
  if (key === '') return null;
  if (key === 'base' || key === 'adapter') return { kind: key };
  const [step, run] = key.split('/', 2);
  if (step === 'shelved') return { kind: 'shelved', id: run! };
  return { kind: 'checkpoint', run: run!, step: Number(step) };
}
