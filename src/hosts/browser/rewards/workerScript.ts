/** What the language itself has and a function finds. Not here: what takes memory beside the heap, as on the command line. */
const LANGUAGE = [
  ...['globalThis', 'undefined', 'NaN', 'Infinity', 'eval', 'isFinite', 'isNaN', 'parseFloat', 'parseInt'],
  ...['decodeURI', 'decodeURIComponent', 'encodeURI', 'encodeURIComponent', 'escape', 'unescape'],
  ...['Object', 'Function', 'Array', 'Number', 'Boolean', 'String', 'Symbol', 'BigInt', 'Date', 'RegExp'],
  ...['Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'FinalizationRegistry', 'Promise', 'Proxy', 'Reflect'],
  ...['JSON', 'Math', 'Iterator', 'Error', 'AggregateError', 'EvalError', 'RangeError', 'ReferenceError'],
  ...['SyntaxError', 'TypeError', 'URIError', 'SuppressedError', 'DisposableStack', 'AsyncDisposableStack'],
];

/**
 * What surrounds the function in its worker: takes from the global object what browsers add to the language, then answers calls
 * by the port it is given. The policy of the frame is the wall; this makes a function find what it finds on the command line.
 * It names nothing that a function could see.
 */
const SURROUNDING = `((scope, language) => {
  const { getOwnPropertyDescriptor, getPrototypeOf, prototype } = Object;
  const { deleteProperty, ownKeys } = Reflect;
  const { isFinite } = Number;
  const { parse } = JSON;
  const loaded = scope.postMessage.bind(scope);
  let reward;
  const messageOf = (error) => {
    const found = typeof error === 'object' && error !== null ? getOwnPropertyDescriptor(error, 'message')?.value : error;
    return typeof found === 'string' ? found : 'it threw no error';
  };
  const call = (input) => {
    try {
      const [text, row] = parse(input);
      const value = reward(text, row);
      return typeof value === 'number' && isFinite(value) ? { kind: 'value', value } : { kind: 'nothing' };
    } catch (error) {
      return { kind: 'threw', message: messageOf(error) };
    }
  };
  scope.addEventListener('message', ({ ports: [port] }) => {
    port.onmessage = ({ data }) => {
      port.postMessage({ kind: 'begun' });
      port.postMessage(call(data));
    };
    port.postMessage(
      typeof reward === 'function'
        ? { kind: 'nothing' }
        : { kind: 'broken', message: 'its source is not an expression whose value is a function' },
    );
  }, { once: true });
  for (let holder = scope; holder !== null && holder !== prototype; holder = getPrototypeOf(holder))
    for (const name of ownKeys(holder)) if (!language.includes(name)) deleteProperty(holder, name);
  return (value) => {
    reward = value;
    loaded(null);
  };
})`;

/** The script of a function's worker. @param source an expression whose value is the function */
export function workerScript(source: string): string {
  // The source is an argument on lines of its own, so that a comment at its end ends there. It is read after all before it.
  return `${SURROUNDING}(self, ${JSON.stringify(LANGUAGE)})((\n${source}\n));\n`;
}
