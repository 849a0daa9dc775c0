/** File types recognized by their first bytes, where another type was expected. */
export type Sniffed =
  'lfs_pointer' | 'html_page' | 'a zip archive or PyTorch pickle' | 'a GGUF file' | 'JSON or text';

/**
 * Recognizes files often found in place of a binary file: a Git LFS pointer, a web page, a pickle, GGUF, JSON.
 * @param start the first kilobyte or less
 * @returns undefined for other content
 */
export function sniff(start: Uint8Array): Sniffed | undefined {
  // One character per byte: never fails, and the signatures are ASCII.
  const text = String.fromCharCode(...start.subarray(0, 1024)).replace(/^(?:\xef\xbb\xbf)?\s*/, '');
  if (text.startsWith('version https://git-lfs.github.com/spec/')) return 'lfs_pointer';
  if (/^<(?:!doctype\s+html|html|head|\?xml|!--)/i.test(text)) return 'html_page';
  if (text.startsWith('PK\x03\x04') || text.startsWith('\x80\x02')) return 'a zip archive or PyTorch pickle';
  if (text.startsWith('GGUF')) return 'a GGUF file';
  if (/^[{[][\s"[{\]}]/.test(text)) return 'JSON or text';
  return undefined;
}
