import { useEffect, useRef } from 'react';
import { useStudio } from '../../store/index.ts';
import { downloadFile } from '../files.ts';

/** Starts the download of each exported file once it is made, whichever view is shown. */
export function Downloads() {
  const adapter = useStudio((state) => state.exporting.adapterFile);
  const merged = useStudio((state) => state.exporting.merged?.zip ?? null);
  const gguf = useStudio((state) => state.exporting.gguf?.file ?? null);
  return (
    <>
      <Download file={adapter} />
      <Download file={merged} />
      <Download file={gguf} />
    </>
  );
}

function Download({ file }: { file: File | null }) {
  const offered = useRef<File | null>(null);
  useEffect(() => {
    if (!file || offered.current === file) return;
    offered.current = file;
    downloadFile(file, file.name);
  }, [file]);
  return null;
}
