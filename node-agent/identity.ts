/* Who this agent is, kept on disk so that a new agent on the same host is the same node. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { readJson, writeJson } from "./json-file.ts";

export interface Identity {
  readonly nodeName: string;
  /** A secret: sent as metadata, never logged. */
  readonly credential: string;
}

/** What the node last worked under. */
export interface Block {
  readonly epoch: number;
  readonly podCidr: string;
}

export interface IdentityFile {
  load(): Identity | undefined;
  save(identity: Identity): void;
  loadBlock(): Block;
  saveBlock(block: Block): void;
}

export function openIdentity(stateDir: string): IdentityFile {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const identityPath = join(stateDir, "identity.json");
  const blockPath = join(stateDir, "block.json");
  return {
    load: () => readJson<Identity>(identityPath),
    save: (identity) => writeJson(identityPath, identity),
    loadBlock: () => readJson<Block>(blockPath) ?? { epoch: 0, podCidr: "" },
    saveBlock(block) {
      const { epoch, podCidr } = readJson<Block>(blockPath) ?? {};
      if (epoch !== block.epoch || podCidr !== block.podCidr) writeJson(blockPath, block);
    },
  };
}
