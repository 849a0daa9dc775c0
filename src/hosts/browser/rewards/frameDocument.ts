/**
 * Takes from the page the script of a worker and a port, and gives the port to the worker once its script has run; a script
 * that does not is reported by the port. The page's policy allows this text alone, by its hash.
 */
export const frameScript =
  "onmessage=({source,data,ports:[port]})=>{if(source!==parent)return;const worker=new Worker(URL.createObjectURL(new Blob([data],{type:'text/javascript'})));worker.onmessage=()=>{worker.onmessage=worker.onerror=null;worker.postMessage(null,[port])};worker.onerror=({message})=>port.postMessage({kind:'broken',message:String(message||'its source could not be read as JavaScript')})}";

/**
 * Its hash, which the page's policy has as well (base/lib/securityHeaders.ts): that module is a part of the service worker, which is
 * one file, so nothing of it may be shared with the page.
 */
export const FRAME_SCRIPT_HASH = 'sha256-pDZBaGG3xonSuvZO9m3XaNSgew1VH78womS3pRI6XKE=';

/**
 * The frame's policy, which its worker inherits beside the page's: no connection of any kind, no further scripts, and no
 * evaluated text. It comes with the document, so no host has to send a header.
 */
export const framePolicy = `default-src 'none'; script-src '${FRAME_SCRIPT_HASH}'; worker-src blob:`;

/** The document of the frame that a function of a recipe runs in. */
export const frameDocument = `<!doctype html><meta http-equiv="Content-Security-Policy" content="${framePolicy}"><script>${frameScript}</script>`;
