import { useEffect } from 'react';
import { I18nProvider } from 'react-aria-components';
import { useStudio } from '../store/index.ts';
import { isTraining, isUnsaved } from '../store/state.ts';
import { Announcer } from './Announcer.tsx';
import { ErrorBoundary, StepBoundary } from './ErrorBoundary.tsx';
import { ExampleGuide } from './ExampleGuide.tsx';
import { finishSignIn } from './hub/signIn.ts';
import { Intro } from './Intro.tsx';
import { Masthead } from './Masthead.tsx';
import { OfflineNote } from './offline/OfflineNote.tsx';
import { PageDrop } from './PageDrop.tsx';
import { QuestionDialog } from './QuestionDialog.tsx';
import { Rail } from './Rail.tsx';
import { DataStep } from './steps/DataStep.tsx';
import { ModelStep } from './steps/ModelStep.tsx';
import { RecipeStep } from './steps/RecipeStep.tsx';
import { TrainStep } from './steps/TrainStep.tsx';
import { TryStep } from './steps/TryStep.tsx';
import { TabTitle } from './TabTitle.tsx';
import { LanguageSetter } from './LanguageSetter.tsx';
import { languageTags, useLanguage } from './text/current.ts';
import { t } from './text/index.ts';
import { WakeLock } from './WakeLock.tsx';
import { ThemeSetter } from './theme.ts';
import './styles/index.css';

/** The page: what it is, the five steps, and where they stand. */
export function App() {
  useEffect(() => void finishSignIn(), []);
  // Drawn again with all that is in it when the language changes: texts are looked up as they are drawn.
  const language = useLanguage();
  return (
    <I18nProvider locale={languageTags[language]}>
      <ErrorBoundary>
        <ThemeSetter />
        <LanguageSetter />
        <PageDrop />
        <LeaveGuard />
        <WakeLock />
        <TabTitle />
        <Masthead />
        <div className="page">
          <Rail />
          <main className="sheet">
            <Intro />
            <StepBoundary id="model">
              <ModelStep />
            </StepBoundary>
            <StepBoundary id="data">
              <DataStep />
            </StepBoundary>
            <StepBoundary id="recipe">
              <RecipeStep />
            </StepBoundary>
            <StepBoundary id="train">
              <TrainStep />
            </StepBoundary>
            <StepBoundary id="try">
              <TryStep />
            </StepBoundary>
          </main>
        </div>
        <ExampleGuide />
        <footer className="footer">
          <p>{t('footer.licence')}</p>
          <OfflineNote />
        </footer>
        <QuestionDialog />
        <Announcer />
      </ErrorBoundary>
    </I18nProvider>
  );
}

/** Lets the browser ask before a training or an unsaved adapter is lost with the tab. */
function LeaveGuard() {
  const atStake = useStudio((state) => isTraining(state) || isUnsaved(state));
  useEffect(() => {
    if (!atStake) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [atStake]);
  return null;
}
