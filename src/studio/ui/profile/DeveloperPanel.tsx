import { Button } from 'react-aria-components';
import { clockStep, kernelTime, kernelTotals } from '../../../base/lib/profile.ts';
import { useStudio } from '../../store/index.ts';
import type { Profile } from '../../../hosts/browser/protocol.ts';
import { Fold } from '../controls/Fold.tsx';
import { CopyButton, ErrorNotice } from '../controls/Notice.tsx';
import { formatDuration } from '../format.ts';
import { formatTime } from '../benchmark/figures.ts';
import { t } from '../text/index.ts';
import { FlameChart } from './FlameChart.tsx';
import { colourOf } from './colours.ts';
import { ProfileTable } from './ProfileTable.tsx';

/** Timestamp rounding, in milliseconds, above which a warning is shown. */
const COARSE = 0.01;

/** Times before the first step, and the GPU time of one step. */
export function DeveloperPanel() {
  const { firstStep, status, profiling, profile, profileError } = useStudio((state) => state.run);
  const profileStep = useStudio((state) => state.profileStep);
  const dismiss = useStudio((state) => state.dismissProfileError);
  const running = status === 'running';
  return (
    <Fold
      title={t('profile.title')}
      note={firstStep ? t('profile.firstStep', { time: formatDuration(firstStep.seconds) }) : undefined}
    >
      <div className="profile">
        {firstStep && (
          <p className="remark">
            {t('profile.preparation', {
              weights: formatTime(firstStep.preparation.weightSeconds),
              n: firstStep.preparation.shaders,
              shaders: formatTime(firstStep.preparation.shaderSeconds),
              time: formatTime(firstStep.seconds),
            })}
            {firstStep.preparation.tuned > 0 && ` ${t('profile.tuned', { n: firstStep.preparation.tuned })}`}
          </p>
        )}
        <p className="remark">{t('profile.lead')}</p>
        <ErrorNotice error={profileError} onDismiss={dismiss} />
        <div className="profile__tools">
          <Button className="button" isDisabled={!running || profiling} onPress={() => void profileStep()}>
            {t(profiling ? 'profile.waiting' : 'profile.take')}
          </Button>
          {profile && (
            <CopyButton text={JSON.stringify(profile.profile, null, 2)} label={t('profile.copyJson')} />
          )}
          {!running && !profile && <p className="remark">{t('profile.onlyRunning')}</p>}
        </div>
        {profile && <ProfileView step={profile.step} profile={profile.profile} />}
      </div>
    </Fold>
  );
}

function ProfileView({ step, profile }: { step: number; profile: Profile }) {
  const totals = kernelTotals(profile);
  const clock = clockStep(profile);
  const colour = colourOf(totals.map(({ kernel }) => kernel));
  return (
    <>
      <div className="card-title">
        <h4>{t('profile.step', { step })}</h4>
        <p>
          {t('profile.summary', {
            n: profile.dispatches.length,
            kernels: formatTime(kernelTime(profile) / 1000),
            whole: formatTime(profile.ms / 1000),
          })}
        </p>
      </div>
      {clock >= COARSE && <p className="remark">{t('profile.clock', { step: formatTime(clock / 1000) })}</p>}
      <FlameChart key={step} step={step} profile={profile} colour={colour} />
      <ProfileTable totals={totals} colour={colour} />
    </>
  );
}
