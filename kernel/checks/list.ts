import type { Check } from "./check.ts";
import { namespaces, userNamespaces } from "./namespaces.ts";
import { connectionTracking, links, nftables, routing, tun } from "./network-features.ts";
import { programVersions, systemPrograms } from "./programs.ts";
import { inotify, memory, openFiles, processes } from "./sizes.ts";

/** Every check of the machine, in the order in which they are told: what is missing first makes later ones fail. */
export const checks: readonly Check[] = [
  systemPrograms,
  programVersions,
  userNamespaces,
  namespaces,
  tun,
  links,
  routing,
  nftables,
  connectionTracking,
  memory,
  openFiles,
  processes,
  inotify,
];
