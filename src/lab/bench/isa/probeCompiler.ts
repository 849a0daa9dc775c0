import { missingCompiler } from './toolchain.ts';

// Exits with status 0 if the compiler for GPUs that need not be there is complete on this machine.
const missing = missingCompiler();
if (missing) console.log(missing);
process.exitCode = missing ? 1 : 0;
