import { useEffect } from 'react';
import { studio } from '../store/index.ts';
import { filesOfDrop, folderOfDrop } from './files.ts';

/**
 * Takes files dropped or pasted anywhere on the page. What they are decides where they are opened, never where they
 * fell; a page that is busy takes them too, and opens them later.
 */
export function PageDrop() {
  useEffect(() => {
    const root = document.documentElement;
    const carriesFiles = (transfer: DataTransfer | null) => transfer?.types.includes('Files') ?? false;
    const over = (event: DragEvent) => {
      if (!carriesFiles(event.dataTransfer)) return;
      event.preventDefault();
      event.dataTransfer!.dropEffect = 'copy';
      root.dataset.dragging = 'page';
    };
    const end = () => delete root.dataset.dragging;
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) end();
    };
    const take = (transfer: DataTransfer) => {
      const folder = folderOfDrop(transfer);
      const { takeFiles, refuseFiles } = studio.getState();
      filesOfDrop(transfer).then(async (files) => takeFiles(files, await folder), refuseFiles);
    };
    const drop = (event: DragEvent) => {
      end();
      if (!carriesFiles(event.dataTransfer)) return;
      // Otherwise the browser leaves the page for the file.
      event.preventDefault();
      take(event.dataTransfer!);
    };
    const paste = (event: ClipboardEvent) => {
      const { clipboardData } = event;
      // Text copied from a document may come with a picture of itself: in a field, the text is meant.
      if (!clipboardData || !carriesFiles(clipboardData) || clipboardData.types.includes('text/plain'))
        return;
      event.preventDefault();
      take(clipboardData);
    };
    window.addEventListener('dragover', over);
    window.addEventListener('dragleave', leave);
    window.addEventListener('drop', drop);
    window.addEventListener('paste', paste);
    return () => {
      window.removeEventListener('dragover', over);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('drop', drop);
      window.removeEventListener('paste', paste);
    };
  }, []);
  return null;
}
