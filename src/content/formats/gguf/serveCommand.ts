/** Serves the folder it runs in to this machine's browsers, as an exported chat page needs, and where. */
export const serveCommand = 'python3 -m http.server 8000 --bind 127.0.0.1';
export const serveAddress = 'http://127.0.0.1:8000/';
