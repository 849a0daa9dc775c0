import { InterruptedRun } from '../../frame/InterruptedRun.tsx';
import { InterruptedSweep } from '../../frame/InterruptedSweep.tsx';
import { View } from '../../frame/View.tsx';
import { OfflineNote } from '../../offline/OfflineNote.tsx';
import { t } from '../../text/index.ts';
import { Example, Machine } from './Machine.tsx';
import { Projects } from './Projects.tsx';

/** Where to begin, or to go on: an unfinished run, the example, and what this machine can do. */
export function HomeView() {
  return (
    <View id="home">
      <InterruptedRun view="home" />
      <InterruptedSweep />
      <div className="columns">
        <Projects />
        <div className="column">
          <Example />
          <Machine />
        </div>
      </div>
      <footer className="footer">
        <p>{t('footer.licence')}</p>
        <OfflineNote />
      </footer>
    </View>
  );
}
