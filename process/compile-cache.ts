import module from "node:module";

/**
 * Writes what was compiled so far to Node's compile cache (NODE_COMPILE_CACHE), if there is one. Node does it when a process ends by
 * itself, and daemons seldom do: without this each start would strip types and compile anew, which costs 20 MB and 100 ms.
 */
export function keepCompiled(): void {
  module.flushCompileCache();
}
