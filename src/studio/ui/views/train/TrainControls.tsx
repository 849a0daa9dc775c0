import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { busyWith } from '../../../store/state.ts';
import { blockReason, canResume } from '../../../store/steps.ts';
import { t } from '../../text/index.ts';

/**
 * Starts a run. One that was paused or failed resumes where it was: starting over is the second choice, as is another
 * run after one that ended, whose verdict says what comes next.
 */
export function TrainControls() {
  const status = useStudio((state) => state.run.status);
  const id = useStudio((state) => state.run.id);
  const resumable = useStudio(canResume);
  const blocked = useStudio((state) => blockReason(state, 'train') !== null);
  const busy = useStudio((state) => busyWith(state) !== null);
  const train = useStudio((state) => state.train);
  const resume = useStudio((state) => state.resumeRun);
  const first = status === 'idle';
  const isSecond = resumable || status === 'done';
  return (
    <div className="row row--tight">
      {resumable && (
        <Button
          className="button button--primary button--large"
          isDisabled={busy}
          onPress={() => id !== null && void resume(id)}
        >
          {t('runs.resume')}
        </Button>
      )}
      <Button
        className={isSecond ? 'button' : 'button button--primary button--large'}
        isDisabled={blocked}
        onPress={() => void train()}
      >
        {t(first ? 'train.start' : resumable ? 'train.over' : 'train.again')}
      </Button>
    </div>
  );
}
