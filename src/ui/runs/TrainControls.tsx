import { Button } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { isTraining } from '../../store/state.ts';
import { blockReason } from '../../store/steps.ts';
import { Icon } from '../controls/Icon.tsx';
import { t } from '../text/index.ts';

/** Begins a run; while it trains, pauses it or ends it. */
export function TrainControls() {
  const status = useStudio((state) => state.run.status);
  const stored = useStudio((state) => state.run.id !== null);
  const training = useStudio(isTraining);
  const blocked = useStudio((state) => blockReason(state, 'train') !== null);
  const train = useStudio((state) => state.train);
  const stopTraining = useStudio((state) => state.stopTraining);
  const pauseTraining = useStudio((state) => state.pauseTraining);
  if (!training) {
    return (
      <Button
        className="button button--primary button--large"
        isDisabled={blocked}
        onPress={() => void train()}
      >
        {t(status === 'idle' ? 'train.start' : 'train.again')}
      </Button>
    );
  }
  const going = status === 'preparing' || status === 'running' || status === 'recovering';
  return (
    <>
      {stored && (
        <Button
          className="button button--large"
          isDisabled={status !== 'running'}
          onPress={() => void pauseTraining()}
        >
          <Icon name="pause" />
          {t('train.pause')}
        </Button>
      )}
      <Button className="button button--large" isDisabled={!going} onPress={() => void stopTraining()}>
        <Icon name="stop" />
        {t('train.stop')}
      </Button>
    </>
  );
}
