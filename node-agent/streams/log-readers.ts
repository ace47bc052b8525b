/* Where those are who read a log at this moment: a rotation takes nothing away that they have yet to read, as far as its bound goes. */

export interface LogReaders {
  /** One more reader; its disposal ends it. */
  enter(logPath: string): LogReader;
  /** The first byte that some reader has yet to read; infinite where there is none. */
  slowest(logPath: string): number;
}

export interface LogReader extends Disposable {
  /** The next byte to read. */
  at: number;
}

export function createLogReaders(): LogReaders {
  const readers = new Map<string, Set<LogReader>>();
  return {
    enter(logPath) {
      const others = readers.get(logPath) ?? new Set();
      readers.set(logPath, others);
      const reader: LogReader = {
        at: 0,
        [Symbol.dispose]() {
          others.delete(reader);
          if (others.size === 0 && readers.get(logPath) === others) readers.delete(logPath);
        },
      };
      others.add(reader);
      return reader;
    },
    slowest: (logPath) => Math.min(...[...(readers.get(logPath) ?? [])].map(({ at }) => at)),
  };
}
