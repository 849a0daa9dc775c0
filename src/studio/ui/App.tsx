import { Activity, useEffect, type ComponentType } from 'react';
import { I18nProvider } from 'react-aria-components';
import { studio, useStudio } from '../store/index.ts';
import { viewIds, type ViewId } from '../store/state/view.ts';
import { isTraining, isUnsaved } from '../store/state.ts';
import { Announcer } from './Announcer.tsx';
import { ErrorBoundary, ViewBoundary } from './ErrorBoundary.tsx';
import { ExampleGuide, useExample } from './ExampleGuide.tsx';
import { placeOf } from './frame/address.ts';
import { Address } from './frame/Address.tsx';
import { FocusKeeper } from './frame/FocusKeeper.tsx';
import { Downloads } from './frame/Downloads.tsx';
import { ProjectNotices } from './frame/ProjectNotices.tsx';
import { Masthead } from './frame/Masthead.tsx';
import { NextBar } from './frame/NextBar.tsx';
import { Rail } from './frame/Rail.tsx';
import { StatusStrip } from './frame/StatusStrip.tsx';
import { TabTitle } from './frame/TabTitle.tsx';
import { DropOverlay } from './intake/DropOverlay.tsx';
import { IntakeDialog } from './intake/IntakeDialog.tsx';
import { IntakeStrip } from './intake/IntakeStrip.tsx';
import { finishSignIn } from './hub/signIn.ts';
import { PageDrop } from './PageDrop.tsx';
import { FunctionDialog } from './FunctionDialog.tsx';
import { QuestionDialog } from './QuestionDialog.tsx';
import { LanguageSetter } from './LanguageSetter.tsx';
import { languageTags, useLanguage } from './text/current.ts';
import { WakeLock } from './WakeLock.tsx';
import { ThemeSetter } from './theme.ts';
import { ChatView } from './views/chat/ChatView.tsx';
import { DataView } from './views/data/DataView.tsx';
import { ExportView } from './views/export/ExportView.tsx';
import { HomeView } from './views/home/HomeView.tsx';
import { ModelView } from './views/model/ModelView.tsx';
import { RecipeProposal } from './views/recipe/RecipeProposal.tsx';
import { RecipeView } from './views/recipe/RecipeView.tsx';
import { TrainView } from './views/train/TrainView.tsx';
import './styles/index.css';

const views: Record<ViewId, ComponentType> = {
  home: HomeView,
  model: ModelView,
  data: DataView,
  recipe: RecipeView,
  train: TrainView,
  chat: ChatView,
  export: ExportView,
};

/** The page: a view of the work at a time, the rail to switch between them, and what runs meanwhile. */
export function App() {
  useEffect(() => void start(), []);
  // Re-renders everything when the language changes: texts are looked up during rendering.
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
        <Address />
        <FocusKeeper />
        <Downloads />
        <Masthead />
        <div className="page">
          <Rail />
          <main className="sheet">
            <StatusStrip />
            <IntakeStrip />
            <ProjectNotices />
            <Views />
          </main>
          <Foot />
        </div>
        <RecipeProposal />
        <IntakeDialog />
        <QuestionDialog />
        <FunctionDialog />
        <DropOverlay />
        <Announcer />
      </ErrorBoundary>
    </I18nProvider>
  );
}

let started: Promise<void> | null = null;

/** Finishes signing in, looks for a GPU, and opens the project of the address, or the last one; once. */
function start(): Promise<void> {
  started ??= (async () => {
    const { checkDevice, findInterruptedMerge, refreshRuns, refreshSweeps, startProjects } =
      studio.getState();
    void findInterruptedMerge();
    await finishSignIn();
    const device = checkDevice();
    await startProjects(placeOf(location.hash)?.project ?? null, device);
    await device;
    await refreshRuns();
    void refreshSweeps();
  })();
  return started;
}

/** Hidden views stay mounted with what was typed and unfolded in them, and cost nothing until they are shown. */
function Views() {
  const shown = useStudio((state) => state.view);
  return viewIds.map((id) => {
    const Content = views[id];
    return (
      <Activity key={id} mode={id === shown ? 'visible' : 'hidden'}>
        <ViewBoundary id={id}>
          <Content />
        </ViewBoundary>
      </Activity>
    );
  });
}

/** What comes next: in the example its guide says so. */
function Foot() {
  return useExample() ? <ExampleGuide /> : <NextBar />;
}

/** Makes the browser ask before a training, a merge or an unsaved adapter is lost with the tab. */
function LeaveGuard() {
  const atStake = useStudio(
    (state) => isTraining(state) || isUnsaved(state) || state.exporting.mergeStatus === 'working',
  );
  useEffect(() => {
    if (!atStake) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [atStake]);
  return null;
}
