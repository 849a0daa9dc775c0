import { useEffect, useRef, useSyncExternalStore } from 'react';
import { Button } from 'react-aria-components';
import { starterSource } from '../store/example.ts';
import { metrics, useStudio } from '../store/index.ts';
import { isCompared } from '../store/sides.ts';
import { busyWith, isTraining, type Studio } from '../store/state.ts';
import { Icon } from './controls/Icon.tsx';
import { t } from './text/index.ts';

/** Stage of the example, from the click to the file; `failed` if a step shows an error. */
type Stage = 'opening' | 'training' | 'trained' | 'answering' | 'compared' | 'merging' | 'done' | 'failed';

/** How many of the four parts are done at a stage: model and data, training, comparison, export. */
const partsDone: Record<Stage, number> = {
  opening: 0,
  training: 1,
  trained: 2,
  answering: 2,
  compared: 3,
  merging: 3,
  done: 4,
  failed: 0,
};

/** Whether the page shows the example, whose guide then stands at its foot. */
export function useExample(): boolean {
  return useStudio((state) => state.example && isExample(state));
}

/** Guides through the example: what is happening, and the one thing to do next. */
export function ExampleGuide() {
  const stage = useStudio(stageOf);
  const busy = useStudio((state) => busyWith(state) !== null);
  const compare = useStudio((state) => state.compareExample);
  const merge = useStudio((state) => state.merge);
  const end = useStudio((state) => state.endExample);
  const showView = useStudio((state) => state.showView);
  const guide = useRef<HTMLElement>(null);
  useEffect(() => {
    if (stage === 'training') showView('train');
    // The pressed button is gone, and with it the focus.
    if (document.activeElement === document.body) guide.current?.focus({ preventScroll: true });
  }, [stage, showView]);
  const next = {
    opening: null,
    training: null,
    failed: null,
    answering: null,
    merging: null,
    trained: { text: t('example.compare'), press: () => (showView('chat'), void compare()) },
    compared: { text: t('example.download'), press: () => (showView('export'), void merge({ kind: 'zip' })) },
    done: { text: t('example.own'), press: () => (showView('model'), end()) },
  }[stage];
  return (
    <aside className="guide" aria-label={t('example.label')} ref={guide} tabIndex={-1} data-stage={stage}>
      <ol className="guide__parts" aria-hidden="true">
        {[0, 1, 2, 3].map((part) => (
          <li key={part} data-done={part < partsDone[stage]} data-now={part === partsDone[stage]} />
        ))}
      </ol>
      <p className="guide__text" role="status">
        {t(`example.${stage}`)} {stage === 'training' && <TrainingShare />}
      </p>
      {next && (
        <Button className="button button--primary" isDisabled={busy} onPress={next.press}>
          {next.text}
        </Button>
      )}
      <Button className="icon-button" aria-label={t('example.close')} onPress={end}>
        <Icon name="cross" />
      </Button>
    </aside>
  );
}

/** Not read out with each step: the announcer announces milestones. */
function TrainingShare() {
  useSyncExternalStore(metrics.subscribe, metrics.version);
  const total = useStudio(({ run }) => run.totalSteps);
  const step = metrics.latest?.step;
  return step === undefined ? null : (
    <span className="guide__share" aria-hidden="true">
      {t('rail.training', { step, total })}
    </span>
  );
}

/** Whether the page still shows the example: another model or other data end it. */
function isExample({ model, dataset }: Studio): boolean {
  const otherModel = model.summary !== null && model.summary.name !== starterSource().name;
  const otherData = dataset.summary !== null && dataset.summary.name !== 'pirate-talk.jsonl';
  return !otherModel && !otherData;
}

function stageOf(state: Studio): Stage {
  const { adapter, dataset, exporting, model, run } = state;
  if (isTraining(state)) return 'training';
  if (model.error || dataset.error || run.error) return 'failed';
  if (adapter?.origin !== 'trained') return 'opening';
  if (exporting.mergeStatus === 'working') return 'merging';
  if (exporting.merged) return 'done';
  if (busyWith(state) === 'generate') return 'answering';
  return isCompared(state) ? 'compared' : 'trained';
}
