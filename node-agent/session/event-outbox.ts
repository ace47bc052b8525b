/* Events on their way to the control plane. While no session takes them the first of them wait; the rest are lost, and counted. */

import { createQueue } from "#core/queue.ts";
import type { PodEvent } from "#proto/podwire/v1/agent.ts";
import type { SendEvent } from "./session.ts";

export interface EventOutbox {
  readonly offer: (event: PodEvent) => void;
  /** The session that takes them from now on. */
  open(send: SendEvent): void;
  readonly dropped: number;
}

const waitingMax = 256;

export function createEventOutbox(): EventOutbox {
  const waiting = createQueue<PodEvent>({ limit: waitingMax, whenFull: "drop-newest" });
  let send: SendEvent = () => false;
  const offer = (event: PodEvent) => {
    if (!send(event)) waiting.offer(event);
  };
  return {
    offer,
    open(next) {
      send = next;
      for (const event of waiting.drain()) offer(event);
    },
    get dropped() {
      return waiting.dropped;
    },
  };
}
