/* What makes a fake agent's pods live by themselves: they run as soon as they come, and are gone as soon as they are asked to end. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import type { FakeSession } from "./fake-agent.ts";
import type { NodeView } from "./fake-agent-view.ts";

export interface KubeletOptions {
  /** Which pods become Ready; all where it is absent. The others stay Pending. */
  readonly runs?: (pod: Pod) => boolean;
  /** Which pods that end are gone; all where it is absent. */
  readonly ends?: (pod: Pod) => boolean;
}

export interface FakeKubelet extends AsyncDisposable {
  /** Asks `runs` and `ends` again. */
  reconsider(): void;
}

const pauseMs = 2;

export function startFakeKubelet(session: FakeSession, options: KubeletOptions = {}): FakeKubelet {
  const { runs = () => true, ends = () => true } = options;
  const over = new AbortController();
  const told = new Set<string>();
  let seen: NodeView | undefined;
  let addressCount = 1;

  const act = (pod: Pod): void => {
    const { namespace = "default", name = "", uid = "", deletionTimestamp } = pod.metadata ?? {};
    if (deletionTimestamp !== undefined && ends(pod) && !told.has(`gone ${uid}`)) {
      told.add(`gone ${uid}`);
      session.report({ namespace, name, uid, gone: true });
    } else if (deletionTimestamp === undefined && runs(pod) && !told.has(uid)) {
      told.add(uid);
      addressCount += 1;
      session.reportRunning(pod, `10.244.${addressCount >> 8}.${addressCount & 255}`);
    }
  };

  const run = async (): Promise<void> => {
    while (!over.signal.aborted) {
      if (session.view !== seen) {
        seen = session.view;
        for (const pod of seen.pods.values()) act(pod);
      }
      await sleep(pauseMs);
    }
  };
  const ended = run();
  return {
    reconsider: () => {
      seen = undefined;
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      await ended;
    },
  };
}
