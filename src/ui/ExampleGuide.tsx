import { useEffect, useRef, useSyncExternalStore } from 'react';
import { Button } from 'react-aria-components';
import { starterSource } from '../store/example.ts';
import { metrics, useStudio } from '../store/index.ts';
import { busyWith, isTraining, type Studio } from '../store/state.ts';
import { Icon } from './controls/Icon.tsx';
import { t } from './text/index.ts';

/** Where the example stands, from the click to the file; `failed` where a step says what went wrong. */
type Stage = 'opening' | 'training' | 'trained' | 'answering' | 'compared' | 'merging' | 'done' | 'failed';

/** How many of the four parts of the job are done at a stage: model and data, training, comparing, taking away. */
const partsDone: Record<Stage, number> = {
  ...{ opening: 0, training: 1, trained: 2, answering: 2, compared: 3, merging: 3, done: 4, failed: 0 },
};

/**
 * Leads through the example: what is going on, and the one thing to do next. It stays at the foot of the window, since
 * the steps above the run grow while they are filled.
 */
export function ExampleGuide() {
  const shown = useStudio((state) => state.example && isExample(state));
  return shown ? <Guide /> : null;
}

function Guide() {
  const stage = useStudio(stageOf);
  const busy = useStudio((state) => busyWith(state) !== null);
  const compare = useStudio((state) => state.compare);
  const merge = useStudio((state) => state.merge);
  const end = useStudio((state) => state.endExample);
  const guide = useRef<HTMLElement>(null);
  useEffect(() => {
    if (stage === 'training') show('train');
    // The button that was pressed is gone, and with it the focus.
    if (document.activeElement === document.body) guide.current?.focus({ preventScroll: true });
  }, [stage]);
  const next = {
    opening: null,
    training: null,
    failed: null,
    answering: null,
    merging: null,
    trained: { text: t('example.compare'), press: () => (show('try'), void compare()) },
    compared: { text: t('example.download'), press: () => (show('export'), void merge({ kind: 'zip' })) },
    done: { text: t('example.own'), press: () => (show('model'), end()) },
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

/** Not read out with each step: the announcer tells milestones. */
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

/** Whether what is on the page is still the example: another model or other data end it. */
function isExample({ model, dataset }: Studio): boolean {
  const otherModel = model.summary !== null && model.summary.name !== starterSource().name;
  const otherData = dataset.summary !== null && dataset.summary.name !== 'pirate-talk.jsonl';
  return !otherModel && !otherData;
}

function stageOf(state: Studio): Stage {
  const { adapter, dataset, exporting, model, run, tryout } = state;
  if (isTraining(state)) return 'training';
  if (model.error || dataset.error || run.error) return 'failed';
  if (adapter?.origin !== 'trained') return 'opening';
  if (exporting.mergeStatus === 'working') return 'merging';
  if (exporting.merged) return 'done';
  if (tryout.status !== 'idle') return 'answering';
  return tryout.tuned?.outcome ? 'compared' : 'trained';
}

/** Brings a part of the page into view, above the guide. */
function show(id: string): void {
  document.getElementById(id)?.scrollIntoView();
}
