import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { isTraining } from '../../../store/state.ts';
import { FileButton } from '../../controls/FileButton.tsx';
import { Fold } from '../../controls/Fold.tsx';
import { Icon } from '../../controls/Icon.tsx';
import { ErrorNotice } from '../../controls/Notice.tsx';
import { downloadFile } from '../../files.ts';
import { View } from '../../frame/View.tsx';
import { t } from '../../text/index.ts';
import { AllSettings } from './AllSettings.tsx';
import { LrSearch } from './LrSearch.tsx';
import { MemoryPanel } from './MemoryPanel.tsx';
import { Questions } from './Questions.tsx';
import { RecipeEstimate } from './RecipeEstimate.tsx';
import { RecipeNotes } from './RecipeNotes.tsx';
import { RecipeShare } from './RecipeShare.tsx';

/** The recipe: three questions and all settings, beside what they cost. */
export function RecipeView() {
  const error = useStudio((state) => state.recipe.error);
  const dismiss = useStudio((state) => state.dismissRecipeError);
  const disabled = useStudio(isTraining);
  return (
    <View id="recipe" aside={<SaveAndLoad disabled={disabled} />}>
      <ErrorNotice error={error} onDismiss={dismiss} />
      <RecipeEstimate />
      <div className="columns columns--wide">
        <div className="column panel">
          <Questions disabled={disabled} />
          <RecipeNotes disabled={disabled} />
          <AllSettings disabled={disabled} />
          <LrSearchFold />
          <RecipeShare />
        </div>
        <div className="column panel">
          <MemoryPanel />
        </div>
      </div>
    </View>
  );
}

/** Collapsed: users who know their learning rate need no test. */
function LrSearchFold() {
  return (
    <Fold title={t('lrSearch.title')} note={t('lrSearch.note')}>
      <LrSearch />
    </Fold>
  );
}

function SaveAndLoad({ disabled }: { disabled: boolean }) {
  const draft = useStudio((state) => state.recipe.draft);
  const loadRecipe = useStudio((state) => state.loadRecipe);
  const save = () => {
    const text = `${JSON.stringify(draft, null, 2)}\n`;
    downloadFile(new Blob([text], { type: 'application/json' }), 'recipe.json');
  };
  return (
    <div className="row row--tight">
      <FileButton
        label={t('recipe.load')}
        icon="upload"
        accept=".json,application/json"
        kind="quiet"
        disabled={disabled}
        onFiles={([first]) => first && void loadRecipe(first.file)}
      />
      <Button className="button button--quiet" onPress={save}>
        <Icon name="download" />
        {t('recipe.save')}
      </Button>
    </div>
  );
}
