import { useEffect } from 'react';
import { studio } from '../store/index.ts';
import { busyWith } from '../store/state.ts';
import { chooseAdapterFiles, chooseDataFile, chooseModelFiles } from './chooseFiles.ts';
import { filesOfDrop, kindOfFiles } from './files.ts';

/**
 * Takes files dropped anywhere on the page and gives them to the step they are for. A file dropped beside a
 * drop area must never make the browser leave the page.
 */
export function PageDrop() {
  useEffect(() => {
    const root = document.documentElement;
    const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const over = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      const busy = busyWith(studio.getState()) !== null;
      if (event.dataTransfer) event.dataTransfer.dropEffect = busy ? 'none' : 'copy';
      if (!busy) root.dataset.dragging = areaOf(event) ?? 'page';
    };
    const end = () => delete root.dataset.dragging;
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) end();
    };
    const drop = (event: DragEvent) => {
      end();
      if (!carriesFiles(event) || !event.dataTransfer) return;
      event.preventDefault();
      if (busyWith(studio.getState())) return;
      const area = areaOf(event);
      filesOfDrop(event.dataTransfer).then((files) => {
        const kind = kindOfFiles(files);
        if (kind === 'nothing') return;
        if (kind === 'adapter') chooseAdapterFiles(files);
        else if (kind === 'model' || (area === 'model' && files.length > 0)) chooseModelFiles(files);
        else chooseDataFile(files);
      }, studio.getState().refuseModel);
    };
    window.addEventListener('dragover', over);
    window.addEventListener('dragleave', leave);
    window.addEventListener('drop', drop);
    return () => {
      window.removeEventListener('dragover', over);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('drop', drop);
    };
  }, []);
  return null;
}

function areaOf(event: DragEvent): string | null {
  const target = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-drop]') : null;
  return target?.dataset.drop ?? null;
}
