import { frameDocument } from './frameDocument.ts';

/**
 * Runs a script in a worker of a hidden frame with an origin of its own: nothing of the page's origin can be reached from
 * there, and nothing of the network. Each call has a frame, and so an origin, of its own.
 * @param port what the worker gets as the port of its first message
 * @returns ends the worker, whatever it does
 */
export function openSandbox(script: string, port: MessagePort): () => void {
  const frame = document.createElement('iframe');
  // Not "allow-same-origin": with it, this would be the page's own origin.
  frame.setAttribute('sandbox', 'allow-scripts');
  frame.hidden = true;
  frame.srcdoc = frameDocument;
  // An opaque origin has no name that a message could be addressed to; the frame is ours, and navigates nowhere.
  frame.addEventListener('load', () => frame.contentWindow?.postMessage(script, '*', [port]), { once: true });
  document.body.append(frame);
  return () => frame.remove();
}
