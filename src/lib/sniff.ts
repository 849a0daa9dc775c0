/** What the first bytes of a file show it to be, where another file was expected. */
export type Sniffed =
  'lfs_pointer' | 'html_page' | 'a zip archive or PyTorch pickle' | 'a GGUF file' | 'JSON or text';

/**
 * Recognizes what is often found in place of a binary file: a Git LFS pointer, a web page, a pickle, GGUF, JSON.
 * `start` is the first kilobyte or less; undefined if it looks like none of them.
 */
export function sniff(start: Uint8Array): Sniffed | undefined {
  // One character a byte: never fails, and the marks are ASCII.
  const text = String.fromCharCode(...start.subarray(0, 1024)).replace(/^(?:\xef\xbb\xbf)?\s*/, '');
  if (text.startsWith('version https://git-lfs.github.com/spec/')) return 'lfs_pointer';
  if (/^<(?:!doctype\s+html|html|head|\?xml|!--)/i.test(text)) return 'html_page';
  if (text.startsWith('PK\x03\x04') || text.startsWith('\x80\x02')) return 'a zip archive or PyTorch pickle';
  if (text.startsWith('GGUF')) return 'a GGUF file';
  if (/^[{[][\s"[{\]}]/.test(text)) return 'JSON or text';
  return undefined;
}
